/** Fields before and after: only what differs, at the moment at which the event takes effect. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type EventBody, subjectOf } from '../../src/domain/event.ts';
import { evolve } from '../../src/domain/evolve.ts';
import { equal, type FieldChange, fieldChanges } from '../../src/domain/field-changes.ts';
import { formatInstant } from '../../src/domain/instant.ts';
import type { JsonValue } from '../../src/domain/json.ts';
import {
  allocationSet,
  apiKeyCreated,
  keyDefined,
  keyRetired,
  modelAdded,
  modelDeprecated,
  modelReinstated,
  modelRemoved,
  overrideCleared,
  overrideSet,
  overrideWithdrawn,
  priceChanged,
} from '../support/drafts.ts';
import { anyChange, historyOf, play } from '../support/random-histories.ts';
import { day, fold, now } from '../support/specification.ts';

const key = 'app.greeting';
const id = 'openai/gpt-4o';

/** What the last of these events, recorded now, changed. */
function changesOf(...events: readonly EventBody[]): readonly FieldChange[] {
  const last = events.at(-1);
  if (last === undefined) return [];
  const state = fold(...events.slice(0, -1));
  const event = { ...last, revision: events.length, recordedAt: formatInstant(now) };
  const before = state.subject(subjectOf(last));
  return fieldChanges(before, evolve(before, event), event);
}

const change = (field: string, before: JsonValue, after: JsonValue): FieldChange => ({
  field,
  before,
  after,
});

/** Changes are told in the order of their fields' names. */
const inOrder = (changes: readonly FieldChange[]) => changes.toSorted((a, b) => (a.field < b.field ? -1 : 1));

describe('overrides', () => {
  const is = overrideSet(key, 'global', 'a');
  const later = { effectiveFrom: day(1), effectiveUntil: day(2) };

  test('set, changed, cleared', () => {
    expect(changesOf(is)).toStrictEqual([change('value', null, 'a')]);
    expect(changesOf(is, overrideSet(key, 'global', 'b'))).toStrictEqual([change('value', 'a', 'b')]);
    expect(changesOf(is, overrideCleared(key, 'global'))).toStrictEqual([change('value', 'a', null)]);
  });

  test('with an end', () => {
    expect(changesOf(is, overrideSet(key, 'global', 'b', { effectiveUntil: day(1) }))).toStrictEqual(
      inOrder([change('value', 'a', 'b'), change('effectiveUntil', null, day(1))]),
    );
    expect(changesOf(overrideSet(key, 'global', 'a', { effectiveUntil: day(1) }), is)).toStrictEqual([
      change('effectiveUntil', day(1), null),
    ]);
  });

  test('scheduled, and taken back, are compared when they would start', () => {
    expect(changesOf(is, overrideSet(key, 'global', 'b', later))).toStrictEqual(
      inOrder([change('value', 'a', 'b'), change('effectiveUntil', null, day(2))]),
    );
    expect(
      changesOf(is, overrideSet(key, 'global', 'b', later), overrideWithdrawn(key, 'global', 2)),
    ).toStrictEqual(inOrder([change('effectiveUntil', day(2), null), change('value', 'b', 'a')]));
  });

  test('imported with an earlier start are compared when they are recorded', () => {
    const between = overrideSet(key, 'global', 'c', { effectiveUntil: day(-40) });
    const imported = overrideSet(key, 'global', 'b', { effectiveFrom: day(-50) });
    expect(changesOf(is, between, imported)).toStrictEqual([change('value', 'a', 'b')]);
    expect(changesOf(is, overrideSet(key, 'global', 'b', { effectiveFrom: day(-50) }))).toStrictEqual([
      change('value', 'a', 'b'),
    ]);
    expect(
      changesOf(overrideSet(key, 'global', 'b', { effectiveFrom: day(-50), effectiveUntil: day(-49) })),
    ).toStrictEqual([]);
  });

  test('that are objects show their fields, lists as a whole', () => {
    const before = overrideSet(key, 'global', { a: { b: 1, c: [1, 2] }, d: true });
    const after = overrideSet(key, 'global', { a: { b: 2, c: [1, 2, 3] }, e: null });
    expect(changesOf(before, after)).toStrictEqual(
      inOrder([
        change('value.a.b', 1, 2),
        change('value.a.c', [1, 2], [1, 2, 3]),
        change('value.d', true, null),
        // A null that is there looks like what is not there; that it came is told all the same.
        change('value.e', null, null),
      ]),
    );
  });

  test('that are allocations', () => {
    const arms = [{ name: 'a', value: 'x', weight: 1 }];
    const allocation = { unit: 'user', share: 100, salt: 's', arms } as const;
    expect(changesOf(is, allocationSet(key, 'global', allocation))).toStrictEqual(
      inOrder([change('value', 'a', null), change('allocation', null, { ...allocation, arms: [...arms] })]),
    );
    expect(
      changesOf(
        allocationSet(key, 'global', allocation),
        allocationSet(key, 'global', { ...allocation, share: 200 }),
      ),
    ).toStrictEqual([change('allocation.share', 100, 200)]);
  });

  test('whose fields are named like what every object has', () => {
    const before = overrideSet(key, 'global', { constructor: 1, toString: 2 });
    const after = overrideSet(key, 'global', { valueOf: 3, toString: { hasOwnProperty: 4 } });
    expect(changesOf(before, after)).toStrictEqual(
      inOrder([
        change('value.constructor', 1, null),
        change('value.valueOf', null, 3),
        change('value.toString', 2, { hasOwnProperty: 4 }),
      ]),
    );
  });
});

