/**
 * How long a call may take: one timer and the caller's own signal in one. Of a whole answer it runs once; of a stream it is
 * set anew with each piece.
 */
import { Failure } from '../../failure.ts';

export interface CallLimit {
  /** Aborted when the time is up, or by the caller. */
  readonly signal: AbortSignal;
  /** A piece has come: the time stands still while it is used. Not that of a whole answer. */
  pause(): void;
  /** The next piece is waited for: the time begins anew. Not that of a whole answer. */
  restart(): void;
  /** Nothing is expected any more: from now on at most so many milliseconds. */
  shorten(ms: number): void;
  stop(): void;
  /** What an error means that was thrown meanwhile: the caller's own abort, the time, or the wire. */
  failure(error: unknown, what: string): Failure;
}

/** `each` limits the wait for each piece, `whole` all of them together. */
export function startCallLimit(
  timeoutMs: number,
  outer: AbortSignal | undefined,
  of: 'each' | 'whole',
): CallLimit {
  const timer = new AbortController();
  // A timer that is longer fires at once.
  const ms = Math.min(timeoutMs, 2 ** 31 - 1);
  const abort = (): void => timer.abort();
  let handle = setTimeout(abort, ms);
  const begin = (lengthMs: number): void => {
    clearTimeout(handle);
    handle = setTimeout(abort, lengthMs);
  };
  return {
    signal: outer === undefined ? timer.signal : AbortSignal.any([timer.signal, outer]),
    pause: () => {
      if (of === 'each') clearTimeout(handle);
    },
    restart: () => {
      if (of === 'each') begin(ms);
    },
    shorten: (lengthMs) => begin(Math.min(lengthMs, ms)),
    stop: () => clearTimeout(handle),
    failure: (error, what) => {
      if (error instanceof Failure) return error;
      if (outer?.aborted === true) {
        return new Failure('unavailable', `the call of ${what} was aborted`, {
          reason: 'aborted',
          cause: outer.reason,
        });
      }
      if (timer.signal.aborted) {
        return new Failure('unavailable', `${what} did not answer within ${timeoutMs} ms`, {
          reason: 'timed_out',
          cause: error,
        });
      }
      return new Failure('unavailable', `${what} was not reached, or broke off`, {
        reason: 'not_reached',
        cause: error,
      });
    },
  };
}
