/**
 * The queue is wiped under load, again and again: its tables truncated, or its Redis flushed. The queue holds nothing that
 * matters, so everything that it was to do must still be done. What that is stands in a list (arrivals.ts).
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import pg from 'pg';
import { arrivals } from '../arrivals.ts';
import { recoveryLimitMs } from '../recovery.ts';
import type { Scenario } from '../scenario.ts';
import { openSharedStand } from '../shared-stand.ts';

/** A wiped queue has its schedule back within 15 s; the rest is for the work itself. */
const arrivalLimitMs = 60_000;
const wipePauseMs = 500;

export const queueWiped: Scenario = {
  name: 'queue-wiped',
  summary: "the queue's tables are truncated (or its Redis flushed, --redis) under load",
  cycles: 1,
  seconds: 5,
  async begin({ redisUrl }) {
    const stand = await openSharedStand({ servers: 1, ...(redisUrl === undefined ? {} : { redisUrl }) });
    const database = new pg.Pool({ connectionString: stand.databaseUrl(), max: 4 });
    // The database ends before this pool does.
    database.on('error', () => undefined);
    const wipe = redisUrl === undefined ? () => truncateQueue(database) : () => flush(redisUrl);
    return {
      stand,
      isWatched: true,
      async cycle({ load, seconds, leastWrites, complain }, cycle) {
        const arrival = { database, client: stand.clients[0], name: `cycle-${cycle}` };
        await load.acknowledgedFromNow(leastWrites, recoveryLimitMs);
        const until = performance.now() + seconds * 1_000;
        let wipes = 1;
        for (; performance.now() < until; wipes++) {
          await wipe();
          await sleep(wipePauseMs);
        }
        // What is to be done is known to the ledger and the tables alone: the queue forgets it right away.
        for (const one of arrivals) await one.plant(arrival);
        await wipe();
        const wipedAt = performance.now();
        const told: string[] = [];
        for (const { what, hasArrived } of arrivals) {
          while (!(await hasArrived(arrival)) && performance.now() < wipedAt + arrivalLimitMs)
            await sleep(100);
          if (await hasArrived(arrival))
            told.push(`${what} after ${Math.round(performance.now() - wipedAt)} ms`);
          else complain(`${what}: not in ${arrivalLimitMs} ms`);
        }
        await load.acknowledgedFromNow(leastWrites, recoveryLimitMs);
        return `wiped ${wipes} times; then ${told.join(', ')}`;
      },
      end: () => database.end(),
    };
  },
};

/** Truncates all but what says which migrations have run. A worker holds locks in an order of its own: tried again. */
async function truncateQueue(database: pg.Pool, attempts = 20): Promise<void> {
  const { rows } = await database.query<{ readonly name: string }>(
    `select quote_ident(schemaname) || '.' || quote_ident(tablename) as name from pg_tables
      where schemaname = 'bullmq' and tablename not like '%migration%' order by tablename`,
  );
  if (rows.length === 0) throw new Error('the queue has no tables');
  try {
    await database.query(`truncate ${rows.map(({ name }) => name).join(', ')}`);
  } catch (error) {
    const isDeadlock = error instanceof Error && 'code' in error && error.code === '40P01';
    if (!isDeadlock || attempts <= 1) throw error;
    await truncateQueue(database, attempts - 1);
  }
}

async function flush(redisUrl: string): Promise<void> {
  const redis = new Redis(redisUrl);
  try {
    await redis.flushdb();
  } finally {
    redis.disconnect();
  }
}
