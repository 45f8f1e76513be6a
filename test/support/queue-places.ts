/**
 * Wiping queues in tests: everything that BullMQ holds, while its workers go on.
 */
import type { Redis } from 'ioredis';
import type pg from 'pg';

/** A running worker holds locks of its own, in an order of its own: a deadlock is tried again. */
export async function wipePostgresQueues(pool: pg.Pool, attempts = 10): Promise<void> {
  const { rows } = await pool.query<{ name: string }>(
    `select quote_ident(tablename) as name from pg_tables
      where schemaname = 'bullmq' and tablename not like '%migration%' order by tablename`,
  );
  if (rows.length === 0) return;
  try {
    await pool.query(`truncate ${rows.map(({ name }) => `bullmq.${name}`).join(', ')}`);
  } catch (error) {
    const isDeadlock = error instanceof Error && 'code' in error && error.code === '40P01';
    if (!isDeadlock || attempts <= 1) throw error;
    await wipePostgresQueues(pool, attempts - 1);
  }
}

/** Only what is ours: REDIS_URL may name a server that others use as well. */
export async function wipeRedisQueues(redis: Redis): Promise<void> {
  const keys = await redis.keys('varve:*');
  if (keys.length > 0) await redis.del(keys);
}
