/**
 * What a client is handed from its composition root: clock, randomness, ids, and how long it waits for what.
 */

export interface VarveParts {
  /** Milliseconds that never run backwards. */
  readonly elapsed: () => number;
  /** Epoch milliseconds as this machine believes; asked only until the server has told its own. */
  readonly wallClock: () => number;
  /** 0 up to 1. */
  readonly random: () => number;
  readonly newId: () => string;
  readonly waits: VarveWaits;
}

/** All in milliseconds. */
export interface VarveWaits {
  /** The longest pause before the first attempt after a failure; doubles with each. */
  readonly retryMs: number;
  readonly maxRetryMs: number;
  /** A connection that says nothing for so long is dead: 2.5 heartbeats of the server. */
  readonly silenceMs: number;
  /** A stream without its first byte after so long is held up by something in between: longer than a server waits for a revision (5 s). */
  readonly firstByteMs: number;
  /** While polling, a stream is tried again this often. */
  readonly streamAgainMs: number;
  /** How long a start with values from the file waits for the server. */
  readonly fileFirstMs: number;
  /** A cache file that could not be written is tried again after so long. */
  readonly cacheAgainMs: number;
  /** How long a write is tried. */
  readonly writeMs: number;
  /** From one heartbeat to the next, a tenth more or less. */
  readonly heartbeatMs: number;
  /** A heartbeat without an answer by then has failed. */
  readonly heartbeatLimitMs: number;
  /** Two heartbeats are never nearer than this. */
  readonly heartbeatGapMs: number;
  /** A new revision is told within this, unless a heartbeat went out just before. */
  readonly newsMs: number;
}

export const usualWaits: VarveWaits = {
  retryMs: 500,
  maxRetryMs: 30_000,
  silenceMs: 40_000,
  firstByteMs: 8_000,
  streamAgainMs: 300_000,
  fileFirstMs: 1_000,
  cacheAgainMs: 60_000,
  writeMs: 30_000,
  heartbeatMs: 10_000,
  heartbeatLimitMs: 10_000,
  heartbeatGapMs: 1_000,
  newsMs: 200,
};
