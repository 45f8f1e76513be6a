/**
 * Differences of a plain story: filters are plain filters over all of it, pages go on where the one before ended, and what
 * time alone brings about is told without events.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { AnyChange } from '../../src/domain/change.ts';
import type { Difference, DiffFilter, DiffQuestion } from '../../src/domain/diff-questions.ts';
import { formatInstant } from '../../src/domain/instant.ts';
import type { Moment } from '../../src/domain/questions.ts';
import type { Scope } from '../../src/domain/scope.ts';
import { betweenPoints, differingSubjects } from '../../src/queries/differing-subjects.ts';
import { listDifferences } from '../../src/queries/list-differences.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { pointIn, replayedDifferences } from '../support/replayed-differences.ts';
import { allPages } from './all-pages.ts';
import { project, type Step, tell } from './ledger-story.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());

const start = Date.UTC(2026, 0, 1);
const hour = 3_600_000;

async function differencesOf(
  ledger: string,
  { from, to, filter = {} }: Pick<DiffQuestion, 'from' | 'to'> & { readonly filter?: DiffFilter },
  limit = 1_000,
): Promise<readonly Difference[]> {
  const question = { from, to, filter, isOpen: false };
  return allPages((page) => listDifferences(database.pool, ledger, question, page), limit);
}

describe('of a plain story', () => {
  const scopes: readonly Scope[] = ['global', 'tenant:t', 'user:ü', 'user:\u{1F600}', 'user:\uFF5E'];
  const keys = ['ai.alpha', 'ai.beta_x', 'ai.betaxx', 'app.gamma'] as const;
  const ids = ['acme/one', 'acme/o_e', 'deep/two'] as const;
  const steps: readonly Step[] = [
    {
      at: start,
      changes: [
        ...keys.map((key): AnyChange => ({ type: 'defineKey', key, valueType: 'number', fallback: 0 })),
        ...ids.map((id): AnyChange => ({ type: 'addModel', model: { id, name: id, contextWindow: 1 } })),
      ],
    },
    {
      at: start + hour,
      changes: [
        ...keys.flatMap((key, index) =>
          scopes.map((scope): AnyChange => ({ type: 'setOverride', key, scope, value: index + 1 })),
        ),
        ...ids.map((id): AnyChange => ({ type: 'changePrice', id, pricing: { input: '2' } })),
        { type: 'tagRevision', name: 'good' },
      ],
    },
    // One is changed often, and one comes back to what it was.
    ...Array.from({ length: 120 }, (_, index): Step => {
      const place = { key: 'ai.alpha', scope: 'global' } as const;
      return {
        at: start + 2 * hour + index,
        changes: [{ type: 'setOverride', ...place, value: 100 + index }],
      };
    }),
    { at: start + 3 * hour, changes: [{ type: 'setOverride', key: 'app.gamma', scope: 'global', value: 9 }] },
    { at: start + 4 * hour, changes: [{ type: 'setOverride', key: 'app.gamma', scope: 'global', value: 4 }] },
  ];
  const ledger = 'plain';
  const events = tell(ledger, steps);
  const head: Moment = { asOf: events.length, at: start + 5 * hour };
  const beginning: Moment = { asOf: 7, at: start };
  const all = replayedDifferences(events, { from: beginning, to: head });
  beforeAll(async () => {
    await project(database.pool, events);
    await project(database.pool, tell('elsewhere', steps.slice(0, 3)));
  });

  const filters: readonly [string, DiffFilter, (item: Difference) => boolean][] = [
    ['nothing', {}, () => true],
    ['a subject', { subject: 'override:ai.alpha@global' }, isAbout(/^override:ai\.alpha@global$/)],
    ['a subject that is not there', { subject: 'override:ai.alpha@user:x' }, () => false],
    ['a subject outside of the filter', { subject: 'model:deep/two', key: 'ai.alpha' }, () => false],
    ['a key', { key: 'ai.beta_x' }, isAbout(/:ai\.beta_x(?:@|$)/)],
    ['keys', { key: 'ai.*' }, isAbout(/:ai\./)],
    ['keys with an underscore', { key: '*beta_*' }, isAbout(/:ai\.beta_x(?:@|$)/)],
    ['a scope', { scope: 'user:ü' }, isAbout(/@user:ü$/)],
    ['keys and a scope', { key: '*.gamma', scope: 'tenant:t' }, isAbout(/app\.gamma@tenant:t$/)],
    ['a model', { model: 'acme/o_e' }, isAbout(/^model:acme\/o_e$/)],
    ['models', { model: 'acme/*' }, isAbout(/^model:acme\//)],
    ['keys and models', { key: 'app.*', model: '*two' }, isAbout(/:app\.|two$/)],
  ];
  test.each(filters)('filtered by %s', async (_name, filter, keeps) => {
    const wanted = all.filter(keeps);
    expect(await differencesOf(ledger, { from: beginning, to: head, filter })).toEqual(wanted);
    expect(await differencesOf(ledger, { from: beginning, to: head, filter }, 2)).toEqual(wanted);
  });

  test.each(filters)(
    'subjects filtered by %s are found among the events and among the subjects',
    async (_name, filter) => {
      const points = [0, 3, 7, 20, 31, 90, events.length].map((asOf) => pointIn(events, asOf, 0));
      for (const [one, other] of [...points.entries()].flatMap(([index, point]) =>
        points.slice(index + 1).map((later) => [point, later] as const),
      )) {
        const question = { between: betweenPoints(one, other), filter, from: '', limit: 1_000 };
        const ask = (manyEvents: number) =>
          differingSubjects(database.pool, ledger, { ...question, manyEvents });
        expect(await ask(0)).toEqual(await ask(events.length));
      }
    },
  );

  test('tells the newest hundred events of a subject and that there are more', async () => {
    const [item] = await differencesOf(ledger, {
      from: beginning,
      to: head,
      filter: { subject: 'override:ai.alpha@global' },
    });
    expect(item).toMatchObject({ field: 'value', before: null, after: 219, hasMoreEvents: true });
    expect(item?.events).toEqual(Array.from({ length: 100 }, (_, index) => events.length - 2 - index));
  });

  test('leaves out what came back to what it was', async () => {
    const from = { asOf: events.length - 2, at: start + 2.5 * hour };
    expect(await differencesOf(ledger, { from, to: head })).toEqual([]);
  });

  test('the pages of an open diff end where the first one did', async () => {
    const from = beginning;
    const early = { asOf: 30, at: start + hour };
    const ask = (to: Moment, cursor?: string) =>
      listDifferences(
        database.pool,
        ledger,
        { from, to, filter: {}, isOpen: true },
        cursor === undefined ? { limit: 5 } : { limit: 1_000, cursor },
      );
    const first = await ask(early);
    const rest = await ask(head, first.nextCursor ?? '');
    expect(rest.to).toEqual(early);
    expect([...first.items, ...rest.items]).toEqual(replayedDifferences(events, { from, to: early }));
    // A place that is made up is no right to see what is not there yet.
    const ahead = await ask(early, (await ask(head)).nextCursor ?? '');
    expect(ahead.to).toEqual(early);
  });

  test('a bad cursor is invalid', async () => {
    const made = Buffer.from('{"subject":"a","shown":-1,"to":{"asOf":1,"at":1}}').toString('base64url');
    for (const cursor of ['x', made]) {
      const asked = listDifferences(
        database.pool,
        ledger,
        { from: beginning, to: head, filter: {}, isOpen: true },
        { limit: 5, cursor },
      );
      await expect(asked).rejects.toMatchObject({ code: 'invalid', details: [{ path: 'query.cursor' }] });
    }
  });

  function isAbout(pattern: RegExp): (item: Difference) => boolean {
    return ({ subject }) => pattern.test(subject);
  }
});

test('goes on over slices in which nothing differs', async () => {
  const ledger = 'wide';
  const place = (index: number) => ({ key: 'k', scope: `user:${String(index).padStart(5, '0')}` }) as const;
  const count = 8_100;
  const everywhere = Array.from({ length: count }, (_, index) => place(index));
  const steps: readonly Step[] = [
    { at: start, changes: [{ type: 'defineKey', key: 'k', valueType: 'number', fallback: 0 }] },
    {
      at: start + hour,
      changes: everywhere.map((each): AnyChange => ({ type: 'setOverride', ...each, value: 1 })),
    },
    {
      at: start + 2 * hour,
      changes: everywhere.slice(0, -1).map((each): AnyChange => ({ type: 'clearOverride', ...each })),
    },
  ];
  const events = tell(ledger, steps);
  await project(database.pool, events);
  // The plans of the tests before were made for small tables.
  await database.pool.query('analyze');
  const points = {
    from: { asOf: 1, at: start },
    to: { asOf: events.length, at: start + 2 * hour },
  };
  const first = await listDifferences(
    database.pool,
    ledger,
    { ...points, filter: {}, isOpen: false },
    { limit: 10 },
  );
  expect(first.items).toEqual([]);
  expect(first.nextCursor).not.toBeNull();
  const items = await differencesOf(ledger, points);
  expect(items.map(({ subject, before, after }) => [subject, before, after])).toEqual([
    ['override:k@user:08099', null, 1],
  ]);
});

test('a start, an end, a price and a sunset that pass between two times show without an event', async () => {
  const ledger = 'silent';
  const at = (hours: number): string => formatInstant(start + hours * hour);
  const steps: readonly Step[] = [
    {
      at: start,
      changes: [
        { type: 'defineKey', key: 'k', valueType: 'number', fallback: 0 },
        { type: 'addModel', model: { id: 'acme/one', name: 'One', contextWindow: 1 } },
        { type: 'deprecateModel', id: 'acme/one', sunsetAt: at(5) },
        { type: 'changePrice', id: 'acme/one', pricing: { input: '3' }, effectiveFrom: at(6) },
        { type: 'setOverride', key: 'k', scope: 'global', value: 1, effectiveFrom: at(3) },
        { type: 'setOverride', key: 'k', scope: 'tier:1', value: 2, effectiveUntil: at(4) },
      ],
    },
  ];
  const events = tell(ledger, steps);
  await project(database.pool, events);
  const asOf = events.length;
  const between = (from: number, to: number) =>
    differencesOf(ledger, {
      from: { asOf, at: start + from * hour },
      to: { asOf, at: start + to * hour - 1 },
    });
  expect(await between(0, 3)).toEqual([]);
  const told = await between(2, 7);
  expect(told.map(({ subject, field, before, after }) => [subject, field, before, after])).toEqual([
    ['model:acme/one', 'pricing.input', null, '3'],
    ['model:acme/one', 'scheduledPricing', [{ effectiveFrom: at(6), pricing: { input: '3' } }], null],
    ['model:acme/one', 'status', 'deprecated', 'retired'],
    ['override:k@global', 'scheduled', [{ effectiveFrom: at(3), value: 1 }], null],
    ['override:k@global', 'value', null, 1],
    ['override:k@tier:1', 'effectiveUntil', at(4), null],
    ['override:k@tier:1', 'value', 2, null],
  ]);
  expect(told.every((item) => item.events.length === 0 && !item.hasMoreEvents)).toBe(true);
});
