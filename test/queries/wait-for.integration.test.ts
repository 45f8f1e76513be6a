/**
 * Waiting for read models: at once when they are there, soon when they get there, `unavailable` when they do
 * not.
 */
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { bindReads } from '../../src/queries/reads.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());

beforeEach(() => database.pool.query('delete from projection_checkpoints'));

async function move(projection: string, revision: number, state = 'running', error: string | null = null) {
  await database.pool.query(
    `insert into projection_checkpoints (ledger, projection, version, revision, log_id, state, error, updated_at)
     values ('default', $1, 1, $2, 'log', $3, $4, now())
     on conflict (ledger, projection) do update set revision = excluded.revision, state = excluded.state`,
    [projection, revision, state, error],
  );
}

const bind = (waitTimeoutMs: number, known?: number) =>
  bindReads(database.pool, { waitTimeoutMs, knownCheckpoint: () => known });

test('goes on when all named ones are there', async () => {
  await move('history', 7);
  await move('assertions', 9);
  await move('tags', 1);
  await expect(bind(0).waitFor('default', 7, ['history', 'assertions'])).resolves.toBeUndefined();
  await expect(bind(0).waitFor('default', 0, ['nobody'])).resolves.toBeUndefined();
  await expect(bind(0).waitFor('default', 100, [])).resolves.toBeUndefined();
});

test('believes what the process knows without asking', async () => {
  await expect(bind(0, 8).waitFor('default', 8, ['history'])).resolves.toBeUndefined();
  await expect(bind(0, 7).waitFor('default', 8, ['history'])).rejects.toMatchObject({ code: 'unavailable' });
});

test('waits until the slowest gets there', async () => {
  await move('history', 7);
  let isThere = false;
  const waiting = bind(10_000)
    .waitFor('default', 8, ['history', 'assertions'])
    .then(() => isThere);
  await move('history', 8);
  isThere = true;
  await move('assertions', 8);
  expect(await waiting).toBe(true);
});

test('gives up after its time, also for one that never began', async () => {
  await move('history', 7);
  await move('tags', 8);
  for (const names of [['history'], ['unheard'], ['tags', 'history']]) {
    await expect(bind(30).waitFor('default', 8, names)).rejects.toMatchObject({
      code: 'unavailable',
      reason: 'projection_behind',
      retryAfterSeconds: 1,
    });
  }
});

test('does not wait for one that has stopped behind, but reads on where it has come', async () => {
  await move('history', 7, 'stopped', 'an unknown event type');
  const waiting = bind(600_000).waitFor('default', 8, ['history']);
  await expect(waiting).rejects.toMatchObject({ code: 'unavailable', reason: 'projection_stopped' });
  await expect(bind(0).waitFor('default', 7, ['history'])).resolves.toBeUndefined();
});

test('projections tells how each of them is', async () => {
  await move('tags', 3);
  await move('history', 7, 'stopped', 'an unknown event type');
  expect(await bind(0).projections('default')).toEqual([
    { name: 'history', version: 1, revision: 7, state: 'stopped', error: 'an unknown event type' },
    { name: 'tags', version: 1, revision: 3, state: 'running', error: null },
  ]);
  expect(await bind(0).projections('other')).toEqual([]);
});
