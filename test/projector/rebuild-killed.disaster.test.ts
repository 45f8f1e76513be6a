/**
 * A process that rebuilds is killed (SIGKILL) again and again, wherever it is: what is read stays whole and equal, and the
 * next process goes on with what it finds until the new rows are in place.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openPostgresLedger } from '../../src/ledger/postgres-ledger.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { appendHistory, projectAll, rowsOfReadModels } from '../support/read-models.ts';
import { overridesOf, tagged } from '../support/told-events.ts';

const root = join(import.meta.dirname, '..', '..');
const eventCount = 1_500;

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());

function start(): { readonly child: ChildProcess; readonly ended: Promise<number | null> } {
  const words = ['--import', 'tsx', join(root, 'test/support/rebuild-process.ts')];
  const environment = { PATH: process.env['PATH'] ?? '', DATABASE_URL: database.url };
  const child = spawn(process.execPath, words, { cwd: root, env: environment, stdio: 'inherit' });
  return { child, ended: new Promise((resolve) => child.on('exit', (code) => resolve(code))) };
}

/** Where what is made again stands; undefined while there is nothing. */
async function reached(): Promise<number | undefined> {
  const { rows } = await database.pool
    .query<{ revision: number }>('select min(revision) as revision from varve_rebuild.projection_checkpoints')
    .catch(() => ({ rows: [] }));
  return rows[0]?.revision ?? undefined;
}

test('killed wherever it is, it is gone on with and what is read stays whole', async () => {
  const { pool } = database;
  const log = openPostgresLedger({
    pool,
    connectListener: () => Promise.reject(new Error('nothing is followed here')),
    pollMs: 1_000,
  });
  await appendHistory(log, [...overridesOf(eventCount, 3), tagged(eventCount + 1, 'v1')]);
  await projectAll(pool, log);
  const rows = await rowsOfReadModels(pool);
  const marks: number[] = [];
  // A fifth of the way each; the last ones while indexes are built, compared, swapped.
  for (let strike = 1; strike <= 8; strike += 1) {
    const { child, ended } = start();
    const wanted = Math.min(strike * 300, eventCount);
    let isOver = false;
    void ended.then(() => {
      isOver = true;
    });
    while (!isOver && ((await reached()) ?? 0) < wanted) await wait(5);
    await wait(strike > 5 ? (strike - 5) * 40 : 0);
    child.kill('SIGKILL');
    await ended;
    marks.push((await reached()) ?? -1);
    expect(await rowsOfReadModels(pool)).toEqual(rows);
  }
  // What was reached once is not done again, unless a strike came after the swap.
  const before = marks.slice(0, 5);
  expect(before).toEqual(before.toSorted((a, b) => a - b));
  expect(before[0]).toBeGreaterThan(0);
  expect(await start().ended).toBe(0);
  expect(await rowsOfReadModels(pool)).toEqual(rows);
  expect(await reached()).toBeUndefined();
  const { rows: checkpoints } = await pool.query(
    'select distinct revision, state from projection_checkpoints order by revision, state',
  );
  expect(checkpoints).toEqual([{ revision: eventCount + 1, state: 'running' }]);
  await log.stop();
});
