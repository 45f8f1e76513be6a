/**
 * Rebuilds and verifications as they are asked for: each is run once, by one, and gone on with when its runner is gone; what
 * newer code makes necessary asks for itself. Real database, a log in memory.
 */
import { randomUUID } from 'node:crypto';
import type pg from 'pg';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { projections } from '../../projections/index.ts';
import { tags } from '../../projections/tags.ts';
import { createPool } from '../../src/database/pool.ts';
import type { Check, Replay } from '../../src/domain/replay-questions.ts';
import { encodeEvent } from '../../src/ledger/event-codec.ts';
import type { Ledger } from '../../src/ledger/ledger.ts';
import { tryProjectorLock } from '../../src/projector/projector-lock.ts';
import { createReplayRunner, type ReplayRunner } from '../../src/projector/replay-runner.ts';
import { shadowSearchPath } from '../../src/projector/shadow.ts';
import { findReplay, openReplays, requestReplay } from '../../src/queries/replays.ts';
import type { TestDatabase } from '../support/database.ts';
import {
  appendHistory,
  inBites,
  openProjected,
  optionsFor,
  projectAll,
  rowsOfReadModels,
  testLedger,
} from '../support/read-models.ts';
import { overridesOf, tagged } from '../support/told-events.ts';

let database: TestDatabase;
let pool: pg.Pool;
let log: Ledger;
const runners: ReplayRunner[] = [];
const names = projections.map(({ name }) => name).sort();
const longWait = { timeout: 30_000, interval: 10 };

beforeEach(async () => {
  ({ database, pool, log } = await openProjected([...overridesOf(12), tagged(13, 'v1')]));
});
afterEach(async () => {
  await Promise.all(runners.splice(0).map((runner) => runner.stop()));
  await database.drop();
});

function createRunner(more: Partial<Parameters<typeof createReplayRunner>[0]> = {}): ReplayRunner {
  const runner = createReplayRunner({
    ...optionsFor(pool, log),
    openShadowPool: () =>
      createPool(database.url, { max: 2, applicationName: 'shadow', schema: shadowSearchPath() }),
    newId: randomUUID,
    ...more,
  });
  runners.push(runner);
  return runner;
}

async function ended(kind: Replay['kind'], id: string): Promise<Replay> {
  return vi.waitFor(async () => {
    const replay = await findReplay(pool, kind, id);
    if (replay === undefined || !['done', 'failed'].includes(replay.state)) throw new Error('not yet');
    return replay;
  }, longWait);
}

async function verified(): Promise<ReadonlyMap<string, Check>> {
  const id = await requestReplay(pool, randomUUID(), 'verification', names, 'test');
  createRunner().kick();
  const { state, outcome, error } = await ended('verification', id);
  expect([state, error]).toEqual(['done', null]);
  if (outcome === null || !('checks' in outcome)) throw new Error('a verification has checks');
  return new Map(outcome.checks.map((check) => [check.name, check]));
}

const resultsOf = (checks: ReadonlyMap<string, Check>) =>
  Object.fromEntries(
    [...checks].filter(([, { result }]) => result !== 'ok').map(([name, { result }]) => [name, result]),
  );

test('what is asked for twice is run once, and told to the end', async () => {
  const asked = await Promise.all(
    Array.from({ length: 5 }, () => requestReplay(pool, randomUUID(), 'rebuild', names, 'alice')),
  );
  expect(new Set(asked).size).toBe(1);
  const [id = ''] = asked;
  expect(await openReplays(pool)).toMatchObject([
    { id, state: 'waiting', requestedBy: 'alice', progress: null },
  ]);
  const before = await rowsOfReadModels(pool);
  const several = [createRunner(), createRunner(), createRunner()];
  for (const runner of several) runner.kick();
  const replay = await ended('rebuild', id);
  expect(replay).toMatchObject({ state: 'done', error: null, outcome: { comparison: { notCompared: [] } } });
  expect(replay.progress?.phase).toBeDefined();
  expect(replay.finishedAt).toBeGreaterThanOrEqual(replay.startedAt ?? Number.POSITIVE_INFINITY);
  expect(await rowsOfReadModels(pool)).toEqual(before);
  expect((await pool.query('select attempts from replays')).rows).toEqual([{ attempts: 1 }]);
  // Another one may be asked for now.
  expect(await requestReplay(pool, randomUUID(), 'rebuild', names, 'alice')).not.toBe(id);
});

