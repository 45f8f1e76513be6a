/**
 * Laws of the one diff, over any two JSON views: nothing differs from itself, swapped views give the same fields swapped,
 * and what differs is all that differs: put onto the one view it makes the other.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { differences, equal, type FieldChange, type FieldView, isRecord } from '../../src/domain/diff.ts';
import type { JsonValue } from '../../src/domain/json.ts';

/** Names without dots, so that a field tells its path; few of them, so that views meet. */
const name = fc.constantFrom('a', 'b', 'valueOf', 'ü');
const leaf = fc.constantFrom<JsonValue>(0, 1, '', 'x', true);

/** Without null members: a null that is there and nothing there are told alike, so they cannot be put back. */
const { value } = fc.letrec<{ value: JsonValue; record: FieldView }>((tie) => ({
  value: fc.oneof({ depthSize: 'small' }, leaf, fc.array(leaf, { maxLength: 2 }), tie('record')),
  record: fc.dictionary(name, tie('value'), { maxKeys: 3, noNullPrototype: true }),
}));
const view = fc.dictionary(name, value, { maxKeys: 4, noNullPrototype: true });
const anyView = fc.dictionary(
  name,
  fc.jsonValue({ maxDepth: 3 }).map((json) => json as JsonValue),
  {
    maxKeys: 4,
  },
);

/** The view after the changes, each put in its place. */
function applied(from: FieldView, changes: readonly FieldChange[]): FieldView {
  const result = structuredClone(from);
  for (const { field, after } of changes) {
    const path = field.split('.');
    const last = path.pop() ?? '';
    let parent: FieldView = result;
    for (const step of path) {
      const next = parent[step];
      if (!isRecord(next)) throw new Error(`${field} is changed in what is no object`);
      parent = next;
    }
    if (after === null) delete parent[last];
    else parent[last] = after;
  }
  return result;
}

const swapped = (changes: readonly FieldChange[]): readonly FieldChange[] =>
  changes.map(({ field, before, after }) => ({ field, before: after, after: before }));

describe('the diff of two views', () => {
  test('is empty just when they are equal', () => {
    fc.assert(
      fc.property(anyView, anyView, (one, other) => {
        expect(differences(one, structuredClone(one))).toStrictEqual([]);
        expect(differences(one, other).length === 0).toBe(equal(one, other));
      }),
    );
  });

  test('is the inverse of the diff the other way round', () => {
    fc.assert(
      fc.property(anyView, anyView, (one, other) => {
        expect(differences(other, one)).toStrictEqual(swapped(differences(one, other)));
      }),
    );
  });

  test('tells an object with a member called __proto__ as a whole, in both directions', () => {
    const [none, text, object] = ['{}', '{"__proto__":""}', '{"__proto__":{"a":1},"b":2}'].map(
      (json) => JSON.parse(json) as FieldView,
    );
    for (const [one, other] of [
      [none, text],
      [none, object],
      [text, object],
    ] as const) {
      const [before = null, after = null] = [one, other];
      const there = differences({ ü: before }, { ü: after });
      expect(there).toStrictEqual([{ field: 'ü', before, after }]);
      expect(differences({ ü: after }, { ü: before })).toStrictEqual(swapped(there));
    }
    expect(differences({ ü: object ?? {} }, { ü: structuredClone(object ?? {}) })).toStrictEqual([]);
  });

  test('makes the other view of the one', () => {
    fc.assert(
      fc.property(view, view, (one, other) => {
        expect(applied(one, differences(one, other))).toStrictEqual(other);
      }),
      { numRuns: 500 },
    );
  });

  test('changes neither', () => {
    fc.assert(
      fc.property(anyView, anyView, (one, other) => {
        const texts = [JSON.stringify(one), JSON.stringify(other)];
        differences(one, other);
        expect([JSON.stringify(one), JSON.stringify(other)]).toStrictEqual(texts);
      }),
    );
  });
});
