/**
 * How long to wait before trying again: exponential, with full jitter, so that clients which lost the same server do not
 * come back at once (AWS Architecture Blog, "Exponential Backoff And Jitter").
 */

export interface Backoff {
  /** Milliseconds until the next attempt; not before what the other side asked for. */
  readonly next: (atLeastMs?: number) => number;
  /** It went well: the next failure is the first one again. */
  readonly succeeded: () => void;
  /** The server told how long its clients wait at first. */
  readonly startAt: (retryMs: number) => void;
}

/** Nobody is made to wait longer because the other side asked for it. */
const longestAskedMs = 300_000;

export function createBackoff(
  random: () => number,
  { retryMs, maxRetryMs }: { readonly retryMs: number; readonly maxRetryMs: number },
): Backoff {
  let failures = 0;
  let first = retryMs;
  return {
    next: (atLeastMs = 0) => {
      const longest = Math.min(maxRetryMs, first * 2 ** Math.min(failures, 30));
      failures += 1;
      return Math.min(atLeastMs, longestAskedMs) + random() * longest;
    },
    succeeded: () => {
      failures = 0;
    },
    startAt: (ms) => {
      first = Math.min(Math.max(1, ms), maxRetryMs);
    },
  };
}
