/**
 * Events per second over the last few seconds: counts come in, one number goes out, 0 when nothing has happened.
 * Two windows of fixed length, so that it needs no memory of single events. Never reads the clock by itself.
 */
export interface Rate {
  add(count: number): void;
  perSecond(): number;
}

const windowMs = 5_000;

/** `now` in milliseconds; what happened in the last 5 to 10 seconds is seen. */
export function createRate(now: () => number): Rate {
  let start = now();
  let current = 0;
  let previous = 0;
  const turn = (): number => {
    const elapsed = now() - start;
    if (elapsed < windowMs) return Math.max(elapsed, 0);
    previous = elapsed < 2 * windowMs ? current : 0;
    current = 0;
    start = now();
    return 0;
  };
  return {
    add(count) {
      turn();
      current += count;
    },
    perSecond() {
      const elapsed = turn();
      return Math.round((1000 * (current + previous)) / (windowMs + elapsed));
    },
  };
}
