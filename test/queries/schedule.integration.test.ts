/**
 * The schedule by example. Asked as the role of the HTTP side; its law is in schedule-laws.integration.test.ts.
 */
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createPool } from '../../src/database/pool.ts';
import { forever } from '../../src/domain/assertion.ts';
import type { AnyChange } from '../../src/domain/change.ts';
import { formatInstant } from '../../src/domain/instant.ts';
import type { Page } from '../../src/domain/questions.ts';
import type { ScheduledTurn, ScheduleFilter } from '../../src/domain/schedule-questions.ts';
import { listSchedule } from '../../src/queries/list-schedule.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { allPages } from './all-pages.ts';
import { project, tell } from './ledger-story.ts';

const start = Date.UTC(2026, 0, 1);
const later = (seconds: number): string => formatInstant(start + seconds * 1000);
const ledger = 'schedule';

let database: TestDatabase;
let pool: pg.Pool;
beforeAll(async () => {
  database = await createTestDatabase();
  pool = createPool(database.url, { role: 'varve_http', max: 4, applicationName: 'schedule' });
  await project(database.pool, tell(ledger, story));
});
afterAll(async () => {
  await pool.end();
  await database.drop();
});

const set = (scope: string, value: string, from?: number, until?: number): AnyChange =>
  ({
    type: 'setOverride',
    key: 'k',
    scope,
    value,
    ...(from === undefined ? {} : { effectiveFrom: later(from) }),
    ...(until === undefined ? {} : { effectiveUntil: later(until) }),
  }) as AnyChange;

const story = [
  {
    at: start,
    changes: [
      { type: 'defineKey', key: 'k', valueType: 'string', fallback: '' }, // 1
      { type: 'addModel', model: { id: 'a/old', name: 'old', contextWindow: 1, pricing: { input: '1' } } }, // 2
      { type: 'addModel', model: { id: 'a/new', name: 'new', contextWindow: 1 } }, // 3
    ] as AnyChange[],
  },
  {
    at: start + 10_000,
    changes: [
      set('global', 'base'), // 4
      set('global', 'sale', 100, 200), // 5
      set('tier:1', 'trial', undefined, 150), // 6
      set('user:u', 'first', 120), // 7
      set('user:u', 'taken back', 130), // 8
    ],
  },
  { at: start + 20_000, changes: [{ type: 'withdrawOverride', revision: 8 } as const] }, // 9
  {
    at: start + 30_000,
    changes: [
      { type: 'deprecateModel', id: 'a/old', successor: 'a/new', sunsetAt: later(160) }, // 10
      { type: 'changePrice', id: 'a/old', pricing: { input: '2' }, effectiveFrom: later(140) }, // 11
      {
        type: 'correctPrice',
        id: 'a/old',
        pricing: { input: '1.5' },
        effectiveFrom: later(140),
        effectiveUntil: later(170),
      }, // 12
      // Known late: it changes nothing by itself.
      { type: 'changePrice', id: 'a/old', pricing: { input: '0.5' }, effectiveFrom: later(5) }, // 13
    ] as AnyChange[],
  },
  {
    at: start + 40_000,
    // Starts later than the temporary one of tier:1, which so gives way to it and never comes back.
    changes: [set('tier:1', 'for good')], // 14
  },
];
const head = 14;

const ask = (
  filter: ScheduleFilter = {},
  { asOf = head, after = start + 40_000, until = forever, limit = 50 } = {},
): Promise<Page<ScheduledTurn>> => listSchedule(pool, ledger, asOf, { after, until }, filter, { limit });

function short(turn: ScheduledTurn) {
  const at = (turn.at - start) / 1000;
  if (turn.kind === 'sunset') return [at, turn.kind, turn.model, turn.revision, turn.successor];
  const { kind, revision, before, after } = turn;
  const about = kind === 'price' ? turn.model : turn.scope;
  return [
    at,
    kind,
    about,
    revision,
    before?.revision,
    after?.revision,
    ...(turn.isShadowed ? ['shadowed'] : []),
  ];
}

