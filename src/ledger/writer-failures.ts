/**
 * Why the writer turns a changeset away for now. All are `unavailable`: nothing has happened, and asking again helps.
 */
import { Failure } from '../failure.ts';

export function cannotFollow(cause: unknown): Failure {
  return new Failure(
    'unavailable',
    'the live state no longer follows the ledger; see the status of this server',
    {
      reason: 'live_state_stopped',
      cause,
    },
  );
}

export function tooMany(what: string): Failure {
  return new Failure('unavailable', `too many ${what}`, { reason: 'queue_full', retryAfterSeconds: 1 });
}

export function stopping(): Failure {
  return new Failure('unavailable', 'the server is stopping', { reason: 'stopping', retryAfterSeconds: 2 });
}

/** Bounded races, all lost. */
export function racesLost(): Failure {
  return new Failure('unavailable', 'other servers were faster every time; try again', {
    reason: 'races_lost',
    retryAfterSeconds: 1,
  });
}

/** Recorded time must not run away. */
export function clockBehind(aheadMs: number): Failure {
  return new Failure('unavailable', 'the ledger is ahead of the database clock; writes wait for it', {
    reason: 'clock_behind',
    retryAfterSeconds: Math.ceil(aheadMs / 1000),
  });
}
