/**
 * How long a call may take: one timer and the caller's own signal in one. A stream sets the timer anew with each piece.
 */
import { Failure } from '../../failure.ts';

export interface CallLimit {
  /** Aborted when the time is up, or by the caller. */
  readonly signal: AbortSignal;
  restart(): void;
  stop(): void;
  /** What an error means that was thrown meanwhile: the caller's own abort, the time, or the wire. */
  failure(error: unknown, what: string): Failure;
}

export function startCallLimit(timeoutMs: number, outer: AbortSignal | undefined): CallLimit {
  const timer = new AbortController();
  // A timer that is longer fires at once.
  const ms = Math.min(timeoutMs, 2 ** 31 - 1);
  let handle = setTimeout(() => timer.abort(), ms);
  return {
    signal: outer === undefined ? timer.signal : AbortSignal.any([timer.signal, outer]),
    restart: () => {
      clearTimeout(handle);
      handle = setTimeout(() => timer.abort(), ms);
    },
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
