/**
 * A pause that can be ended early.
 */

export interface Nap {
  /** Resolves after so many milliseconds, or when woken; at once when it was woken before it began. */
  readonly sleep: (ms: number) => Promise<void>;
  readonly wake: () => void;
}

/** `keepsAlive`: whether the process waits for the end of a pause, as it waits for a connection. */
export function createNap({ keepsAlive }: { readonly keepsAlive: boolean }): Nap {
  let end: (() => void) | undefined;
  let isWoken = false;
  return {
    sleep: (ms) => {
      if (isWoken) {
        isWoken = false;
        return Promise.resolve();
      }
      return new Promise((resolve) => {
        const timer = setTimeout(() => end?.(), ms);
        if (!keepsAlive) timer.unref();
        end = () => {
          clearTimeout(timer);
          end = undefined;
          resolve();
        };
      });
    },
    wake: () => {
      if (end === undefined) isWoken = true;
      else end();
    },
  };
}
