/**
 * A database of its own for each test file, copied from the migrated template; call it in beforeAll and `drop` in afterAll.
 * Needs the global set-up of database-setup.ts.
 */

import type pg from 'pg';
import { inject } from 'vitest';
import { createPool } from '../../src/database/pool.ts';

export interface TestDatabase {
  readonly name: string;
  /** For further pools, with roles for example; close them before `drop`. */
  readonly url: string;
  /** Ten connections of the owning user, without a role. */
  readonly pool: pg.Pool;
  /** Closes the pool and removes the database, whoever is still connected. */
  drop(): Promise<void>;
}

let made = 0;

/**
 * Makes a database from the template: all migrations, no rows but theirs.
 * `from: 'nothing'` makes an empty one, for tests of the migrations themselves.
 */
export async function createTestDatabase(from: 'template' | 'nothing' = 'template'): Promise<TestDatabase> {
  const serverUrl = inject('databaseUrl');
  made += 1;
  const name = `varve_test_${process.pid}_${process.env['VITEST_POOL_ID'] ?? 0}_${made}`;
  const template = from === 'template' ? inject('templateDatabase') : 'template1';
  await runOnServer(serverUrl, `drop database if exists ${name} with (force)`);
  // Measured with 30 tables and real fsync: wal_log 80 ms, file_copy 110 to 200 ms (it forces two checkpoints).
  await runOnServer(serverUrl, `create database ${name} template ${template} strategy wal_log`);
  const url = withDatabase(serverUrl, name);
  const pool = createPool(url, { max: 10, applicationName: name });
  const drop = async (): Promise<void> => {
    if (!pool.ended) await pool.end();
    await runOnServer(serverUrl, `drop database if exists ${name} with (force)`);
  };
  return { name, url, pool, drop };
}

/** The same server and user, another database. */
export function withDatabase(url: string, name: string): string {
  const changed = new URL(url);
  changed.pathname = `/${name}`;
  return changed.href;
}

async function runOnServer(url: string, statement: string): Promise<void> {
  const pool = createPool(url, { max: 1, applicationName: 'varve-test' });
  try {
    await pool.query(statement);
  } finally {
    await pool.end();
  }
}
