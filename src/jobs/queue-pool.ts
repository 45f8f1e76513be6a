/**
 * The connections of a queue that lives in Postgres, in a schema of its own that BullMQ's migrations make.
 * In: a connection string; out: a pool for BullMQ, ready for use. BullMQ's own pool would let a database that dies just
 * when a connection stands end the process: nobody listens to the connection's errors in that moment.
 */
import { DEFAULT_SCHEMA, type PgPool, runMigrations } from 'bullmq';
import pg from 'pg';
import { createPool } from '../database/pool.ts';

/** One for the LISTEN of each of two workers, held as long as they stand; the others are shared. */
const maxConnections = 6;

/** Failures: those of connecting and of the migrations. Close it with `pool.end()` after the queue and its worker. */
export async function openQueuePool(connectionString: string): Promise<PgPool> {
  const pool = createPool(connectionString, {
    max: maxConnections,
    applicationName: 'varve-queue',
    schema: DEFAULT_SCHEMA,
    // The queue holds nothing that matters.
    mayForget: true,
    columnTypes: pg.types,
  });
  try {
    await migrateQueue(pool);
  } catch (error) {
    await pool.end();
    throw error;
  }
  // BullMQ takes every pg.Pool; only the overloads of `on` are written another way in its types.
  return pool as unknown as PgPool;
}

async function migrateQueue(pool: pg.Pool): Promise<void> {
  const client = await pool.connect();
  try {
    await runMigrations(client, DEFAULT_SCHEMA);
    client.release();
  } catch (error) {
    client.release(true);
    throw error;
  }
}