describe('keys', () => {
  test('defined, redefined, retired', () => {
    expect(changesOf(keyDefined(key))).toStrictEqual(
      inOrder([
        change('key', null, key),
        change('valueType', null, 'string'),
        change('fallback', null, 'fallback'),
        change('retired', null, false),
      ]),
    );
    expect(
      changesOf(keyDefined(key, { description: 'x' }), keyDefined(key, { fallback: 'other' })),
    ).toStrictEqual(inOrder([change('description', 'x', null), change('fallback', 'fallback', 'other')]));
    expect(changesOf(keyDefined(key), keyRetired(key))).toStrictEqual([change('retired', false, true)]);
  });
});

describe('models', () => {
  const added = modelAdded(id, { pricing: { input: '1' } });
  const updated = (updates: object): EventBody => ({ type: 'ModelUpdated', data: { id, updates } });

  test('added, updated', () => {
    expect(changesOf(added)).toStrictEqual(
      inOrder([
        change('name', null, id),
        change('contextWindow', null, 128_000),
        change('status', null, 'active'),
        change('id', null, id),
        change('provider', null, 'openai'),
        change('model', null, 'gpt-4o'),
        change('pricing', null, { input: '1' }),
      ]),
    );
    expect(
      changesOf(added, updated({ name: 'GPT', extra: { a: 1 } }), updated({ extra: { a: 2, b: 3 } })),
    ).toStrictEqual(inOrder([change('extra.a', 1, 2), change('extra.b', null, 3)]));
  });

  test('deprecated, reinstated, removed', () => {
    const deprecated = modelDeprecated(id, { successor: 'openai/b', sunsetAt: day(9) });
    const fields = [
      ['status', 'active', 'deprecated'] as const,
      ['successor', null, 'openai/b'] as const,
      ['sunsetAt', null, day(9)] as const,
    ];
    expect(changesOf(added, deprecated)).toStrictEqual(
      fields.map(([field, before, after]) => change(field, before, after)),
    );
    expect(changesOf(added, deprecated, modelReinstated(id)).map(({ field }) => field)).toStrictEqual([
      'status',
      'successor',
      'sunsetAt',
    ]);
    expect(changesOf(added, modelRemoved(id))).toContainEqual(change('status', 'active', 'removed'));
    expect(changesOf(added, modelRemoved(id), modelAdded(id))).toContainEqual(
      change('status', 'removed', 'active'),
    );
  });

  test('prices, at the day of the change, also one of the past', () => {
    expect(changesOf(added, priceChanged(id, { input: '2', output: '3' }))).toStrictEqual(
      inOrder([change('pricing.input', '1', '2'), change('pricing.output', null, '3')]),
    );
    const past = [
      added,
      priceChanged(id, { input: '0.5' }, day(-100)),
      priceChanged(id, { input: '0.7' }, day(-90)),
    ];
    expect(changesOf(...past)).toStrictEqual([change('pricing.input', '0.5', '0.7')]);
    const corrected: EventBody = {
      type: 'ModelPriceCorrected',
      data: { id, pricing: { input: '0.6' }, effectiveFrom: day(-100), corrects: 2 },
    };
    expect(changesOf(...past, corrected)).toStrictEqual([change('pricing.input', '0.5', '0.6')]);
  });
});

describe('what surrounds', () => {
  test('API keys', () => {
    expect(changesOf(apiKeyCreated('k')).map(({ field }) => field)).toStrictEqual([
      'createdAt',
      'id',
      'name',
      'revoked',
      'role',
      'trusted',
    ]);
    expect(changesOf(apiKeyCreated('k'), { type: 'ApiKeyRevoked', data: { id: 'k' } })).toStrictEqual([
      change('revoked', false, true),
    ]);
  });
});

describe('equal', () => {
  test.each<[JsonValue | undefined, JsonValue | undefined, boolean]>([
    [{ a: 1, b: { c: [] } }, { b: { c: [] }, a: 1 }, true],
    [{ a: null }, {}, false],
    [{ a: null }, { b: null }, false],
    [{}, [], false],
    [[1, 2], [2, 1], false],
    [[1], [1, 2], false],
    [null, {}, false],
    [undefined, null, false],
    ['1', 1, false],
    [0, -0, true],
    [{ constructor: 1 }, { toString: 1 }, false],
  ])('%j and %j: %s', (one, other, expected) => {
    expect(equal(one, other)).toBe(expected);
    expect(equal(other, one)).toBe(expected);
  });

  test('is what canonical texts say', () => {
    const sorted = (value: unknown): unknown => {
      if (typeof value !== 'object' || value === null) return Object.is(value, -0) ? 0 : value;
      if (Array.isArray(value)) return value.map(sorted);
      return Object.fromEntries(
        Object.entries(value)
          .toSorted(([a], [b]) => (a < b ? -1 : 1))
          .map(([name, of]) => [name, sorted(of)]),
      );
    };
    const json = fc.jsonValue({ maxDepth: 3 }) as fc.Arbitrary<JsonValue>;
    fc.assert(
      fc.property(json, json, (one, other) => {
        expect(equal(one, one)).toBe(true);
        expect(equal(one, structuredClone(one))).toBe(true);
        expect(equal(one, other)).toBe(JSON.stringify(sorted(one)) === JSON.stringify(sorted(other)));
      }),
    );
  });
});

test('on random histories every field of an event is told once and really differs', () => {
  fc.assert(
    fc.property(historyOf(anyChange, 3), (steps) => {
      play(steps, ({ events }, _, { now: recordedAt }) => {
        for (const { body, revision, before, after } of events) {
          const changes = fieldChanges(before, after, {
            ...body,
            revision,
            recordedAt: formatInstant(recordedAt),
          });
          const fields = changes.map(({ field }) => field);
          expect(new Set(fields).size).toBe(fields.length);
          for (const told of changes) expect(equal(told.before, told.after)).toBe(false);
        }
      });
    }),
    { numRuns: 200 },
  );
});
