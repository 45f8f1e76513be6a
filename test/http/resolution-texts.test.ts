/**
 * The texts of resolutions put together from pieces are byte for byte those that JSON.stringify makes, also when
 * pieces were kept from answers that differ a little; lists of keys are what splitting makes of them.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { forever } from '../../src/domain/assertion.ts';
import type { JsonValue } from '../../src/domain/json.ts';
import type { Resolution, ResolvedModel } from '../../src/domain/resolve.ts';
import { bodyText } from '../../src/http/answer.ts';
import { resolutionAnswer, valueAnswer } from '../../src/http/resolution-answer.ts';
import { memberOf, textOf } from '../../src/http/resolution-texts.ts';
import { keyList } from '../../src/http/resolve-call.ts';

/** Some that need escapes, lone halves of surrogate pairs among them, and few enough to come again. */
const text = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom('a', 'b', 'ü', '"', '\\', '\u2028', '\u007f', '\u0000', '😀', '') },
  fc.string({ unit: 'binary', maxLength: 6 }),
  fc
    .array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 4 })
    .map((units) => String.fromCharCode(...units)),
);
const instant = fc.oneof(fc.constantFrom(0, 1), fc.integer({ min: 0, max: 253_402_300_799_999 }));
const revision = fc.oneof(fc.integer({ min: 0, max: 3 }), fc.constantFrom(16_384, 16_385), fc.maxSafeNat());

/** The fields in the order in which `resolve` makes them. */
const model: fc.Arbitrary<ResolvedModel> = fc.record(
  {
    id: text,
    provider: text,
    model: text,
    status: fc.constantFrom('active', 'beta', 'deprecated', 'retired', 'removed', 'unlisted'),
    successor: text,
    sunsetAt: instant,
    followed: fc.array(text, { minLength: 1, maxLength: 3 }),
  },
  { requiredKeys: ['id', 'provider', 'model', 'status'], noNullPrototype: true },
);

const kept: readonly JsonValue[] = [{ a: [1, 'ü'] }, [], { a: [1, 'u'] }];
const plainValue = fc.oneof(text, fc.boolean(), fc.double(), fc.integer(), fc.constant(null));
const value: fc.Arbitrary<JsonValue> = fc.oneof(
  plainValue,
  fc.constantFrom(...kept),
  fc.array(plainValue, { maxLength: 3 }),
  fc.dictionary(text, plainValue, { maxKeys: 3 }),
);

const resolution: fc.Arbitrary<Resolution> = fc.record(
  {
    key: text,
    value,
    scope: fc.oneof(
      fc.constantFrom('global' as const, 'fallback' as const),
      text.map((id) => `user:${id}` as const),
    ),
    reason: fc.constantFrom('STATIC', 'TARGETING_MATCH', 'SPLIT', 'DEFAULT'),
    revision,
    validUntil: fc.oneof(fc.constant(forever), instant),
    arm: text,
    model,
  },
  { requiredKeys: ['key', 'value', 'scope', 'reason', 'revision', 'validUntil'], noNullPrototype: true },
);

/** What differs in one field only, and must not get the text of the other. */
const pair = fc.tuple(resolution, resolution).chain(([one, other]) =>
  fc
    .subarray(['key', 'value', 'scope', 'reason', 'validUntil', 'arm', 'model'] as const, { maxLength: 1 })
    .map((names) => {
      const changed: Record<string, unknown> = {};
      for (const name of names) changed[name] = other[name];
      return [one, { ...one, ...changed }] as const;
    }),
);

function expectSameBytes(of: Resolution): void {
  expect(textOf(of)).toEqual(bodyText(JSON.stringify(resolutionAnswer(of))));
  expect(memberOf(of)).toBe(`${JSON.stringify(of.key)}:${JSON.stringify(valueAnswer(of))}`);
}

describe('the text of a resolution', () => {
  test('is what JSON.stringify makes, first and again', () => {
    fc.assert(
      fc.property(resolution, (of) => {
        expectSameBytes(of);
        expectSameBytes(of);
      }),
      { numRuns: 2_000 },
    );
  });

  test('is not that of another one which differs in one field', () => {
    fc.assert(
      fc.property(pair, ([one, other]) => {
        expectSameBytes(one);
        expectSameBytes(other);
      }),
      { numRuns: 2_000 },
    );
  });

  test('is not that of the same model at another moment', () => {
    const base = { id: 'a/one', provider: 'a', model: 'one' };
    const models: readonly ResolvedModel[] = [
      { ...base, status: 'active' },
      { ...base, status: 'deprecated' },
      { ...base, status: 'deprecated', successor: 'a/two' },
      { ...base, status: 'deprecated', successor: 'a/two', sunsetAt: 1 },
      { ...base, status: 'deprecated', successor: 'a/two', sunsetAt: 2 },
      { id: 'a/two', provider: 'a', model: 'two', status: 'active', followed: ['a/one'] },
      { id: 'a/three', provider: 'a', model: 'three', status: 'active', followed: ['a/one', 'a/two'] },
    ];
    for (const each of [...models, ...models]) {
      expectSameBytes({
        key: 'ai.model',
        value: each.id,
        scope: 'global',
        reason: 'STATIC',
        revision: 7,
        validUntil: forever,
        model: each,
      });
    }
  });
});

describe('a list of keys', () => {
  test('is what stands between the commas, also when it comes again and after many others', () => {
    for (let round = 0; round < 2; round++) {
      for (let index = 0; index < 100; index++) {
        expect(keyList(`a,b.c_${index},d`)).toEqual(['a', `b.c_${index}`, 'd']);
        expect(keyList(`a,b.c_${index},d`)).toEqual(['a', `b.c_${index}`, 'd']);
      }
    }
  });

  test('is none with a key that stands there twice, or with more than 1000', () => {
    const many = Array.from({ length: 1_001 }, (_, index) => `k${index}`);
    expect([keyList('a,b,a'), keyList('a,b,a'), keyList(many.join(','))]).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
    expect(keyList(many.slice(1).join(','))).toEqual(many.slice(1));
  });
});
