/**
 * Who moves the shared tables: one session in the database holds an advisory lock, on a connection of its own.
 * It is let go when the holder says so, or by the database itself when the holder's connection ends.
 */
import type pg from 'pg';
import { toFailure } from '../database/pool.ts';

/** Any two numbers, the same in every Varve: 'varv' and the projector. */
const lockKey = [0x76617276, 1] as const;

export interface ProjectorLock {
  /** Whether the connection that holds it still stands, as far as is known here. */
  isHeld(): boolean;
  release(): Promise<void>;
}

/** The lock, or undefined while another server holds it. Never waits for it. Failure `unavailable` for an outage. */
export async function tryProjectorLock(pool: pg.Pool): Promise<ProjectorLock | undefined> {
  const client = await pool.connect().catch((error: unknown) => {
    throw toFailure(error);
  });
  let lost: Error | undefined;
  const onLost = (error?: Error): void => {
    lost ??= error ?? new Error('The connection that held the lock has ended');
  };
  client.on('error', onLost);
  client.on('end', onLost);
  const letGo = (): void => {
    client.off('error', onLost);
    client.off('end', onLost);
    client.release(lost);
  };
  try {
    const answer = await client.query<{ held: boolean }>('select pg_try_advisory_lock($1, $2) as held', [
      ...lockKey,
    ]);
    if (answer.rows[0]?.held !== true) {
      letGo();
      return undefined;
    }
  } catch (error) {
    onLost(error instanceof Error ? error : undefined);
    letGo();
    throw toFailure(error);
  }
  return {
    isHeld: () => lost === undefined,
    async release() {
      if (lost === undefined)
        await client.query('select pg_advisory_unlock($1, $2)', [...lockKey]).catch(onLost);
      letGo();
    },
  };
}
