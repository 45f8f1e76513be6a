/**
 * The moment of the swap: readers, snapshots, prepared statements and the projector meet it and are none the worse; the
 * database refuses what would lose rows. Real database, a log in memory; every wait is for a state.
 */
import type pg from 'pg';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { tags } from '../../projections/tags.ts';
import { createPool, transaction } from '../../src/database/pool.ts';
import type { Ledger } from '../../src/ledger/ledger.ts';
import { loadLiveState } from '../../src/projector/load-live-state.ts';
import { startProjector } from '../../src/projector/projector.ts';
import type { TestDatabase } from '../support/database.ts';
import {
  appendHistory,
  checkpointsOf,
  openProjected,
  optionsFor,
  rebuildFromElsewhere,
  testLedger,
} from '../support/read-models.ts';
import { overridesOf, tagged } from '../support/told-events.ts';

let database: TestDatabase;
let pool: pg.Pool;
let log: Ledger;

const longWait = { timeout: 30_000, interval: 5 };

beforeEach(async () => {
  ({ database, pool, log } = await openProjected([...overridesOf(40, 4), tagged(41, 'v1')]));
});
afterEach(() => database.drop());

test('a reader who does not end holds up the swap and no other reader', async () => {
  const readers = createPool(database.url, { max: 3, applicationName: 'readers' });
  const reader = await readers.connect();
  try {
    await reader.query('begin');
    await reader.query('select count(*) from history');
    let swaps = 0;
    let isSwapped = false;
    const rebuilding = rebuildFromElsewhere(database, log, {
      onSwap: async () => {
        swaps += 1;
        return Promise.resolve();
      },
    }).finally(() => {
      isSwapped = true;
    });
    const named = { name: 'count_tags', text: 'select count(*) from tags' };
    await vi.waitFor(() => expect(swaps).toBeGreaterThan(2), longWait);
    for (let read = 0; read < 20; read += 1)
      expect((await readers.query(named)).rows).toEqual([{ count: 1 }]);
    expect(isSwapped).toBe(false);
    await reader.query('commit');
    await rebuilding;
  } finally {
    reader.release();
    await readers.end();
  }
});

test('statements that are prepared go on after the swap', async () => {
  const readers = createPool(database.url, { max: 1, applicationName: 'readers' });
  try {
    const byKey = {
      name: 'by_subject',
      text: 'select * from history where ledger = $1 and revision > $2 order by 1, 2',
    };
    const ask = async () => (await readers.query({ ...byKey, values: [testLedger, 30] })).rows;
    const before = await ask();
    // Often enough that the plan is a generic one, which is kept.
    for (let time = 0; time < 8; time += 1) await ask();
    await rebuildFromElsewhere(database, log);
    expect(await ask()).toEqual(before);
    await rebuildFromElsewhere(database, log);
    expect(await ask()).toEqual(before);
  } finally {
    await readers.end();
  }
});

test('a snapshot from before the swap does not see the new rows: who reads more than once says what it reads', async () => {
  const count = async (reading?: readonly string[]): Promise<number | undefined> => {
    let swapping: Promise<unknown> = Promise.resolve();
    const answer = await transaction(
      pool,
      async (tx) => {
        await tx.query('select 1');
        swapping = rebuildFromElsewhere(database, log);
        // Whoever said what it reads is waited for.
        if (reading === undefined) await swapping;
        return (await tx.query<{ count: number }>('select count(*) from subjects')).rows[0]?.count;
      },
      { readOnly: true, ...(reading === undefined ? {} : { reading }) },
    );
    await swapping;
    return answer;
  };
  expect(await count()).toBe(0);
  expect(await count(['subjects'])).toBe(41);
});

test('a live state that is loaded while tables are to be swapped is whole', async () => {
  let rebuilding: Promise<unknown> | undefined;
  let tries = 0;
  let isSwapped = false;
  const watched: Ledger = {
    ...log,
    // Asked between the checkpoint and the subjects.
    read: async (...page) => {
      rebuilding ??= rebuildFromElsewhere(database, log, {
        onSwap: async () => {
          tries += 1;
          return Promise.resolve();
        },
      }).then(() => {
        isSwapped = true;
      });
      await vi.waitFor(() => expect(isSwapped || tries > 2).toBe(true), longWait);
      return log.read(...page);
    },
  };
  const state = await loadLiveState(pool, testLedger, watched);
  expect([state.revision, state.overrideCount]).toEqual([41, 40]);
  await rebuilding;
  expect(tries).toBeGreaterThan(2);
});

test('beside a running projector and new events checkpoints only go forward, and all of it is there', async () => {
  const seen = new Map<string, number>();
  const back: string[] = [];
  const projector = await startProjector({
    ...optionsFor(pool, log),
    ledgers: () => log.names(),
    pollMs: 20,
    onProgress: (ledger, name, revision) => {
      if (revision < (seen.get(`${ledger} ${name}`) ?? 0)) back.push(`${name} to ${revision}`);
      seen.set(`${ledger} ${name}`, revision);
    },
  });
  let at = 41;
  let isOver = false;
  const writing = (async () => {
    for (; !isOver; at += 2) {
      await appendHistory(log, overridesOf(2, 2, at + 1));
      projector.wake(testLedger);
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
  })();
  for (let time = 0; time < 3; time += 1) {
    const { tables, notCompared } = await rebuildFromElsewhere(database, log);
    expect(notCompared).toEqual([]);
    expect(tables.filter(({ examples }) => examples.length > 0)).toEqual([]);
  }
  isOver = true;
  await writing;
  await vi.waitFor(
    async () =>
      expect(new Set((await checkpointsOf(pool)).map(({ revision }) => revision))).toEqual(new Set([at])),
    longWait,
  );
  await projector.stop();
  expect(back).toEqual([]);
  const { rows } = await pool.query('select count(*), max(revision) from history');
  expect(rows).toEqual([{ count: at, max: at }]);
});

test('the database refuses a swap that would lose rows, and to replace what is no read model', async () => {
  const tables = [...tags.tables];
  await pool.query(`select rebuild_open('test', $1)`, [tables]);
  const swap = () => pool.query(`select rebuild_swap('test', $1, array['tags'])`, [tables]);
  await expect(swap()).rejects.toMatchObject({ code: '55000', message: expect.stringContaining('behind') });
  await expect(pool.query(`select rebuild_swap('other', $1, array['tags'])`, [tables])).rejects.toMatchObject(
    {
      code: '55000',
    },
  );
  for (const table of [
    'ledger_events',
    'usage_records',
    'projection_checkpoints',
    'nothing',
    'tags"; drop table tags',
  ])
    await expect(pool.query(`select rebuild_open('test', array[$1])`, [table])).rejects.toMatchObject({
      code: '42501',
    });
  const http = createPool(database.url, { role: 'varve_http', max: 1, applicationName: 'http' });
  try {
    for (const call of [
      `rebuild_open('test', array['tags'])`,
      'rebuild_drop()',
      `rebuild_swap('', '{}', '{}')`,
    ])
      await expect(http.query(`select ${call}`)).rejects.toMatchObject({ code: '42501' });
  } finally {
    await http.end();
  }
});
