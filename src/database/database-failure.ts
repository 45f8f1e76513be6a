/**
 * Tells an outage of the database from everything else that a query may throw.
 * Comes in: whatever the driver threw. Goes out: `unavailable` for an outage, the very same error otherwise.
 * Recognises by SQLSTATE, by system error code, or by the code that pool.ts gives to errors the driver leaves without one;
 * never by a message's text.
 */

import { Failure } from '../failure.ts';

/** The code given to driver errors that have none and mean that a connection was lost or could not be had. */
const connectionLostCode = 'CONNECTION_LOST';

/** Codes of whole SQLSTATE classes: connection exception, insufficient resources, system error. */
const outageClasses: readonly string[] = ['08', '53', '58'];

/**
 * Single states: shutdowns and crashes of the server, a statement's or lock's time limit,
 * and a session that was ended because it idled.
 */
const outageStates: readonly string[] = [
  '57P01',
  '57P02',
  '57P03',
  '57P04',
  '57P05',
  '57014',
  '55P03',
  '25P03',
  '25P04',
];

const outageSystemCodes: readonly string[] = [
  connectionLostCode,
  'ECONNREFUSED',
  'ECONNRESET',
  'ECONNABORTED',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'EHOSTDOWN',
  'ENETUNREACH',
  'ENETDOWN',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EMFILE',
];

/** These mean an outage only when it was a connection that met them: a socket that is not there (yet). */
const outageConnectCodes: readonly string[] = ['ENOENT', 'EACCES', 'EAGAIN'];

/** Whether the error says that the database cannot serve now, and that trying again later makes sense. */
export function isUnavailable(error: unknown): boolean {
  if (error instanceof Failure) return error.code === 'unavailable';
  const code = readCode(error);
  if (code === undefined) return false;
  if (outageSystemCodes.includes(code)) return true;
  if (outageConnectCodes.includes(code))
    return error instanceof Error && 'syscall' in error && error.syscall === 'connect';
  return code.length === 5 && (outageClasses.includes(code.slice(0, 2)) || outageStates.includes(code));
}

/**
 * `unavailable` (reason `database_unavailable`, the error as its cause) for an outage; anything else comes back as it is,
 * so that `throw toFailure(error)` is always right. 42501 (no permission) and the like stay what they are.
 */
export function toFailure(error: unknown): unknown {
  if (error instanceof Failure || !isUnavailable(error)) return error;
  return new Failure('unavailable', 'The database cannot be reached or cannot serve now', {
    reason: 'database_unavailable',
    retryAfterSeconds: 1,
    cause: error,
  });
}

/** The driver's or the system's code of an error; undefined when it has none. */
export function readCode(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}

/** Gives an error without a code the one for a lost connection; must only be called where that is known. */
export function markConnectionLost(error: Error): Error {
  return readCode(error) === undefined ? Object.assign(error, { code: connectionLostCode }) : error;
}
