/**
 * Who moves the shared tables, and who replays the log: one session in the database holds the advisory lock for it, on a
 * connection of its own. It is let go when the holder says so, or by the database itself when the connection ends or falls
 * silent: the holder gives signs of life, and the database ends its session without them. A holder that is cut off from the
 * database notices by itself, and cannot keep the others waiting until the network forgets its connection.
 */
import type pg from 'pg';
import { cutConnection, isAlive } from '../database/connection-limits.ts';
import { toFailure } from '../database/pool.ts';

/** Any two numbers each, the same in every Varve: 'varv', and what is done. */
const lockKeys = { project: [0x76617276, 1], replay: [0x76617276, 2] } as const;

export interface ProjectorLock {
  /** Whether the connection that holds it still stands, as far as is known here. */
  isHeld(): boolean;
  release(): Promise<void>;
}

/** How long silence is borne, milliseconds. */
export interface LockLimits {
  /** A holder gives a sign of life this often. */
  readonly signEveryMs: number;
  /** A holder that hears nothing for so long gives up. */
  readonly signLimitMs: number;
  /** The database ends a holder's session that was silent for so long: later than the holder gives up by itself. */
  readonly silentMs: number;
}

const defaultLimits: LockLimits = { signEveryMs: 2_000, signLimitMs: 5_000, silentMs: 10_000 };

/** The lock, or undefined while another server holds it. Never waits for it. Failure `unavailable` for an outage. */
export async function tryProjectorLock(
  pool: pg.Pool,
  purpose: keyof typeof lockKeys = 'project',
  limits: LockLimits = defaultLimits,
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
    await client.query(`set idle_session_timeout = ${limits.silentMs}`);
    let isAsking = false;
    signs = setInterval(() => {
      if (isAsking) return;
      isAsking = true;
      void isAlive(client, limits.signLimitMs).then(() => {
        isAsking = false;
      });
    }, limits.signEveryMs);
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
      if (lost === undefined) await unlock(client, lockKey).catch(onLost);
      letGo();
    },
  };
}

async function unlock(client: pg.PoolClient, lockKey: readonly number[]): Promise<void> {
  const late = setTimeout(() => cutConnection(client, 'The lock could not be given back in time'), 2_000);
  try {
    await client.query('select pg_advisory_unlock($1, $2)', [...lockKey]);
    await client.query('reset idle_session_timeout');
  } finally {
    clearTimeout(late);
  }
}