describe('the schedule', () => {
  test('tells by time what starts, ends and retires, and what held before and after', async () => {
    expect((await ask()).items.map(short)).toEqual([
      [100, 'activation', 'global', 5, 4, 5],
      [120, 'activation', 'user:u', 7, undefined, 7],
      [140, 'price', 'a/old', 11, 13, 12, 'shadowed'],
      [140, 'price', 'a/old', 12, 13, 12],
      [150, 'expiry', 'tier:1', 6, 14, 14, 'shadowed'],
      [160, 'sunset', 'a/old', 10, 'a/new'],
      [170, 'price', 'a/old', 12, 12, 11],
      [200, 'expiry', 'global', 5, 5, 4],
    ]);
  });

  test('narrows to a kind, a key, a scope, a model', async () => {
    const told = async (filter: ScheduleFilter) =>
      (await ask(filter)).items.map(({ at, revision }) => [(at - start) / 1000, revision]);
    expect(await told({ kind: 'activation' })).toEqual([
      [100, 5],
      [120, 7],
    ]);
    expect(await told({ kind: 'expiry', scope: 'tier:1' })).toEqual([[150, 6]]);
    expect(await told({ kind: 'sunset' })).toEqual([[160, 10]]);
    expect(await told({ scope: 'global', key: 'k' })).toEqual([
      [100, 5],
      [200, 5],
    ]);
    expect(await told({ key: 'other' })).toEqual([]);
    expect(await told({ model: 'a/old', kind: 'price' })).toHaveLength(3);
    expect(await told({ model: 'a/new' })).toEqual([]);
    expect(await told({ model: 'a/old', kind: 'activation' })).toEqual([]);
    expect(await told({ key: 'k', kind: 'price' })).toEqual([]);
  });

  test('goes from after a moment up to another one, included', async () => {
    const within = async (after: number, until: number) =>
      (await ask({}, { after: start + after * 1000, until: start + until * 1000 })).items.map(short);
    expect(await within(100, 120)).toEqual([[120, 'activation', 'user:u', 7, undefined, 7]]);
    expect(await within(99, 100)).toEqual([[100, 'activation', 'global', 5, 4, 5]]);
    expect(await within(200, 900)).toEqual([]);
    // A price that became known after its start changed nothing by itself.
    expect(await within(0, 99)).toEqual([]);
  });

  test('is that of what was known: neither what came later nor what was taken back by then', async () => {
    const known = async (asOf: number, after: number) =>
      (await ask({}, { asOf, after: start + after })).items.map(({ revision }) => revision);
    expect(await known(8, 10_000)).toEqual([5, 7, 8, 6, 5]);
    expect(await known(9, 20_000)).toEqual([5, 7, 6, 5]);
    expect(await known(4, 10_000)).toEqual([]);
    expect(await known(0, 0)).toEqual([]);
    const [before] = (await ask({ scope: 'tier:1' }, { asOf: 9 })).items;
    expect(before).toMatchObject({ revision: 6, isShadowed: false });
  });

  test('names the events behind it', async () => {
    const { items } = await ask({ kind: 'sunset' });
    expect(items[0]?.event).toMatchObject({ revision: 10, type: 'ModelDeprecated', reason: 'because' });
  });

  test('comes in pages, and a cursor is its own', async () => {
    const whole = (await ask()).items;
    for (const limit of [1, 2, 3, 7, 8]) {
      const paged = await allPages(
        (page) => listSchedule(pool, ledger, head, { after: start + 40_000, until: forever }, {}, page),
        limit,
      );
      expect(paged).toEqual(whole);
    }
    const asked = listSchedule(
      pool,
      ledger,
      head,
      { after: start, until: forever },
      {},
      {
        limit: 1,
        cursor: Buffer.from('{"at":1e300,"revision":1}').toString('base64url'),
      },
    );
    await expect(asked).rejects.toMatchObject({ code: 'invalid', reason: 'bad_cursor' });
  });

  test('passes over all that was learnt late', async () => {
    const many = 1_200;
    const prices = Array.from({ length: many }, (_, index) => ({
      type: 'changePrice',
      id: 'a/old',
      pricing: { input: `${index + 1}` },
      effectiveFrom: later(-index),
    }));
    const steps = [
      { at: start, changes: [{ type: 'addModel', model: { id: 'a/old', name: 'old', contextWindow: 1 } }] },
      {
        at: start + 1_000,
        changes: [...prices, { ...prices[0], effectiveFrom: later(2), pricing: { input: '0' } }],
      },
    ] as { at: number; changes: AnyChange[] }[];
    await project(database.pool, tell('late', steps));
    const stretch = { after: start - many * 1_000, until: forever };
    const { items } = await listSchedule(pool, 'late', many + 2, stretch, {}, { limit: 50 });
    expect(items.map(({ at }) => at)).toEqual([start + 2_000]);
  });

  test('goes to the end of time', async () => {
    const lastAt = '9999-12-31T23:59:59.999Z';
    const far = tell('far', [
      {
        at: start,
        changes: [
          { type: 'defineKey', key: 'k', valueType: 'string', fallback: '' },
          { ...set('global', 'x'), effectiveUntil: lastAt } as AnyChange,
          { ...set('tier:1', 'x'), effectiveUntil: lastAt } as AnyChange,
        ],
      },
    ]);
    await project(database.pool, far);
    const paged = await allPages(
      (page) => listSchedule(pool, 'far', 3, { after: start, until: forever }, {}, page),
      1,
    );
    expect(paged.map(({ at, revision }) => [formatInstant(at), revision])).toEqual([
      [lastAt, 2],
      [lastAt, 3],
    ]);
  });
});