test('what somebody began who is gone is gone on with; while he is there it is left alone', async () => {
  const id = await requestReplay(pool, randomUUID(), 'rebuild', names, 'alice');
  const read: number[] = [];
  let isFirst = true;
  let first: ReplayRunner | undefined;
  const watched: Ledger = {
    ...log,
    read: async (ledger, after, limit) => {
      read.push(after);
      if (after >= 6 && isFirst) {
        isFirst = false;
        void first?.stop();
      }
      return log.read(ledger, after, Math.min(limit, 2));
    },
  };
  first = createRunner({ ledger: watched });
  first.kick();
  await vi.waitFor(() => expect(isFirst).toBe(false), longWait);
  await first.stop();
  expect(await findReplay(pool, 'rebuild', id)).toMatchObject({ state: 'running' });

  const lock = await tryProjectorLock(pool, 'replay');
  const second = createRunner({ ledger: watched });
  second.kick();
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(await findReplay(pool, 'rebuild', id)).toMatchObject({ state: 'running' });
  await lock?.release();
  second.kick();
  expect(await ended('rebuild', id)).toMatchObject({ state: 'done' });
  expect(read.filter((after) => after === 0)).toHaveLength(1);
  expect((await pool.query('select attempts from replays')).rows).toEqual([{ attempts: 2 }]);
});

test('newer code asks for its rows itself, and once', async () => {
  await pool.query(`update tags set name = 'as the old code had it'`);
  const newer = projections.map((one) => (one === tags ? { ...tags, version: tags.version + 1 } : one));
  const runner = createRunner({ projections: newer });
  runner.kick();
  await vi.waitFor(async () => {
    expect((await pool.query('select name from tags')).rows).toEqual([{ name: 'v1' }]);
  }, longWait);
  runner.kick();
  await runner.stop();
  const { rows } = await pool.query('select kind, projections, requested_by, state from replays');
  expect(rows).toEqual([{ kind: 'rebuild', projections: ['tags'], requested_by: 'system', state: 'done' }]);
  const { rows: found } = await pool.query(
    `select version, revision, state from projection_checkpoints where projection = 'tags'`,
  );
  expect(found).toEqual([{ version: tags.version + 1, revision: 13, state: 'running' }]);
});

test('newer code that cannot make its rows is not tried again and again', async () => {
  const unable = {
    ...tags,
    version: tags.version + 1,
    project: () => Promise.reject(new TypeError('cannot')),
  };
  const runner = createRunner({ projections: projections.map((one) => (one === tags ? unable : one)) });
  const states = async () => (await pool.query('select state from replays')).rows;
  runner.kick();
  await vi.waitFor(async () => expect(await states()).toEqual([{ state: 'failed' }]), longWait);
  runner.kick();
  await runner.stop();
  await createRunnerRound(unable);
  expect(await states()).toEqual([{ state: 'failed' }]);
  // What the old code made is still read.
  expect((await pool.query('select name from tags')).rows).toEqual([{ name: 'v1' }]);
});

/** Another kick, to its end: the lock of replays was taken and let go. */
async function createRunnerRound(changed: (typeof projections)[number]): Promise<void> {
  const id = await requestReplay(pool, randomUUID(), 'rebuild', ['keys'], 'alice');
  createRunner({ projections: projections.map((one) => (one.name === changed.name ? changed : one)) }).kick();
  await ended('rebuild', id);
  await pool.query('delete from replays where id = $1', [id]);
}

