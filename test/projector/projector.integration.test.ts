/**
 * The projector at work: moving, standing by, waiting out outages, stopping what fails and nothing else.
 * Real database, a log in memory; every wait is for a state, none for a time.
 */
import type pg from 'pg';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { projections } from '../../projections/index.ts';
import { tags } from '../../projections/tags.ts';
import { createPool } from '../../src/database/pool.ts';
import type { RecordedEvent } from '../../src/domain/event.ts';
import type { Ledger } from '../../src/ledger/ledger.ts';
import { createMemoryLedger } from '../../src/ledger/memory-ledger.ts';
import { isWorthRetrying } from '../../src/projector/is-worth-retrying.ts';
import { type Projector, startProjector } from '../../src/projector/projector.ts';
import { tryProjectorLock } from '../../src/projector/projector-lock.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import {
  appendHistory,
  checkpointsOf,
  emptyReadModels,
  inBites,
  optionsFor,
  projectAll,
  rowsOfReadModels,
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

test('moves every projection with what is appended, and says so', async () => {
  const seen = new Map<string, number>();
  const projector = await start({ onProgress: (_, name, revision) => seen.set(name, revision) });
  await appendHistory(log, overridesOf(7));
  projector.wake(testLedger);
  await allReached(7);
  expect(seen).toEqual(new Map(projections.map(({ name }) => [name, 7])));
  const status = projector.status();
  expect(status).toMatchObject({ isHolder: true, trouble: null });
  expect(status.ledgers[0]?.projections.map(({ state, error }) => [state, error])).toEqual(
    projections.map(() => ['running', null]),
  );
});

test('a lost wake-up is made good by the poll', async () => {
  const projector = await start();
  await appendHistory(log, overridesOf(3));
  await allReached(3);
  expect(projector.status().isHolder).toBe(true);
});

test('a changeset of 10,000 events is one batch', async () => {
  const [changeset] = overridesOf(10_000, 10_000);
  await appendHistory(log, [changeset ?? []]);
  const revisions = new Set<number>();
  await start({ onProgress: (_, __, revision) => revisions.add(revision) });
  await allReached(10_000);
  expect(revisions).toEqual(new Set([10_000]));
});

test('connections that die in the middle lose nothing and double nothing', async () => {
  const history = [...overridesOf(400, 4), tagged(401, 'end')];
  await appendHistory(log, history);
  await projectAll(pool, log);
  const expected = await rowsOfReadModels(pool);
  await emptyReadModels(pool);

  const killer = createPool(database.url, { max: 1, applicationName: 'killer' });
  const victims = createPool(database.url, { max: 4, applicationName: 'victims' });
  const killedAt = new Set<number>();
  try {
    const killing = [...projections].map((one, index) => ({
      ...one,
      project: async (...batch: Parameters<typeof one.project>) => {
        await one.project(...batch);
        // After this projection's rows, before the commit; another one each time, and once at each place.
        const revision = batch[0][0]?.revision ?? 0;
        if (revision % projections.length !== index || killedAt.has(revision)) return;
        killedAt.add(revision);
        await killer.query(
          `select pg_terminate_backend(pid) from pg_stat_activity
            where application_name = 'victims' and datname = current_database()`,
        );
      },
    }));
    const projector = await start({ pool: victims, projections: killing, ledger: inBites(log, 13) });
    await allReached(401);
    await projector.stop();
  } finally {
    await victims.end();
    await killer.end();
  }
  expect(killedAt.size).toBeGreaterThan(20);
  expect(await rowsOfReadModels(pool)).toEqual(expected);
});

test('one of two moves the tables, the other watches and takes over when the first stops', async () => {
  const holder = await start();
  await vi.waitFor(() => expect(holder.status().isHolder).toBe(true), longWait);
  const seenByStandby = new Map<string, number>();
  const standby = await start({ onProgress: (_, name, revision) => seenByStandby.set(name, revision) });
  await appendHistory(log, overridesOf(5));
  holder.wake(testLedger);
  await vi.waitFor(() => expect([...seenByStandby.values()]).toEqual(projections.map(() => 5)), longWait);
  expect(standby.status().isHolder).toBe(false);

  await holder.stop();
  await vi.waitFor(() => expect(standby.status().isHolder).toBe(true), longWait);
  await appendHistory(log, overridesOf(5, 1, 6));
  standby.wake(testLedger);
  await allReached(10);
});

