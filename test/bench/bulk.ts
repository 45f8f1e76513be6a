/**
 * P5: changesets of 1,000 changes from four connections, until they are durable and every read model holds them. The
 * yardstick is COPY: the database reads the very same rows from its own files into tables made like those, indexes and all.
 */
import type pg from 'pg';
import { projections } from '../../projections/index.ts';
import { startEmbeddedPostgres } from '../../src/database/embedded.ts';
import { createPool } from '../../src/database/pool.ts';
import type { BenchOptions } from './bench-options.ts';
import type { Figure } from './figure.ts';
import { ask, fill, reachHead } from './fill.ts';
import type { LoadTarget } from './load.ts';
import { startVarve, varveDataDir } from './server-process.ts';
import { withFolder } from './with-folder.ts';
import { createWorld, type SetOverride, type World } from './world.ts';

const changesAtOnce = 1_000;
const writers = 4;
const minPerSecond = 25_000;
const minRatio = 0.6;
const tables = ['ledger_events', ...new Set(projections.flatMap((projection) => projection.tables))];

export const bulkHow = `changesets of ${changesAtOnce} changes from ${writers} connections, the embedded database with real fsync`;

export async function benchBulk({ isQuick, say }: BenchOptions): Promise<readonly Figure[]> {
  return withFolder(async (folder) => {
    const world = createWorld(isQuick ? 20_000 : 200_000);
    const count = world.overrideCount.toLocaleString('en');
    const varve = await startVarve(folder);
    let written: BulkTimes;
    try {
      await fill(varve, { ...world, overrides: () => [] });
      say(`P5: ${count} changes`);
      written = await writeBulk(varve, world);
    } finally {
      await varve.stop();
    }
    say('P5: COPY of the same rows');
    const copied = await copySeconds(varveDataDir(folder));
    const perSecond = world.overrideCount / written.seconds;
    const copyPerSecond = world.overrideCount / copied;
    const told = {
      number: 'P5',
      yardstick: undefined,
      ratio: undefined,
      target: undefined,
      isReached: undefined,
    };
    return [
      {
        number: 'P5',
        what: `${count} changes, durable and in every read model`,
        figure: perSecond,
        unit: 'changes/s',
        yardstick: { what: 'COPY of the same rows into the same tables', figure: copyPerSecond },
        ratio: perSecond / copyPerSecond,
        target: `≥ ${minPerSecond.toLocaleString('en')}/s, ≥ ${minRatio * 100} % of it`,
        isReached: perSecond >= minPerSecond && perSecond / copyPerSecond >= minRatio,
      },
      {
        ...told,
        what: 'durable and resolvable alone',
        figure: world.overrideCount / written.acknowledgedSeconds,
        unit: 'changes/s',
      },
    ];
  });
}

export interface BulkTimes {
  /** Until the last changeset was acknowledged, and until every read model held it. */
  readonly acknowledgedSeconds: number;
  readonly seconds: number;
}

/** Writes a world's overrides, whose keys are defined already. */
export async function writeBulk(target: LoadTarget, world: World): Promise<BulkTimes> {
  const changesets = changesetsOf(world);
  const startedAt = performance.now();
  const write = async (): Promise<void> => {
    for (let next = changesets.next(); next.done !== true; next = changesets.next()) {
      await ask(target, '/v1/changesets', { reason: 'The world of a bench', changes: next.value });
    }
  };
  await Promise.all(Array.from({ length: writers }, write));
  const acknowledgedSeconds = (performance.now() - startedAt) / 1000;
  await reachHead(target);
  return { acknowledgedSeconds, seconds: (performance.now() - startedAt) / 1000 };
}

function* changesetsOf(world: World): Generator<readonly SetOverride[], void> {
  let changes: SetOverride[] = [];
  for (const override of world.overrides()) {
    changes.push(override);
    if (changes.length < changesAtOnce) continue;
    yield changes;
    changes = [];
  }
  if (changes.length > 0) yield changes;
}

/** On the files that a server left: the log and what the projections made of it. */
async function copySeconds(dataDir: string): Promise<number> {
  const postgres = await startEmbeddedPostgres({ dataDir });
  const pool = createPool(postgres.connectionString, {
    max: 1,
    applicationName: 'varve-bench',
    statementTimeoutMs: 0,
  });
  try {
    let milliseconds = 0;
    for (const table of tables) milliseconds += await copyMilliseconds(pool, table);
    return milliseconds / 1000;
  } finally {
    await pool.end();
    await postgres.stop();
  }
}

async function copyMilliseconds(pool: pg.Pool, table: string): Promise<number> {
  const { rows } = await pool.query<{ columns: string; file: string }>(
    `select string_agg(quote_ident(column_name), ', ' order by ordinal_position) as columns,
            current_setting('data_directory') || '/copied' as file
       from information_schema.columns
      where table_schema = current_schema() and table_name = $1 and is_generated = 'NEVER'`,
    [table],
  );
  const [{ columns, file } = { columns: '', file: '' }] = rows;
  await pool.query(`copy ${table} (${columns}) to '${file}' (format binary)`);
  await pool.query(`create table copied (like ${table} including all)`);
  const startedAt = performance.now();
  await pool.query(`copy copied (${columns}) from '${file}' (format binary)`);
  const milliseconds = performance.now() - startedAt;
  await pool.query('drop table copied');
  return milliseconds;
}
