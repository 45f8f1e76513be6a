/**
 * Paces a long computation that is written as a generator: tells it when it has worked for a slice and should yield.
 * Units of work come in, about 0.3 µs each (one look-up). They are estimates: where the work takes longer than they say,
 * a clock that is handed down ends the slice.
 */

export interface Pace {
  /** Adds work that is done or about to be done; whether it is time to yield. */
  spend(units: number): boolean;
}

/** About 1 ms of work. */
const unitsASlice = 4_096;
/** How much is done between two looks at the clock. */
const unitsALook = 256;
const longestSliceMs = 3;

/** `now` in milliseconds, from any moment on; a slice ends by its units or by the clock, whichever is first. */
export function createPace(now: () => number, units = unitsASlice): Pace {
  let left = units;
  let toLook = 0;
  let startedAt: number | undefined;
  const isLate = (): boolean => {
    toLook = unitsALook;
    const time = now();
    startedAt ??= time;
    return time - startedAt >= longestSliceMs;
  };
  return {
    spend(amount) {
      left -= amount;
      toLook -= amount;
      if (left > 0 && (toLook > 0 || !isLate())) return false;
      left = units;
      toLook = 0;
      startedAt = undefined;
      return true;
    },
  };
}
