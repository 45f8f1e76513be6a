/**
 * Databases filled by SQL, on an embedded server of the benches' own, shared by all benches of one run: one of each size
 * is made when it is first asked for. Sizes come in, pools go out. Whoever ends the run calls `dropFilled`.
 */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import pg from 'pg';
import { type EmbeddedPostgres, startEmbeddedPostgres } from '../../src/database/embedded.ts';
import { migrate } from '../../src/database/migrate.ts';
import { createPool } from '../../src/database/pool.ts';
import { withDatabase } from '../support/database.ts';
import { makeScratchFolder } from '../support/scratch-folder.ts';
import type { BenchOptions } from './bench-options.ts';
import { fillBySql } from './fill-by-sql.ts';

const migrations = join(import.meta.dirname, '..', '..', 'migrations');

interface FilledServer {
  readonly postgres: EmbeddedPostgres;
  readonly pools: Map<number, pg.Pool>;
  removeFiles(): Promise<void>;
}

let server: FilledServer | undefined;
let keptIn: string | undefined;

/** How many events the benches ask about, smallest first. */
export function filledSizes({
  isQuick,
  isFull,
}: Pick<BenchOptions, 'isQuick' | 'isFull'>): readonly number[] {
  if (isQuick) return [10_000, 100_000];
  return isFull ? [100_000, 1_000_000, 10_000_000] : [100_000, 1_000_000];
}

/** Databases stay in this folder, and those that an earlier run left there are taken. To be said before the first is asked for. */
export function keepFilledIn(folder: string): void {
  keptIn = folder;
}

/**
 * The database of so many events: a database of its own, so that no size stands in another one's tables. 10⁵ take 5 seconds,
 * 10⁷ 15 minutes and 20 GB of the disk of temporary files. The pool is the owner's; leave the rows alone.
 */
export async function filledDatabase(events: number, say: (line: string) => void): Promise<pg.Pool> {
  server ??= await start();
  const known = server.pools.get(events);
  if (known !== undefined) return known;
  const { connectionString } = server.postgres;
  const name = `events_${events}`;
  if (!(await exists(connectionString, name))) {
    say(`Filling ${events.toLocaleString('en')} events`);
    await make(connectionString, name, events, say);
  }
  const pool = createPool(withDatabase(connectionString, name), { max: 4, applicationName: 'varve-bench' });
  server.pools.set(events, pool);
  // Of a kept one, an earlier run may have known fewer.
  await migrate(pool, migrations);
  return pool;
}

/** Ends the server and removes its files, unless they are kept; nothing happens when no bench asked for it. */
export async function dropFilled(): Promise<void> {
  if (server === undefined) return;
  const { postgres, pools, removeFiles } = server;
  server = undefined;
  for (const pool of pools.values()) await pool.end();
  await postgres.stop();
  await removeFiles();
}

async function start(): Promise<FilledServer> {
  if (keptIn !== undefined) {
    await mkdir(keptIn, { recursive: true });
    const dataDir = join(keptIn, 'postgres');
    return {
      postgres: await startEmbeddedPostgres({ dataDir }),
      pools: new Map(),
      removeFiles: async () => undefined,
    };
  }
  const folder = await makeScratchFolder();
  const postgres = await startEmbeddedPostgres({ dataDir: join(folder.path, 'postgres') });
  return { postgres, pools: new Map(), removeFiles: folder.remove };
}

async function exists(connectionString: string, name: string): Promise<boolean> {
  const found = await onServer(connectionString, `select 1 from pg_database where datname = '${name}'`);
  return found.rowCount === 1;
}

/** It gets its name at last: what has it is complete. */
async function make(
  connectionString: string,
  name: string,
  events: number,
  say: (line: string) => void,
): Promise<void> {
  const draft = `${name}_being_filled`;
  await onServer(connectionString, `drop database if exists ${draft} with (force)`);
  await onServer(connectionString, `create database ${draft}`);
  const pool = createPool(withDatabase(connectionString, draft), {
    max: 2,
    applicationName: 'varve-bench-fill',
  });
  try {
    await migrate(pool, migrations);
    await fillBySql(pool, events, say);
  } finally {
    await pool.end();
  }
  await onServer(connectionString, `alter database ${draft} rename to ${name}`);
}

async function onServer(connectionString: string, statement: string): Promise<pg.QueryResult> {
  const client = new pg.Client({ connectionString });
  await client.connect();
  try {
    return await client.query(statement);
  } finally {
    await client.end();
  }
}
