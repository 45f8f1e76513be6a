/**
 * Usage kept and read: each id once, also from many writers at once, pages that miss nothing, contexts as they were
 * seen, prices as they were known. As the role of the HTTP side.
 */
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createPool } from '../../src/database/pool.ts';
import { forever } from '../../src/domain/assertion.ts';
import type { ReceivedUsage, UsageRecord } from '../../src/domain/usage/usage.ts';
import type { UsageFilter } from '../../src/domain/usage/usage-questions.ts';
import { contextsSeen } from '../../src/queries/contexts-seen.ts';
import { correctionsSince, pricesOfModels } from '../../src/queries/prices-of-models.ts';
import { recordUsage } from '../../src/queries/record-usage.ts';
import { revisionsAt } from '../../src/queries/revisions-at.ts';
import { usagePage } from '../../src/queries/usage-page.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { project, tell } from './ledger-story.ts';

let database: TestDatabase;
let pool: pg.Pool;
beforeAll(async () => {
  database = await createTestDatabase();
  pool = createPool(database.url, { role: 'varve_http', max: 10, applicationName: 'usage' });
});
afterAll(async () => {
  await pool.end();
  await database.drop();
});

const all: UsageFilter = { from: 0, to: forever };

function usage(id: string, more: Partial<ReceivedUsage> = {}): ReceivedUsage {
  return {
    id,
    at: 1_000,
    model: 'm/a',
    modelByKey: false,
    inputTokens: 1,
    outputTokens: 2,
    cacheReadTokens: 3,
    cacheWriteTokens: 4,
    reasoningTokens: 5,
    inputAudioTokens: 6,
    outputAudioTokens: 7,
    ...more,
  };
}

async function readAll(ledger: string, filter: UsageFilter = all) {
  const records: UsageRecord[] = [];
  let page = await usagePage(pool, ledger, filter, undefined);
  for (; page.length > 0; page = await usagePage(pool, ledger, filter, page.at(-1))) records.push(...page);
  return records;
}

describe('keeping', () => {
  test('every part of a record comes back', async () => {
    const whole = usage('whole "id" \\ {}', {
      at: 1_700_000_000_123,
      key: 'ai.planner.model',
      user: 'u:1',
      tenant: 'ac"me,{}',
      tier: '3',
      inputTokens: 1_000_000_000,
    });
    const receipt = { received: 2, added: 2, duplicates: 0, conflicting: [] };
    expect(await recordUsage(pool, 'parts', [whole, usage('bare')])).toEqual(receipt);
    const { modelByKey: _, ...kept } = whole;
    const { modelByKey: __, ...bare } = usage('bare');
    expect(await readAll('parts')).toEqual([bare, kept]);
    expect(await readAll('elsewhere')).toEqual([]);
  });

  test('the same again adds nothing, and what differs is told and not kept', async () => {
    await recordUsage(pool, 'twice', [usage('a'), usage('b'), usage('c', { tenant: 'acme' })]);
    const before = await readAll('twice');
    const again = [usage('a'), usage('b', { outputTokens: 9 }), usage('c'), usage('d')];
    expect(await recordUsage(pool, 'twice', again)).toEqual({
      received: 4,
      added: 1,
      duplicates: 3,
      conflicting: ['b', 'c'],
    });
    expect((await readAll('twice')).filter(({ id }) => id !== 'd')).toEqual(before);
  });

  test('within one batch the first of an id stands', async () => {
    const batch = [usage('x', { inputTokens: 10 }), usage('x', { inputTokens: 20 }), usage('y'), usage('y')];
    expect(await recordUsage(pool, 'inside', batch)).toEqual({
      received: 4,
      added: 2,
      duplicates: 2,
      conflicting: ['x'],
    });
    expect((await readAll('inside')).map(({ id, inputTokens }) => [id, inputTokens])).toEqual([
      ['x', 10],
      ['y', 1],
    ]);
  });

  test('a model that was found by key may be another one the next time, a reported one may not', async () => {
    const keyed = { key: 'a.b', modelByKey: true };
    await recordUsage(pool, 'found', [usage('k', keyed), usage('m')]);
    const again = [usage('k', { ...keyed, model: 'm/z' }), usage('m', { model: 'm/z' })];
    expect((await recordUsage(pool, 'found', again)).conflicting).toEqual(['m']);
    // Reported as what the key resolved to is not what was reported.
    expect((await recordUsage(pool, 'found', [usage('k', { key: 'a.b' })])).conflicting).toEqual(['k']);
  });

  test('at most 100 conflicting ids are told', async () => {
    const ids = Array.from({ length: 150 }, (_, n) => `i${String(n).padStart(3, '0')}`);
    await recordUsage(
      pool,
      'many',
      ids.map((id) => usage(id)),
    );
    const other = ids.map((id) => usage(id, { at: 5 }));
    const { duplicates, conflicting } = await recordUsage(pool, 'many', other);
    expect([duplicates, conflicting.length, conflicting[0]]).toEqual([150, 100, 'i000']);
  });

  test('batches that share ids, in any order and at once, keep each once and never lock each other out', async () => {
    const records = Array.from({ length: 500 }, (_, n) => usage(`s${n}`, { user: `u${n % 20}` }));
    const batches = Array.from({ length: 10 }, (_, n) => {
      const turned = [...records.slice(n * 50), ...records.slice(0, n * 50)];
      return n % 2 === 0 ? turned : turned.toReversed();
    });
    const receipts = await Promise.all(batches.map((batch) => recordUsage(pool, 'shared', batch)));
    expect(receipts.reduce((sum, { added }) => sum + added, 0)).toBe(500);
    expect(receipts.flatMap(({ conflicting }) => conflicting)).toEqual([]);
    expect(await readAll('shared')).toHaveLength(500);
    expect(await contextsSeen(pool, 'shared', 100)).toHaveLength(20);
  });
});

