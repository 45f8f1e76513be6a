/** Whom a change concerns: which contexts are known, which are asked, and which really answer otherwise. */
import { describe, expect, test } from 'vitest';
import type { AnyChange } from '../../../src/domain/change.ts';
import type { EventBody } from '../../../src/domain/event.ts';
import { type BlastOptions, radiusOf } from '../../support/blast-stand.ts';
import { allocationSet, keyDefined, overrideSet } from '../../support/drafts.ts';
import { day, dayAt, fold, now } from '../../support/specification.ts';

const key = 'app.greeting';
const other = 'app.farewell';

function told(
  given: readonly EventBody[],
  change: AnyChange | readonly AnyChange[],
  options: BlastOptions = {},
) {
  return radiusOf(fold(...given), [change].flat(), now, options).radius.contexts;
}

const set = (scope: 'global' | `user:${string}` | `tenant:${string}`, value: string): AnyChange => ({
  type: 'setOverride',
  key,
  scope,
  value,
});

const changed = (context: object, before: string | null, after: string | null, from = now) => ({
  context,
  key,
  before,
  after,
  from,
});

describe('a changed layer', () => {
  const given = [
    keyDefined(key),
    overrideSet(key, 'tenant:acme', 'old'),
    overrideSet(key, 'user:own', 'mine'),
    overrideSet(key, 'tenant:other', 'old'),
  ];
  const seen = [
    { user: 'own', tenant: 'acme' },
    { user: 'none', tenant: 'acme' },
    { user: 'none', tenant: 'other' },
    { user: 'none' },
  ];

  test('does not touch a user who has an own override', () => {
    expect(told(given, set('tenant:acme', 'new'), { seen })).toStrictEqual({
      known: 7,
      checked: 7,
      changed: 2,
      sample: [
        changed({ tenant: 'acme' }, 'old', 'new'),
        changed({ user: 'none', tenant: 'acme' }, 'old', 'new'),
      ],
    });
  });

  test('touches those from whom a clear takes their own, with what the next layer says', () => {
    const clear: AnyChange = { type: 'clearOverride', key, scope: 'user:own', effectiveFrom: day(1) };
    expect(told(given, clear, { seen }).sample).toStrictEqual([
      changed({ user: 'own' }, 'mine', 'fallback', dayAt(1)),
      changed({ user: 'own', tenant: 'acme' }, 'mine', 'old', dayAt(1)),
    ]);
  });

  test('of the fallback reaches only whom no override answers', () => {
    const fallback: AnyChange = { type: 'defineKey', key, valueType: 'string', fallback: 'other' };
    expect(told(given, fallback, { seen }).sample).toStrictEqual([
      changed({}, 'fallback', 'other'),
      changed({ user: 'none' }, 'fallback', 'other'),
    ]);
    expect(told([...given, overrideSet(key, 'global', 'g')], fallback, { seen }).changed).toBe(0);
  });

  test('of a key that is retired leaves everybody without a value', () => {
    const { sample } = told(given, { type: 'retireKey', key });
    expect(sample.map(({ before, after }) => [before, after])).toStrictEqual([
      ['fallback', null],
      ['old', null],
      ['old', null],
      ['mine', null],
    ]);
  });

  test('that says the same in other words changes nobody', () => {
    const value = { a: [1, { b: 2 }] };
    const object = keyDefined(key, { valueType: 'object', fallback: { a: [1, { b: 2 }] } });
    const change: AnyChange = { type: 'setOverride', key, scope: 'tenant:acme', value };
    const radius = radiusOf(fold(object), [change], now, { seen }).radius;
    expect(radius.layers).toHaveLength(1);
    expect(radius.contexts).toMatchObject({ changed: 0, sample: [] });
  });
});

test('a growing share changes those who come in, and nobody who was in', () => {
  const arms = [{ name: 'new', value: 'new', weight: 1 }];
  const allocation = { unit: 'user' as const, share: 1_000, salt: 'salt', arms };
  const given = [keyDefined(key), allocationSet(key, 'global', allocation)];
  const seen = Array.from({ length: 1_000 }, (_, index) => ({ user: `u${index}` }));
  const grown: AnyChange = {
    type: 'setOverride',
    key,
    scope: 'global',
    allocation: { ...allocation, share: 5_000 },
  };
  const contexts = told(given, grown, { seen, sample: 1_000 });
  expect(contexts.changed).toBeGreaterThan(300);
  expect(contexts.changed).toBeLessThan(500);
  expect(
    new Set(contexts.sample.map(({ before, after }) => `${String(before)} ${String(after)}`)),
  ).toStrictEqual(new Set(['fallback new']));
});

