/**
 * The server's clock, carried on by this machine's counter of elapsed time: a wrong wall clock here does not matter.
 * In: times that the server told; out: epoch milliseconds at once.
 */

export interface ServerClock {
  /** Epoch milliseconds, whole; of this machine's clock until the server has told the first time. */
  readonly now: () => number;
  /** A time (epoch milliseconds) that the server has just told. */
  readonly told: (time: number) => void;
}

/** So many readings are compared. */
const readingCount = 16;

/**
 * Each reading took some time to come here, so that each says too little: the highest of the last ones is the best. That
 * no older ones count lets the clock follow one that is set back.
 */
export function createServerClock(parts: {
  readonly elapsed: () => number;
  readonly wallClock: () => number;
}): ServerClock {
  const { elapsed } = parts;
  let readings: readonly number[] = [];
  let offset = parts.wallClock() - elapsed();
  return {
    now: () => Math.floor(elapsed() + offset),
    told: (time) => {
      readings = [...readings.slice(1 - readingCount), time - elapsed()];
      offset = Math.max(...readings);
    },
  };
}
