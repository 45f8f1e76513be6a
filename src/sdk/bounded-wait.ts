/**
 * Waiting for what may never come: at most so long. While somebody waits the process stays alive.
 */
import { Failure } from '../failure.ts';

/** Calls `begin` with what ends the wait; what it answers is called when the wait is over. Failures: unavailable. */
export function boundedWait(
  timeoutMs: number,
  message: () => string,
  begin: (end: (failure?: Failure) => void) => () => void,
): Promise<void> {
  return new Promise((resolve, reject) => {
    let stop = (): void => undefined;
    let isOver = false;
    const end = (failure?: Failure): void => {
      if (isOver) return;
      isOver = true;
      clearTimeout(timer);
      stop();
      if (failure === undefined) resolve();
      else reject(failure);
    };
    const timer = setTimeout(
      () => end(new Failure('unavailable', message(), { reason: 'timed_out' })),
      Math.min(timeoutMs, 2 ** 31 - 1),
    );
    const begun = begin(end);
    if (isOver) begun();
    else stop = begun;
  });
}