describe('pages', () => {
  test('by time and id, none missed or told twice where many have one time', async () => {
    const records = Array.from({ length: 20_007 }, (_, n) => usage(`r${n}`, { at: Math.floor(n / 9_000) }));
    for (const start of [0, 10_000, 20_000]) {
      await recordUsage(pool, 'pages', records.slice(start, start + 10_000));
    }
    const first = await usagePage(pool, 'pages', all, undefined);
    expect(first).toHaveLength(2_000);
    const read = await readAll('pages');
    const order = records.toSorted((one, other) => one.at - other.at || (one.id < other.id ? -1 : 1));
    expect(read.map(({ id }) => id)).toEqual(order.map(({ id }) => id));
  });

  test('the window has its start and not its end, and all that is named narrows', async () => {
    const some = [
      usage('1', { at: 10, tenant: 'acme' }),
      usage('2', { at: 20, tenant: 'acme', key: 'a.b' }),
      usage('3', { at: 20, tenant: 'else', model: 'm/b' }),
      usage('4', { at: 30, tenant: 'acme', model: 'm/b', key: 'a.b' }),
    ];
    await recordUsage(pool, 'filters', some);
    const ids = async (filter: Partial<UsageFilter>) =>
      (await readAll('filters', { ...all, ...filter })).map(({ id }) => id);
    expect(await ids({ from: 10, to: 20 })).toEqual(['1']);
    expect(await ids({ from: 20, to: 31 })).toEqual(['2', '3', '4']);
    expect(await ids({ model: 'm/b' })).toEqual(['3', '4']);
    expect(await ids({ tenant: 'acme' })).toEqual(['1', '2', '4']);
    expect(await ids({ key: 'a.b' })).toEqual(['2', '4']);
    expect(await ids({ key: 'a.b', tenant: 'acme', model: 'm/b', from: 30, to: 31 })).toEqual(['4']);
    expect(await ids({ key: 'a.b', tenant: 'else' })).toEqual([]);
  });
});

