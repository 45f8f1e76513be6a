/**
 * Tells what may pass by itself from what will fail the same way every time.
 * An error of the database, the log or a checkpoint's move comes in; a projection stops only for the second kind.
 */
import { isUnavailable, readCode } from '../database/database-failure.ts';
import { Failure } from '../failure.ts';

/** Serialization failure, deadlock, a server that only reads for now (a fail-over), a connection pool's own limits. */
const passingStates: readonly string[] = ['40001', '40P01', '25006'];

/** Whether the same batch may go through later. */
export function isWorthRetrying(error: unknown): boolean {
  if (error instanceof Failure && error.code === 'conflict') return error.reason === 'checkpoint_moved';
  return isUnavailable(error) || passingStates.includes(readCode(error) ?? '');
}
