/**
 * What the projector does about events and rows that do not fit: the projection that they concern stops or
 * waits for others, and nothing else. Real database, a log in memory; every wait is for a state, none for a time.
 */
import type pg from 'pg';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { projections } from '../../projections/index.ts';
import { tags } from '../../projections/tags.ts';
import { encodeEvent } from '../../src/ledger/event-codec.ts';
import type { Ledger } from '../../src/ledger/ledger.ts';
import { createMemoryLedger } from '../../src/ledger/memory-ledger.ts';
import { type Projector, startProjector } from '../../src/projector/projector.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import {
  appendHistory,
  checkpointsOf,
  emptyReadModels,
  optionsFor,
  projectAll,
  rebuildFromElsewhere,
  testLedger,
} from '../support/read-models.ts';
import { overridesOf, tagged } from '../support/told-events.ts';

let database: TestDatabase;
let pool: pg.Pool;
let log: Ledger;
const running: Projector[] = [];

beforeEach(async () => {
  database = await createTestDatabase();
  ({ pool } = database);
  log = createMemoryLedger();
});

afterEach(async () => {
  await Promise.all(running.splice(0).map((projector) => projector.stop()));
  await database.drop();
});

async function start(options: Partial<Parameters<typeof startProjector>[0]> = {}): Promise<Projector> {
  const projector = await startProjector({
    ...optionsFor(pool, log),
    ledgers: () => [testLedger],
    pollMs: 20,
    ...options,
  });
  running.push(projector);
  return projector;
}

const longWait = { timeout: 30_000, interval: 10 };

function allReached(revision: number): Promise<void> {
  return vi.waitFor(async () => {
    const checkpoints = await checkpointsOf(pool);
    expect(checkpoints.map((checkpoint) => checkpoint.revision)).toEqual(projections.map(() => revision));
  }, longWait);
}

test('an event that one projection cannot take stops that projection there, and no other', async () => {
  const history = [
    ...overridesOf(5),
    tagged(6, 'v1'),
    tagged(7, 'twice', 2),
    tagged(8, 'v2'),
    tagged(9, 'twice', 1, 2),
  ];
  // The second `twice` is another subject's version 2, and breaks tags_pk alone.
  await appendHistory(log, [...history, ...overridesOf(3, 1, 10)]);
  const projector = await start();
  await vi.waitFor(async () => {
    const moved = await checkpointsOf(pool);
    expect(moved.filter(({ revision }) => revision === 12)).toHaveLength(projections.length - 1);
  }, longWait);
  const stopped = (await checkpointsOf(pool)).filter(({ state }) => state === 'stopped');
  expect(stopped).toEqual([
    {
      projection: 'tags',
      revision: 8,
      state: 'stopped',
      error: 'RevisionTagged in the changeset at revision 9: SQLSTATE 23505 (tags_pk)',
    },
  ]);
  const { rows } = await pool.query('select name from tags order by tagged_by');
  expect(rows).toEqual([{ name: 'v1' }, { name: 'twice' }, { name: 'v2' }]);
  expect(projector.status().ledgers[0]?.projections.find(({ name }) => name === 'tags')).toMatchObject({
    state: 'stopped',
    revision: 8,
  });
});

test('a stopped projection goes on when it is tried again and can', async () => {
  let isSick = true;
  const sick = {
    ...tags,
    project: async (...batch: Parameters<typeof tags.project>) => {
      if (isSick && batch[0].some(({ type }) => type === 'RevisionTagged'))
        throw new TypeError('secret-value');
      await tags.project(...batch);
    },
  };
  await appendHistory(log, [...overridesOf(2), tagged(3, 'v1'), tagged(4, 'v2')]);
  const projector = await start({ projections: projections.map((one) => (one === tags ? sick : one)) });
  await vi.waitFor(async () => {
    expect((await checkpointsOf(pool)).find(({ projection }) => projection === 'tags')).toEqual({
      projection: 'tags',
      revision: 2,
      state: 'stopped',
      error: 'RevisionTagged in the changeset at revision 3: TypeError',
    });
  }, longWait);
  isSick = false;
  await projector.retry('tags');
  await allReached(4);
  await expect(projector.retry('unknown')).rejects.toMatchObject({ code: 'not_found' });
});

test('an event of an unknown type stops every projection before it, and a later start goes on', async () => {
  await appendHistory(log, overridesOf(3));
  const event = overridesOf(1, 1, 4)[0]?.[0];
  if (event === undefined) throw new Error('no event');
  const known = encodeEvent(event);
  const unknown = { ...known, bytes: known.bytes.replace('"OverrideSet"', '"FromTheFuture"') };
  await log.append(testLedger, 3, [unknown]);
  const projector = await start();
  await vi.waitFor(async () => {
    expect((await checkpointsOf(pool)).map(({ revision, state, error }) => [revision, state, error])).toEqual(
      projections.map(() => [
        3,
        'stopped',
        'event in the changeset at revision 4: corrupt (unknown_event_type)',
      ]),
    );
  }, longWait);
  await projector.stop();
  const newer = {
    ...log,
    read: async (...at: Parameters<Ledger['read']>) => (await log.read(...at)).map(knowing),
  };
  await start({ ledger: newer });
  await allReached(4);
  function knowing(stored: typeof known): typeof known {
    return stored.revision === 4 ? known : stored;
  }
});

