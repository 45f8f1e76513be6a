/**
 * A bell: somebody waits for it with a time limit, somebody rings. Ringing while nobody waits is kept for the next wait,
 * and any number of rings are one. For one waiter at a time.
 */
export interface Bell {
  ring(): void;
  /** Whether it rang, at the latest after so many milliseconds. */
  wait(ms: number): Promise<boolean>;
}

export function createBell(): Bell {
  let hasRung = false;
  let answer: (() => void) | undefined;
  return {
    ring() {
      hasRung = true;
      answer?.();
    },
    async wait(ms) {
      if (!hasRung) {
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, ms);
          answer = () => {
            clearTimeout(timer);
            resolve();
          };
        });
        answer = undefined;
      }
      const rang = hasRung;
      hasRung = false;
      return rang;
    },
  };
}
