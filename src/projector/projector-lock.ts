/**
 * Who moves the shared tables, and who replays the log: one session in the database holds the advisory lock for it, on a
 * connection of its own. It is let go when the holder says so, or by the database itself when the connection ends, or when
 * the holder has said nothing for a while: a process that is paused, or a machine that is cut off, keeps its connection for hours.
 */
import type pg from 'pg';
import { toFailure } from '../database/pool.ts';

/** Any two numbers each, the same in every Varve: 'varv', and what is done. */
const lockKeys = { project: [0x76617276, 1], replay: [0x76617276, 2] } as const;

/** The database ends the holder's session when it hears nothing for so long; checkpoints guard against a late move. */
const silentMs = 10_000;
/** How often the holder gives a sign of life. */
const signOfLifeMs = 2_000;

export interface ProjectorLock {
  /** Whether the connection that holds it still stands, as far as is known here. */
  isHeld(): boolean;
  release(): Promise<void>;
}

/** The lock, or undefined while another server holds it. Never waits for it. Failure `unavailable` for an outage. */
export async function tryProjectorLock(
  pool: pg.Pool,
  purpose: keyof typeof lockKeys = 'project',
): Promise<ProjectorLock | undefined> {
  const lockKey = lockKeys[purpose];
  const client = await pool.connect().catch((error: unknown) => {
    throw toFailure(error);
  });
  let lost: Error | undefined;
  const onLost = (error?: Error): void => {
    lost ??= error ?? new Error('The connection that held the lock has ended');
  };
  client.on('error', onLost);
  client.on('end', onLost);
  let signs: NodeJS.Timeout | undefined;
  const letGo = (): void => {
    clearInterval(signs);
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
    await client.query(`set idle_session_timeout = ${silentMs}`);
    signs = setInterval(() => {
      client.query('select 1').catch(onLost);
    }, signOfLifeMs);
    signs.unref();
  } catch (error) {
    onLost(error instanceof Error ? error : undefined);
    letGo();
    throw toFailure(error);
  }
  return {
    isHeld: () => lost === undefined,
    async release() {
      clearInterval(signs);
      if (lost === undefined) {
        await client.query('select pg_advisory_unlock($1, $2)', [...lockKey]).catch(onLost);
        await client.query('reset idle_session_timeout').catch(onLost);
      }
      letGo();
    },
  };
}
