/**
 * The live state at start equals the fold of the whole log, wherever the checkpoint stands, on random histories.
 */
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { LiveState } from '../../src/domain/live-state.ts';
import { createMemoryLedger } from '../../src/ledger/memory-ledger.ts';
import { loadLiveState } from '../../src/projector/load-live-state.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { type History, histories } from '../support/histories.ts';
import { emptyReadModels, logOf, projectAll, testLedger } from '../support/read-models.ts';
import { overridesOf } from '../support/told-events.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());

test('it equals the fold of the whole log, wherever the rows stand', async () => {
  await fc.assert(
    fc.asyncProperty(histories(), fc.nat(), async (history, cut) => {
      const { pool } = database;
      await emptyReadModels(pool);
      const projected = history.slice(0, cut % (history.length + 1));
      if (projected.length > 0) await projectAll(pool, await logOf(projected));

      const loaded = await loadLiveState(pool, testLedger, await logOf(history));

      const folded = foldOf(history);
      expect(contentOf(loaded, history)).toEqual(contentOf(folded, history));
    }),
    { numRuns: 40 },
  );
});

test('more subjects than a page holds are all there, their values shared', async () => {
  const { pool } = database;
  await emptyReadModels(pool);
  const history = overridesOf(12_001, 1_000);
  const log = await logOf(history);
  await projectAll(pool, log);
  const loaded = await loadLiveState(pool, testLedger, log);
  expect(loaded.overrideCount).toBe(12_001);
  expect(contentOf(loaded, history)).toEqual(contentOf(foldOf(history), history));
});

test('what has not started at the head can be withdrawn', async () => {
  const { pool } = database;
  await fc.assert(
    fc.asyncProperty(histories(), async (history) => {
      await emptyReadModels(pool);
      const log = await logOf(history);
      await projectAll(pool, log);
      const loaded = await loadLiveState(pool, testLedger, log);
      for (const [key, { name }] of loaded.slots) {
        expect(key).toBe(name);
        for (const [scope, { assertions }] of loaded.overridesOf(key)) {
          for (const { revision } of assertions.filter(({ from }) => from > loaded.recordedAt)) {
            expect(loaded.scheduled(revision)).toMatchObject({ key, scope });
          }
        }
      }
    }),
    { numRuns: 20 },
  );
});

test('an empty ledger is an empty state', async () => {
  await emptyReadModels(database.pool);
  const loaded = await loadLiveState(database.pool, testLedger, createMemoryLedger());
  expect([loaded.revision, loaded.recordedAt, loaded.overrideCount]).toEqual([0, 0, 0]);
});

test('rows of other code are not loaded: the log is folded instead', async () => {
  const { pool } = database;
  await emptyReadModels(pool);
  const log = await logOf(overridesOf(3));
  await projectAll(pool, log);
  await pool.query(`update subjects set state = '{"broken":true}'`);
  await pool.query(`update projection_checkpoints set version = version + 1`);
  const loaded = await loadLiveState(pool, testLedger, log);
  expect([loaded.revision, loaded.overrideCount]).toEqual([3, 3]);
});

test('rows of another log, or beyond this one, are a conflict', async () => {
  const { pool } = database;
  await emptyReadModels(pool);
  await projectAll(pool, await logOf(overridesOf(3)));
  const shorter = await logOf(overridesOf(2));
  await expect(loadLiveState(pool, testLedger, shorter)).rejects.toMatchObject({
    code: 'conflict',
    reason: 'log_behind_checkpoint',
  });
  await pool.query(`update projection_checkpoints set log_id = 'another'`);
  await expect(loadLiveState(pool, testLedger, await logOf(overridesOf(3)))).rejects.toMatchObject({
    code: 'conflict',
    reason: 'other_log',
  });
});

function foldOf(history: History): LiveState {
  const state = new LiveState();
  for (const event of history.flat()) state.apply(event);
  return state;
}

/** All that a live state knows, as data. */
function contentOf(state: LiveState, history: History): unknown {
  const subjects = new Set(history.flat().map(({ subject }) => subject));
  return {
    revision: state.revision,
    recordedAt: state.recordedAt,
    overrideCount: state.overrideCount,
    subjects: new Map([...subjects].map((subject) => [subject, state.subject(subject)])),
    overrides: new Map([...state.slots.keys()].sort().map((key) => [key, new Map(state.overridesOf(key))])),
    models: new Set([...state.models()].map(({ id }) => id)),
    providers: ['openai', 'deepseek', 'gemini', 'nobody'].map((provider) => state.knowsProvider(provider)),
    apiKeys: new Set([...state.apiKeys()].map(({ id }) => id)),
    ledgers: new Set([...state.ledgers()].map(({ name }) => name)),
  };
}