test('a gap in the log and a torn changeset stop what would read them', async () => {
  await appendHistory(log, overridesOf(4));
  const gap = {
    ...log,
    read: async (...at: Parameters<Ledger['read']>) => (await log.read(...at)).filter(notThird),
  };
  const projector = await projectAll(pool, gap);
  expect(projector.status().map(({ revision, state, error }) => [revision, state, error])).toEqual(
    projections.map(() => [2, 'stopped', 'event in the changeset at revision 3: corrupt (not_contiguous)']),
  );
  await emptyReadModels(pool);
  const [first] = overridesOf(3, 3);
  const torn = createMemoryLedger();
  await torn.append(
    testLedger,
    0,
    (first ?? []).slice(0, 2).map((event) => encodeEvent(event)),
  );
  const stopped = await projectAll(pool, torn);
  expect(stopped.status()[0]).toMatchObject({ revision: 0, state: 'stopped' });
  expect(stopped.status()[0]?.error).toContain('torn_changeset');
  function notThird({ revision }: { readonly revision: number }): boolean {
    return revision !== 3;
  }
});

test('checkpoints of another log, or beyond this one, end the start', async () => {
  await appendHistory(log, overridesOf(3));
  await projectAll(pool, log);
  await expect(start({ ledger: createMemoryLedger() })).rejects.toMatchObject({
    code: 'conflict',
    reason: 'log_behind_checkpoint',
  });
  const other = createMemoryLedger({ identity: 'other' });
  await appendHistory(other, overridesOf(3));
  await expect(start({ ledger: other })).rejects.toMatchObject({ code: 'conflict', reason: 'other_log' });
});

test('rows of older code stay as they are and are not moved, until newer ones are swapped in', async () => {
  await appendHistory(log, [...overridesOf(5), tagged(6, 'v1')]);
  await projectAll(pool, log);
  await pool.query(`update tags set name = 'as the old code had it'`);
  const newer = projections.map((one) => (one === tags ? { ...tags, version: tags.version + 1 } : one));
  const projector = await start({ projections: newer });
  await appendHistory(log, [tagged(7, 'v2')]);
  projector.wake(testLedger);
  await vi.waitFor(async () => {
    expect((await checkpointsOf(pool)).filter(({ revision }) => revision === 7)).toHaveLength(
      projections.length - 1,
    );
  }, longWait);
  expect((await pool.query('select name from tags')).rows).toEqual([{ name: 'as the old code had it' }]);
  const tagsStatus = () =>
    projector.status().ledgers[0]?.projections.find(({ name }) => name === 'tags') ?? { state: 'absent' };
  expect(tagsStatus()).toMatchObject({ state: 'outdated', revision: 6 });

  const only = newer.filter(({ name }) => name === 'tags');
  const compared = await rebuildFromElsewhere(database, log, { projections: only });
  expect(compared).toEqual({
    tables: [],
    notCompared: [{ projection: 'tags', why: 'the rows are of another version of the code' }],
  });
  await vi.waitFor(() => expect(tagsStatus()).toMatchObject({ state: 'running', revision: 7 }), longWait);
  // It goes on with what was swapped in.
  await appendHistory(log, [tagged(8, 'v3')]);
  projector.wake(testLedger);
  await allReached(8);
  const { rows } = await pool.query('select name from tags order by tagged_by');
  expect(rows).toEqual([{ name: 'v1' }, { name: 'v2' }, { name: 'v3' }]);
});

test('rows of newer code are left to the servers that have it', async () => {
  await appendHistory(log, [...overridesOf(5), tagged(6, 'v1')]);
  await projectAll(pool, log);
  await pool.query(`update projection_checkpoints set version = version + 1 where projection = 'tags'`);
  const projector = await start();
  await appendHistory(log, [tagged(7, 'v2')]);
  projector.wake(testLedger);
  await vi.waitFor(async () => {
    expect((await checkpointsOf(pool)).filter(({ revision }) => revision === 7)).toHaveLength(
      projections.length - 1,
    );
  }, longWait);
  expect(projector.status().ledgers[0]?.projections.find(({ name }) => name === 'tags')).toMatchObject({
    state: 'superseded',
    revision: 6,
  });
  expect((await pool.query('select name from tags')).rows).toEqual([{ name: 'v1' }]);
  await expect(rebuildFromElsewhere(database, log)).rejects.toMatchObject({
    code: 'conflict',
    reason: 'newer_version',
  });
});

test('what has no rows yet is taken up by newer code as it is', async () => {
  await projectAll(pool, log);
  const newer = { ...tags, version: tags.version + 1 };
  await appendHistory(log, [tagged(1, 'v1')]);
  await projectAll(pool, log, [newer]);
  expect((await pool.query('select name from tags')).rows).toEqual([{ name: 'v1' }]);
});
