/**
 * P6: every read model made again from a log of 200,000 events (10⁶ with `--full`), beside reading those events with a cursor;
 * its memory at a tenth, half and all of the way. Then again in a server under reads and writes: no request may fail, and
 * a verification must find the tables equal to a replay.
 */
import { join } from 'node:path';
import type pg from 'pg';
import { projections } from '../../projections/index.ts';
import { startEmbeddedPostgres } from '../../src/database/embedded.ts';
import { migrate } from '../../src/database/migrate.ts';
import { createPool } from '../../src/database/pool.ts';
import { openPostgresLedger } from '../../src/ledger/postgres-ledger.ts';
import { rebuild } from '../../src/projector/rebuild.ts';
import { shadowSearchPath } from '../../src/projector/shadow.ts';
import type { BenchOptions } from './bench-options.ts';
import type { Figure } from './figure.ts';
import { fillLog } from './fill-log.ts';
import { benchRebuildUnderLoad } from './rebuild-under-load.ts';
import { withFolder } from './with-folder.ts';

const minPerSecond = 60_000;
/** Resident memory at the end, beside that at a tenth of the way. */
const maxGrowth = 1.25;
const cursorRows = 5_000;

const root = join(import.meta.dirname, '..', '..');

export const rebuildHow =
  'rebuild in this process, embedded PostgreSQL beside it on the same cores; indexes, comparison and swap included where they are told';

export async function benchRebuild(options: BenchOptions): Promise<readonly Figure[]> {
  const events = options.isQuick ? 20_000 : options.isFull ? 1_000_000 : 200_000;
  return withFolder(async (folder) => {
    const postgres = await startEmbeddedPostgres({ dataDir: join(folder, 'postgres') });
    try {
      const url = postgres.connectionString;
      return [
        ...(await benchAlone(url, events, options)),
        ...(await benchRebuildUnderLoad(url, folder, events, options)),
      ];
    } finally {
      await postgres.stop();
    }
  });
}

async function benchAlone(url: string, events: number, { say }: BenchOptions): Promise<readonly Figure[]> {
  const pool = createPool(url, { max: 6, applicationName: 'bench', statementTimeoutMs: 0 });
  const schema = shadowSearchPath();
  const shadowPool = createPool(url, { max: 3, applicationName: 'bench-shadow', schema });
  const log = openPostgresLedger({
    pool,
    connectListener: () => Promise.reject(new Error('nothing is followed here')),
    pollMs: 1_000,
  });
  try {
    await migrate(pool, join(root, 'migrations'));
    say(`P6: filling a log of ${events.toLocaleString('en')} events`);
    await fillLog(log, events);
    await pool.query('vacuum analyze ledger_events');
    say('P6: reading it with a cursor');
    const cursorPerSecond = events / (await secondsOf(() => readWithCursor(pool)));
    say('P6: rebuilding every read model');
    const resident: [number, number][] = [];
    const phases = new Map<string, number>();
    let [phase, since] = ['filling', performance.now()];
    const began = since;
    await rebuild(
      {
        pool,
        shadowPool,
        ledger: log,
        log: { info: () => undefined, warn: () => undefined, error: () => undefined },
        now: Date.now,
        onProgress: (next, done, total) => {
          if (next === 'filling') resident.push([done / total, process.memoryUsage.rss()]);
          if (next === phase) return;
          phases.set(phase, performance.now() - since);
          [phase, since] = [next, performance.now()];
        },
      },
      { purpose: 'bench', projections },
    );
    const seconds = (performance.now() - began) / 1000;
    return figuresOf(events, seconds, cursorPerSecond, phases, resident);
  } finally {
    await shadowPool.end();
    await log.stop();
    await pool.end();
  }
}

async function readWithCursor(pool: pg.Pool): Promise<void> {
  const client = await pool.connect();
  try {
    await client.query('begin');
    await client.query(
      `declare all_events cursor for
        select ledger, revision, recorded_at, convert_from(canonical, 'UTF8') as bytes from ledger_events
         order by ledger, revision`,
    );
    while ((await client.query(`fetch ${cursorRows} from all_events`)).rows.length > 0);
    await client.query('commit');
  } finally {
    client.release();
  }
}

async function secondsOf(work: () => Promise<void>): Promise<number> {
  const began = performance.now();
  await work();
  return (performance.now() - began) / 1000;
}

function figuresOf(
  events: number,
  seconds: number,
  cursorPerSecond: number,
  phases: ReadonlyMap<string, number>,
  resident: readonly (readonly [number, number])[],
): readonly Figure[] {
  const perSecond = events / seconds;
  const among = `${events.toLocaleString('en')} events`;
  const told = {
    number: 'P6',
    yardstick: undefined,
    ratio: undefined,
    target: undefined,
    isReached: undefined,
  };
  const at = (share: number) => (resident.find(([done]) => done >= share)?.[1] ?? 0) / 2 ** 20;
  const memory = [0.1, 0.5, 1].map(at);
  const growth = (memory[2] ?? 0) / (memory[0] ?? 1);
  return [
    {
      ...told,
      what: `every read model from ${among}, indexes and swap included`,
      figure: perSecond,
      unit: '/s',
      yardstick: { what: 'reading them with a cursor', figure: cursorPerSecond },
      ratio: perSecond / cursorPerSecond,
      target: `≥ ${minPerSecond.toLocaleString('en')}/s`,
      isReached: perSecond >= minPerSecond,
    },
    ...['filling', 'indexing'].map((phase) => ({
      ...told,
      what: `of that, ${phase}`,
      figure: (phases.get(phase) ?? 0) / 1000,
      unit: 's',
    })),
    ...[10, 50].map((percent, index) => ({
      ...told,
      what: `resident memory at ${percent} %`,
      figure: memory[index] ?? 0,
      unit: 'MiB',
    })),
    {
      ...told,
      what: 'resident memory at 100 %',
      figure: memory[2] ?? 0,
      unit: 'MiB',
      yardstick: { what: 'at 10 %', figure: memory[0] ?? 0 },
      ratio: 1 / growth,
      target: `≤ ${maxGrowth} × that at 10 %`,
      isReached: growth <= maxGrowth,
    },
  ];
}
