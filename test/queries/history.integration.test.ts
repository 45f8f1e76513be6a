/**
 * History by filters and pages, streamed, by changeset and by revision: always what a plain filter over the
 * told events says.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { AnyChange } from '../../src/domain/change.ts';
import type { RecordedEvent } from '../../src/domain/event.ts';
import { formatInstant } from '../../src/domain/instant.ts';
import type { HistoryFilter, HistoryItem } from '../../src/domain/questions.ts';
import type { Reads } from '../../src/domain/reads.ts';
import { bindReads } from '../../src/queries/reads.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { allPages } from './all-pages.ts';
import { changesetIdOf, project, type Step, tell } from './ledger-story.ts';

const ledger = 'default';
const start = Date.UTC(2026, 0, 1);

const set = (key: string, scope: 'global' | `tenant:${string}`, value: number): AnyChange => ({
  type: 'setOverride',
  key,
  scope,
  value,
});

const steps: readonly Step[] = [
  {
    at: start,
    actor: 'ann',
    reason: 'The very beginning',
    changes: [
      { type: 'defineKey', key: 'ai.alpha', valueType: 'number', fallback: 0 },
      { type: 'defineKey', key: 'ai.beta', valueType: 'number', fallback: 0 },
      { type: 'addModel', model: { id: 'acme/one', name: 'One', contextWindow: 1, pricing: { input: '1' } } },
    ],
  },
  ...Array.from({ length: 60 }, (_, index): Step => {
    const even = index % 2 === 0;
    return {
      at: start + 1000 * (1 + Math.floor(index / 3)),
      actor: even ? 'ann' : 'bob',
      reason: index % 10 === 0 ? 'Trying the premium plan' : `round ${index}`,
      changes: [set(even ? 'ai.alpha' : 'ai.beta', index % 3 === 0 ? 'global' : 'tenant:t', index + 1)],
    };
  }),
  {
    at: start + 60_000,
    actor: 'cleo',
    reason: 'Farewell',
    changes: [
      { type: 'changePrice', id: 'acme/one', pricing: { input: '2' } },
      { type: 'deprecateModel', id: 'acme/one', sunsetAt: formatInstant(start + 90_000) },
      { type: 'retireKey', key: 'ai.beta' },
      { type: 'tagRevision', name: 'end', revision: 5 },
    ],
  },
];

let database: TestDatabase;
let reads: Reads;
let events: readonly RecordedEvent[];
beforeAll(async () => {
  database = await createTestDatabase();
  reads = bindReads(database.pool, { waitTimeoutMs: 1000 });
  events = tell(ledger, steps);
  await project(database.pool, events);
  await project(database.pool, tell('other', steps.slice(0, 3)));
});
afterAll(() => database.drop());

const revisionsOf = (items: readonly RecordedEvent[]): readonly number[] =>
  items.map(({ revision }) => revision);

function newestFirst(keep: (event: RecordedEvent) => boolean): readonly number[] {
  return revisionsOf(events.filter(keep)).toReversed();
}

const fieldOf = (event: RecordedEvent, field: 'key' | 'scope'): unknown => Reflect.get(event.data, field);
const from = start + 4000;
const to = start + 9000;

describe('history', () => {
  const filters: readonly [string, HistoryFilter, (event: RecordedEvent) => boolean][] = [
    ['nothing', {}, () => true],
    [
      'subject',
      { subject: 'override:ai.alpha@global' },
      ({ subject }) => subject === 'override:ai.alpha@global',
    ],
    [
      'key, its definition and its overrides',
      { key: 'ai.beta' },
      (event) => fieldOf(event, 'key') === 'ai.beta',
    ],
    ['scope', { scope: 'tenant:t' }, (event) => fieldOf(event, 'scope') === 'tenant:t'],
    ['model', { model: 'acme/one' }, ({ subject }) => subject === 'model:acme/one'],
    ['actor', { actor: 'bob' }, ({ actor }) => actor.id === 'bob'],
    ['type', { type: 'OverrideSet' }, ({ type }) => type === 'OverrideSet'],
    ['changeset', { changeset: changesetIdOf(1) }, ({ changesetId }) => changesetId === changesetIdOf(1)],
    ['from', { from }, ({ recordedAt }) => recordedAt >= formatInstant(from)],
    ['to', { to }, ({ recordedAt }) => recordedAt < formatInstant(to)],
    [
      'a time between two changesets',
      { from: from + 1, to: to + 1 },
      ({ recordedAt }) => recordedAt > formatInstant(from) && recordedAt <= formatInstant(to),
    ],
    ['asOf', { asOf: 20 }, ({ revision }) => revision <= 20],
    ['words of the reason', { q: 'premium plan' }, ({ reason }) => reason === 'Trying the premium plan'],
    [
      'words of the subject',
      { q: 'acme one' },
      ({ changesetId }) => [1, 62].map(changesetIdOf).includes(changesetId),
    ],
    [
      'actor, key, scope, type, window',
      { actor: 'ann', key: 'ai.alpha', scope: 'tenant:t', type: 'OverrideSet', from, to },
      (event) =>
        event.actor.id === 'ann' &&
        fieldOf(event, 'key') === 'ai.alpha' &&
        fieldOf(event, 'scope') === 'tenant:t' &&
        event.recordedAt >= formatInstant(from) &&
        event.recordedAt < formatInstant(to),
    ],
    [
      'words, actor, asOf',
      { q: 'premium', actor: 'ann', asOf: 40, from: start },
      (event) => event.reason === 'Trying the premium plan' && event.revision <= 40,
    ],
    ['subject and another model', { subject: 'model:acme/two', model: 'acme/one' }, () => false],
    ['an unknown changeset', { changeset: changesetIdOf(99) }, () => false],
    ['a changeset that is none', { changeset: 'x' }, () => false],
    ['a future', { from: start + 1_000_000 }, () => false],
    ['a past', { to: start }, () => false],
    ['words that nobody said', { q: 'nonsense' }, () => false],
    ['no words at all', { q: `' & | ! ( : * " -` }, () => false],
  ];

  test.each(filters)('by %s, in pages of any size and as a stream', async (_name, filter, keep) => {
    const expected = newestFirst(keep);
    for (const limit of [1, 7, 1000]) {
      const items = await allPages((page) => reads.history(ledger, filter, page), limit);
      expect(revisionsOf(items)).toEqual(expected);
    }
    const streamed: HistoryItem[] = [];
    for await (const item of reads.historyStream(ledger, filter)) streamed.push(item);
    expect(revisionsOf(streamed)).toEqual(expected);
  });

  test('is empty for an unknown ledger', async () => {
    expect(await reads.history('nowhere', {}, { limit: 10 })).toEqual({ items: [], nextCursor: null });
  });

  test('items are events with the fields that they changed', async () => {
    const { items } = await reads.history(ledger, { type: 'ModelPriceChanged' }, { limit: 1 });
    const event = events.find(({ type }) => type === 'ModelPriceChanged');
    expect(items).toEqual([{ ...event, changes: [{ field: 'pricing.input', before: '1', after: '2' }] }]);
  });

  test.each(['', 'x', '%%%', 'e30', Buffer.from('{"revision":-1}').toString('base64url'), 'a'.repeat(9000)])(
    'refuses the cursor %.20s',
    async (cursor) => {
      const asked = reads.history(ledger, {}, { limit: 10, cursor });
      await expect(asked).rejects.toMatchObject({ code: 'invalid', details: [{ path: 'query.cursor' }] });
    },
  );

  test('refuses a NUL character', async () => {
    const asked = reads.history(ledger, { actor: 'a\0b' }, { limit: 10 });
    await expect(asked).rejects.toMatchObject({ code: 'invalid', reason: 'nul_character' });
  });
});

test('historyStream goes on over pages, and stops when its reader does', async () => {
  const many = Array.from({ length: 2500 }, (_, index) => set('k', `tenant:${index}`, 1));
  const define: AnyChange = { type: 'defineKey', key: 'k', valueType: 'number', fallback: 0 };
  await project(database.pool, tell('long', [{ at: start, changes: [define, ...many] }]));
  const revisions: number[] = [];
  for await (const { revision } of reads.historyStream('long', { key: 'k' })) revisions.push(revision);
  expect(revisions).toEqual(Array.from({ length: 2501 }, (_, index) => 2501 - index));
  for await (const { revision } of reads.historyStream('long', {})) {
    expect(revision).toBe(2501);
    break;
  }
});

test('words are found however rare they are and however long ago they were said', async () => {
  const define: AnyChange = { type: 'defineKey', key: 'k', valueType: 'number', fallback: 0 };
  const told = Array.from({ length: 5300 }, (_, index): Step => {
    const reason = index % 2600 === 50 ? 'a seldom word' : 'the usual';
    const changes = index === 0 ? [define] : [set('k', 'global', index)];
    return { at: start + index, actor: index === 50 ? 'bob' : 'ann', reason, changes };
  });
  await project(database.pool, tell('wordy', told));
  const find = async (filter: HistoryFilter, limit: number) =>
    revisionsOf(await allPages((page) => reads.history('wordy', filter, page), limit));
  for (const limit of [1, 10]) {
    expect(await find({ q: 'seldom' }, limit)).toEqual([5251, 2651, 51]);
    expect(await find({ q: 'word', actor: 'ann' }, limit)).toEqual([5251, 2651]);
    expect(await find({ q: 'seldom', key: 'k', asOf: 5250 }, limit)).toEqual([2651, 51]);
    expect(await find({ q: 'never', key: 'k' }, limit)).toEqual([]);
  }
  expect(await find({ q: 'usual', actor: 'bob' }, 1)).toEqual([]);
  expect(await find({ q: 'usual' }, 1000)).toHaveLength(5297);
});

test('events answers what is asked for and leaves out the unknown', async () => {
  const found = await reads.events(ledger, [3, 1, 3, 999]);
  expect([...found.keys()].sort((a, b) => a - b)).toEqual([1, 3]);
  expect(found.get(3)).toMatchObject({ ...events[2] });
  expect(await reads.events(ledger, [])).toEqual(new Map());
});

test('changeset has its record and all its events in order', async () => {
  const found = await reads.changeset(ledger, changesetIdOf(62));
  expect(found?.record).toEqual({
    changesetId: changesetIdOf(62),
    firstRevision: 64,
    lastRevision: 67,
    recordedAt: start + 60_000,
    actor: 'cleo',
    via: null,
    reason: 'Farewell',
    source: 'api',
    requestId: 'request-62',
    undoes: null,
  });
  expect(revisionsOf(found?.events ?? [])).toEqual([64, 65, 66, 67]);
  expect(await reads.changeset(ledger, changesetIdOf(63))).toBeUndefined();
  expect(await reads.changeset('nowhere', changesetIdOf(1))).toBeUndefined();
});

test('modelHistory goes from the first version on', async () => {
  const page = await reads.modelHistory(ledger, 67, 'acme/one', { limit: 2 });
  expect(page.items.map(({ version, type }) => [version, type])).toEqual([
    [1, 'ModelAdded'],
    [2, 'ModelPriceChanged'],
  ]);
  const ask = (limit: number) =>
    allPages((request) => reads.modelHistory(ledger, 67, 'acme/one', request), limit);
  expect(revisionsOf(await ask(1))).toEqual([3, 64, 65]);
  expect(revisionsOf((await reads.modelHistory(ledger, 64, 'acme/one', { limit: 9 })).items)).toEqual([
    3, 64,
  ]);
  expect((await reads.modelHistory(ledger, 67, 'acme/two', { limit: 9 })).items).toEqual([]);
});

test('revisionAt and recordedAt are each other’s inverse', async () => {
  expect(await reads.revisionAt(ledger, start - 1)).toBe(0);
  expect(await reads.revisionAt(ledger, start)).toBe(3);
  expect(await reads.revisionAt(ledger, start + 1500)).toBe(6);
  expect(await reads.revisionAt(ledger, start + 9_999_999)).toBe(67);
  expect(await reads.recordedAt(ledger, 2)).toBe(start);
  expect(await reads.recordedAt(ledger, 66)).toBe(start + 60_000);
  expect(await reads.recordedAt(ledger, 68)).toBeUndefined();
  expect(await reads.recordedAt(ledger, 0)).toBeUndefined();
});

test('tags are those given by then', async () => {
  expect((await reads.tags(ledger, 66, { limit: 5 })).items).toEqual([]);
  expect(await reads.tags(ledger, 67, { limit: 5 })).toEqual({
    items: [{ name: 'end', revision: 5, taggedAt: start + 60_000 }],
    nextCursor: null,
  });
});