test('contexts are told once each, last seen first, up to the limit', async () => {
  const minute = 60_000;
  await recordUsage(pool, 'seen', [
    usage('1', { at: 1 * minute, user: 'u1', tenant: 'acme' }),
    usage('2', { at: 9 * minute, user: 'u2' }),
    usage('3', { at: 5 * minute }),
    usage('4', { at: 3 * minute, user: 'u2', tier: '3' }),
  ]);
  // Seen later again; and one that is reported late does not go back.
  await recordUsage(pool, 'seen', [
    usage('5', { at: 20 * minute, user: 'u1', tenant: 'acme' }),
    usage('6', { at: 2 * minute, user: 'u2' }),
  ]);
  const contexts = [{ user: 'u1', tenant: 'acme' }, { user: 'u2' }, {}, { user: 'u2', tier: '3' }];
  expect(await contextsSeen(pool, 'seen', 100_000)).toEqual(contexts);
  expect(await contextsSeen(pool, 'seen', 2)).toEqual(contexts.slice(0, 2));
  expect(await contextsSeen(pool, 'unseen', 10)).toEqual([]);
});

describe('prices over time', () => {
  beforeAll(async () => {
    const model = (id: string) => ({ id, name: id, contextWindow: 1, pricing: { input: '1' } });
    const day = (n: number) => `2026-01-0${n}T00:00:00.000Z`;
    const at = (n: number) => Date.parse(day(n));
    const events = tell('priced', [
      {
        at: at(1),
        changes: ['m/a', 'm/b', 'm/c'].map((id) => ({ type: 'addModel', model: model(id) }) as const),
      },
      {
        at: at(3),
        changes: [{ type: 'changePrice', id: 'm/a', pricing: { input: '2' }, effectiveFrom: day(2) }],
      },
      {
        at: at(4),
        changes: [
          {
            type: 'correctPrice',
            id: 'm/a',
            pricing: { input: '1.5' },
            effectiveFrom: day(1),
            effectiveUntil: day(2),
          },
          { type: 'correctPrice', id: 'm/b', pricing: { input: '9' }, effectiveFrom: day(1) },
        ],
      },
    ]);
    await project(database.pool, events);
  });

  const of = (revision: number, kind: string, from: number, until: number, input: string) => ({
    revision,
    kind,
    from: Date.parse(`2026-01-0${from}T00:00:00.000Z`),
    until: until === forever ? forever : Date.parse(`2026-01-0${until}T00:00:00.000Z`),
    pricing: { input },
  });

  test('by model, in the order of assertions, as known at the revision', async () => {
    expect(await pricesOfModels(pool, 'priced', 6, ['m/b', 'm/a', 'm/unknown'])).toEqual(
      new Map([
        [
          'm/a',
          [
            of(1, 'added', 1, forever, '1'),
            of(5, 'corrected', 1, 2, '1.5'),
            of(4, 'changed', 2, forever, '2'),
          ],
        ],
        ['m/b', [of(2, 'added', 1, forever, '1'), of(6, 'corrected', 1, forever, '9')]],
      ]),
    );
    expect(await pricesOfModels(pool, 'priced', 3, ['m/a'])).toEqual(
      new Map([['m/a', [of(1, 'added', 1, forever, '1')]]]),
    );
    expect(await pricesOfModels(pool, 'priced', 6, [])).toEqual(new Map());
    expect(await pricesOfModels(pool, 'other', 6, ['m/a'])).toEqual(new Map());
  });

  test('corrections after a revision, up to another, of one model or all', async () => {
    const told = async (since: number, asOf: number, model?: string) =>
      (await correctionsSince(pool, 'priced', since, asOf, model)).map(({ revision }) => revision);
    expect(await correctionsSince(pool, 'priced', 5, 6, undefined)).toEqual([
      { revision: 6, model: 'm/b', from: Date.parse('2026-01-01T00:00:00.000Z'), until: forever },
    ]);
    expect(await told(0, 6)).toEqual([5, 6]);
    expect(await told(0, 5)).toEqual([5]);
    expect(await told(4, 6, 'm/b')).toEqual([6]);
    expect(await told(6, 6)).toEqual([]);
  });

  test('the heads at many times, in their order', async () => {
    const at = (n: number) => Date.parse(`2026-01-0${n}T00:00:00.000Z`);
    const times = [at(4), 0, at(3) - 1, at(3), at(9), at(1)];
    expect(await revisionsAt(pool, 'priced', times)).toEqual([6, 0, 3, 4, 6, 3]);
    expect(await revisionsAt(pool, 'priced', [])).toEqual([]);
  });
});