test('who stands by takes over when the holder’s connection dies', async () => {
  const others = createPool(database.url, { max: 1, applicationName: 'holder' });
  try {
    // It holds the lock and does nothing more, as a server does that hangs.
    const lock = await tryProjectorLock(others);
    expect(lock?.isHeld()).toBe(true);
    await appendHistory(log, overridesOf(5));
    const standby = await start();
    await vi.waitFor(() => expect(standby.status().ledgers).toHaveLength(1), longWait);
    expect(standby.status().isHolder).toBe(false);
    expect(await checkpointsOf(pool)).toEqual([]);

    await pool.query(
      `select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'holder'`,
    );
    await allReached(5);
    expect(standby.status().isHolder).toBe(true);
    expect(lock?.isHeld()).toBe(false);
    await lock?.release();
  } finally {
    await others.end();
  }
});

test('two that both believe to be the one cannot both write', async () => {
  const history = overridesOf(300, 3);
  await appendHistory(log, history);
  await projectAll(pool, log);
  const expected = await rowsOfReadModels(pool);
  await emptyReadModels(pool);
  const inTurns = inBites(log, 9);
  const moving = async (): Promise<number> => {
    let refused = 0;
    for (;;) {
      try {
        await projectAll(pool, inTurns);
        return refused;
      } catch (error) {
        if (!isWorthRetrying(error)) throw error;
        refused += 1;
      }
    }
  };
  const refused = await Promise.all([moving(), moving(), moving()]);
  expect(refused.reduce((sum, one) => sum + one, 0)).toBeGreaterThan(0);
  expect(await rowsOfReadModels(pool)).toEqual(expected);
});

test('an outage of the log is waited out and shown', async () => {
  await appendHistory(log, overridesOf(2));
  let isOut = true;
  const failing: Ledger = {
    ...log,
    read: async (...at) => {
      if (isOut) throw Object.assign(new Error('no connection'), { code: 'ECONNREFUSED' });
      return log.read(...at);
    },
  };
  const projector = await start({ ledger: failing });
  await vi.waitFor(
    () => expect(projector.status().ledgers[0]?.trouble).toBe('SQLSTATE ECONNREFUSED'),
    longWait,
  );
  isOut = false;
  await allReached(2);
  await vi.waitFor(() => expect(projector.status().ledgers[0]?.trouble).toBeNull(), longWait);
});

test('one sick ledger does not hold up another', async () => {
  await appendHistory(log, overridesOf(2));
  const half: Ledger = {
    ...log,
    head: async (ledger) => {
      if (ledger === 'sick') throw Object.assign(new Error('no connection'), { code: 'ECONNREFUSED' });
      return log.head(ledger);
    },
  };
  const ledgers = [testLedger];
  const projector = await start({ ledger: half, ledgers: () => ledgers });
  ledgers.unshift('sick');
  await vi.waitFor(
    () => expect(projector.status().ledgers.some(({ trouble }) => trouble !== null)).toBe(true),
    longWait,
  );
  await appendHistory(log, overridesOf(2, 1, 3));
  await allReached(4);
});

test('stop lets the running batch finish', async () => {
  await appendHistory(log, overridesOf(3));
  let enter = (): void => undefined;
  let leave = (): void => undefined;
  const entered = new Promise<void>((resolve) => (enter = resolve));
  const left = new Promise<void>((resolve) => (leave = resolve));
  const slow = {
    ...tags,
    project: async (_: readonly RecordedEvent[]) => {
      enter();
      await left;
    },
  };
  const projector = await start({ projections: [slow] });
  await entered;
  const stopped = projector.stop();
  leave();
  await stopped;
  expect(await checkpointsOf(pool)).toEqual([
    { projection: 'tags', revision: 3, state: 'running', error: null },
  ]);
});
