/**
 * Read models under test: histories into a log, projections over it, and all rows out for comparison.
 * Used by test/projections/ and test/projector/; needs a migrated database.
 */
import { randomUUID } from 'node:crypto';
import type pg from 'pg';
import { projections } from '../../projections/index.ts';
import { createPool } from '../../src/database/pool.ts';
import type { Comparison } from '../../src/domain/replay-questions.ts';
import { encodeEvent } from '../../src/ledger/event-codec.ts';
import type { Ledger } from '../../src/ledger/ledger.ts';
import { createMemoryLedger } from '../../src/ledger/memory-ledger.ts';
import { LedgerProjector, type LedgerProjectorOptions } from '../../src/projector/ledger-projector.ts';
import { type RebuildOptions, rebuild } from '../../src/projector/rebuild.ts';
import { type ShadowPlan, shadowSearchPath } from '../../src/projector/shadow.ts';
import { createTestDatabase, type TestDatabase } from './database.ts';
import type { History } from './histories.ts';

export const testLedger = 'default';

const silentLog = { info: () => undefined, warn: () => undefined, error: () => undefined };

export async function appendHistory(log: Ledger, history: History): Promise<void> {
  for (const changeset of history) {
    const { revision } = await log.head(testLedger);
    const result = await log.append(
      testLedger,
      revision,
      changeset.map((event) => encodeEvent(event)),
    );
    if (!result.appended) throw new Error('the history does not follow the head');
  }
}

export async function logOf(history: History): Promise<Ledger> {
  const log = createMemoryLedger();
  await appendHistory(log, history);
  return log;
}

/** A database of its own, and a log whose history all read models hold. */
export async function openProjected(
  history: History,
): Promise<{ readonly database: TestDatabase; readonly pool: pg.Pool; readonly log: Ledger }> {
  const database = await createTestDatabase();
  const { pool } = database;
  const log = await logOf(history);
  await projectAll(pool, log);
  return { database, pool, log };
}

/** The same log, read at most so many events at once. */
export function inBites(log: Ledger, limit: number): Ledger {
  return { ...log, read: (ledger, after, wanted) => log.read(ledger, after, Math.min(limit, wanted)) };
}

export function optionsFor(pool: pg.Pool, log: Ledger): LedgerProjectorOptions {
  return {
    pool,
    ledger: log,
    projections,
    log: silentLog,
    now: () => Date.now(),
    onProgress: () => undefined,
  };
}

/** Moves all projections from their checkpoints to the end of the log. */
export async function projectAll(
  pool: pg.Pool,
  log: Ledger,
  wanted: readonly (typeof projections)[number][] = projections,
): Promise<LedgerProjector> {
  const projector = new LedgerProjector({ ...optionsFor(pool, log), projections: wanted }, testLedger);
  await projector.open(false);
  while ((await projector.step()) > 0);
  return projector;
}

/**
 * Makes read models again beside the ones that are read and swaps them in, as another process would: with connections
 * of its own, in the projector's role.
 */
export async function rebuildFromElsewhere(
  { url }: Pick<TestDatabase, 'url'>,
  log: Ledger,
  more: Partial<RebuildOptions & ShadowPlan> = {},
): Promise<Comparison> {
  const role = 'varve_projector';
  const pool = createPool(url, { role, max: 3, applicationName: 'test-rebuild' });
  const schema = shadowSearchPath();
  const shadowPool = createPool(url, { role, max: 2, applicationName: 'test-shadow', schema });
  try {
    const options = { ...optionsFor(pool, log), shadowPool, onProgress: () => undefined, ...more };
    const { purpose = randomUUID() } = more;
    return await rebuild(options, { purpose, projections: more.projections ?? projections });
  } finally {
    await pool.end();
    await shadowPool.end();
  }
}

export const readModelTables = projections.flatMap(({ tables }) => tables);

/** Takes away all rows and checkpoints, so that another log may follow. */
export async function emptyReadModels(pool: pg.Pool): Promise<void> {
  for (const table of [...readModelTables, 'projection_checkpoints'])
    await pool.query(`delete from ${table}`);
}

/** Every row of every read model as text, in a fixed order; the tables by name. */
export async function rowsOfReadModels(pool: pg.Pool): Promise<Readonly<Record<string, readonly string[]>>> {
  const all: Record<string, readonly string[]> = {};
  for (const table of readModelTables) {
    const { rows } = await pool.query<{ row: string }>(
      `select t::text as row from ${table} t order by t::text collate "C"`,
    );
    all[table] = rows.map(({ row }) => row);
  }
  return all;
}

/** Where every projection stands. */
export async function checkpointsOf(
  pool: pg.Pool,
): Promise<readonly { projection: string; revision: number; state: string; error: string | null }[]> {
  const { rows } = await pool.query<{
    projection: string;
    revision: number;
    state: string;
    error: string | null;
  }>('select projection, revision, state, error from projection_checkpoints order by ledger, projection');
  return rows;
}