describe('known contexts', () => {
  test('are each counted once, however many keys and lists name them', () => {
    const given = [
      keyDefined(key),
      keyDefined(other),
      overrideSet(key, 'global', 'g'),
      overrideSet(other, 'global', 'g'),
      ...['a', 'b', 'c'].map((id) => overrideSet(key, `user:${id}`, 'u')),
      ...['b', 'c', 'd', 'e'].map((id) => overrideSet(other, `user:${id}`, 'u')),
      overrideSet(other, 'tenant:a', 't'),
      overrideSet(key, 'tier:a', 't'),
      overrideSet('third.key', 'user:z', 'u'),
    ];
    const seen = [{ user: 'a' }, { user: 'd' }, { user: 'new' }, { user: 'a', tier: 'a' }, {}];
    // Seen: 5. Beside them user b, c, e, z, new's none, tenant a and tier a.
    expect(told(given, set('user:new', 'x'), { seen })).toMatchObject({ known: 11, checked: 11, changed: 1 });
    // A scope that gets its first override by the change is known as well.
    expect(told(given, set('user:first', 'x'), { seen })).toMatchObject({
      known: 12,
      checked: 12,
      changed: 1,
    });
  });

  test('whom the change is about come first, so that no limit misses them', () => {
    const many = Array.from({ length: 50 }, (_, index) => overrideSet(key, `user:${index}`, 'u'));
    const change = [set('user:49', 'x'), set('tenant:t', 'x')];
    expect(told([keyDefined(key), ...many], change, { contexts: 2 })).toStrictEqual({
      known: 51,
      checked: 2,
      changed: 2,
      sample: [changed({ user: '49' }, 'u', 'x'), changed({ tenant: 't' }, 'fallback', 'x')],
    });
  });

  test('are no more resolved when there were enough evaluations', () => {
    const seen = Array.from({ length: 50 }, (_, index) => ({ user: `${index}` }));
    const contexts = told([keyDefined(key)], set('global', 'x'), { seen, evaluations: 20 });
    expect(contexts).toMatchObject({ known: 51, checked: 10, changed: 10 });
  });

  test('whom no touched layer is about are not resolved at all', () => {
    const seen = Array.from({ length: 50 }, (_, index) => ({ user: `${index}` }));
    const contexts = told([keyDefined(key)], set('user:7', 'x'), { seen, evaluations: 3 });
    expect(contexts).toMatchObject({ known: 50, checked: 50, changed: 1 });
  });
});

test('a sample shows many contexts before many keys of one', () => {
  const keys = ['a.a', 'b.b', 'c.c'];
  const changes = keys.map(
    (name): AnyChange => ({ type: 'setOverride', key: name, scope: 'global', value: 'x' }),
  );
  const options = { seen: [{ user: 'u' }], sample: 4 };
  const { sample, changed: count } = told(
    keys.map((name) => keyDefined(name)),
    changes,
    options,
  );
  expect(count).toBe(2);
  expect(sample.map(({ context, key: name }) => [context, name])).toStrictEqual([
    [{}, 'a.a'],
    [{ user: 'u' }, 'a.a'],
    [{}, 'b.b'],
    [{ user: 'u' }, 'b.b'],
  ]);
});

test('a long computation pauses again and again, a short one does not', () => {
  const many = Array.from({ length: 2_000 }, (_, index) => overrideSet(key, `user:${index}`, 'u'));
  const pausesOf = (given: readonly EventBody[]) => {
    let pauses = 0;
    const onPause = () => {
      pauses++;
    };
    told([keyDefined(key), ...given], set('global', 'x'), { onPause });
    return pauses;
  };
  expect(pausesOf(many)).toBeGreaterThanOrEqual(4);
  expect(pausesOf(many.slice(0, 10))).toBe(0);
});
