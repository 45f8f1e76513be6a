/**
 * How old values are: the time since the server was last heard, and how old it said that they were then.
 */

export interface Freshness {
  /** Milliseconds since it was last known that nothing newer exists. */
  readonly ageMs: () => number;
  /** A word from the server, which last heard from its log so many milliseconds ago; as before when it did not say. */
  readonly heard: (serverAgeMs?: number) => void;
  /** Values came from somewhere else and were so old. */
  readonly cameAged: (ageMs: number) => void;
}

export function createFreshness(elapsed: () => number): Freshness {
  let heardAt = elapsed();
  let ageThen = 0;
  return {
    ageMs: () => Math.max(0, Math.round(elapsed() - heardAt + ageThen)),
    heard: (serverAgeMs = ageThen) => {
      heardAt = elapsed();
      ageThen = serverAgeMs;
    },
    cameAged: (ageMs) => {
      heardAt = elapsed();
      ageThen = Math.max(0, ageMs);
    },
  };
}