test('an outage leaves it begun, a misfit ends it with where, and nothing is left behind', async () => {
  const id = await requestReplay(pool, randomUUID(), 'rebuild', names, 'alice');
  const away = {
    ...log,
    read: () => Promise.reject(Object.assign(new Error('away'), { code: 'ECONNREFUSED' })),
  };
  const failing = createRunner({ ledger: away });
  failing.kick();
  await vi.waitFor(
    async () => expect(await findReplay(pool, 'rebuild', id)).toMatchObject({ state: 'running' }),
    longWait,
  );
  await failing.stop();
  expect(await findReplay(pool, 'rebuild', id)).toMatchObject({ state: 'running', error: null });

  await appendHistory(log, [tagged(14, 'v1', 1, 2)]);
  createRunner().kick();
  expect(await ended('rebuild', id)).toMatchObject({
    state: 'failed',
    error: expect.stringContaining('tags: RevisionTagged in the changeset at revision 14'),
  });
  const left = () =>
    pool.query(`select relname from pg_class where relnamespace = 'varve_rebuild'::regnamespace`);
  await vi.waitFor(async () => expect((await left()).rows).toEqual([]), longWait);
});

test('a young request is left to others where that is wanted', async () => {
  await requestReplay(pool, randomUUID(), 'rebuild', names, 'alice');
  const runner = createRunner({ minAgeMs: 60_000 });
  runner.kick();
  await runner.stop();
  expect(await openReplays(pool)).toMatchObject([{ state: 'waiting' }]);
});

test('a sound installation is verified, and nothing is changed by it', async () => {
  const before = await rowsOfReadModels(pool);
  const checks = await verified();
  expect(resultsOf(checks)).toEqual({});
  expect(checks.size).toBeGreaterThan(8);
  expect(await rowsOfReadModels(pool)).toEqual(before);
});

test('rows that were changed behind the projector’s back are named', async () => {
  await pool.query(`update subjects set state = '{}' where subject like '%u-3'`);
  await pool.query('delete from changesets where first_revision = 5');
  const checks = await verified();
  expect(resultsOf(checks)).toEqual({ 'read models': 'violated' });
  expect(checks.get('read models')).toMatchObject({ violations: 2 });
  const told = checks
    .get('read models')
    ?.examples.map(({ what }) => what)
    .join('\n');
  expect(told).toContain('subjects: default override:ai.planner.model@user:u-3');
  expect(told).toContain('changesets: 1 missing');
});

test.each<[string, (log: Ledger) => Ledger, object]>([
  [
    'a gap',
    (sound) => ({
      ...inBites(sound, 3),
      read: async (ledger, after, limit) =>
        (await sound.read(ledger, after, Math.min(limit, 3))).filter(({ revision }) => revision !== 5),
    }),
    { 'gapless revisions': 'violated', 'projectable events': 'violated' },
  ],
  [
    'an event that is not written canonically',
    (sound) => ({
      ...sound,
      read: async (...page) =>
        (await sound.read(...page)).map((event) =>
          event.revision === 5 ? { ...event, bytes: event.bytes.replace('{', '{ ') } : event,
        ),
    }),
    { 'canonical bytes': 'violated' },
  ],
])('a log with %s is named', async (_, spoil, expected) => {
  log = spoil(log);
  expect(resultsOf(await verified())).toMatchObject(expected);
});

test('a subject’s events that are not numbered 1, 2, 3 are named', async () => {
  const [event] = overridesOf(1, 1, 14).flat();
  if (event === undefined) throw new Error('no event');
  await log.append(testLedger, 13, [encodeEvent({ ...event, version: 3 })]);
  const checks = await verified();
  expect(resultsOf(checks)).toMatchObject({ 'subject versions': 'violated' });
  expect(checks.get('subject versions')?.examples[0]?.what).toContain('revision 14');
});

test('an idempotency key that acted twice is named', async () => {
  const twice = overridesOf(2, 1, 14)
    .flat()
    .map((event) => encodeEvent({ ...event, idempotency: { key: 'once', bodyHash: 'hash' } }));
  await log.append(testLedger, 13, twice);
  // Its own projection stops at it; the others need not be waited for.
  await projectAll(pool, log);
  const checks = await verified();
  expect(checks.get('idempotency keys')).toEqual({
    name: 'idempotency keys',
    result: 'violated',
    violations: 1,
    examples: [{ ledger: testLedger, revision: 15, what: 'has the idempotency key of an earlier changeset' }],
  });
});
