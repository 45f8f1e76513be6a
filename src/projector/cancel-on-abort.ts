/**
 * Statements that may run for minutes, and end when somebody says so: an abort signal comes in and becomes a cancel request
 * to the database. What was cancelled fails as an outage does, and its transaction leaves nothing.
 */
import type pg from 'pg';
import { transaction } from '../database/pool.ts';
import { Failure } from '../failure.ts';
import type { ProjectionTransaction } from './projection.ts';

/** Runs statements of `tx`; an abort cancels the one that runs. Its first statement asks who the session is. */
export async function cancelOnAbort<Result>(
  pool: pg.Pool,
  tx: ProjectionTransaction,
  signal: AbortSignal | undefined,
  work: () => Promise<Result>,
): Promise<Result> {
  const { rows } = await tx.query<{ pid: number }>('select pg_backend_pid() as pid');
  if (signal === undefined) return work();
  refuseAborted(signal);
  // A cancel request that comes too late meets no statement, and does nothing.
  const cancel = (): void => void cancelSession(pool, rows[0]?.pid ?? 0).catch(() => undefined);
  signal.addEventListener('abort', cancel, { once: true });
  try {
    return await work();
  } finally {
    signal.removeEventListener('abort', cancel);
  }
}

export function refuseAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted === true)
    throw new Failure('unavailable', 'The replay was interrupted', { reason: 'interrupted' });
}

/** Sessions belong to the user who logged in, whatever role they took: a cancel request is his. */
async function cancelSession(pool: pg.Pool, pid: number): Promise<void> {
  await transaction(pool, async (tx) => {
    await tx.query('set local role none');
    await tx.query('select pg_cancel_backend($1)', [pid]);
  });
}
