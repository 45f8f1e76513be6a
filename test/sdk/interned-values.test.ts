/**
 * Values that are kept once: the same value has the same place for as long as somebody refers to it, also when it was
 * changed by whoever it was given to; and places are used again.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { JsonValue } from '../../src/domain/json.ts';
import { InternedValues } from '../../src/sdk/interned-values.ts';

const value = fc.oneof(
  fc.constantFrom<JsonValue>('a', 'b', '{"a":1}', '[1]', 1, 0, true, false, null),
  fc.constantFrom<JsonValue>({ a: 1 }, { a: 2 }, [1], [], {}),
  fc.constantFrom<JsonValue>({ long: 'x'.repeat(5_000) }),
);

test('what is taken is found at its place until it is released as often', () => {
  fc.assert(
    fc.property(
      fc.array(
        fc.oneof(
          value.map((taken) => ({ taken })),
          fc.nat().map((released) => ({ released })),
        ),
      ),
      (steps) => {
        const values = new InternedValues();
        const held: { readonly place: number; readonly of: JsonValue }[] = [];
        for (const step of steps) {
          if ('taken' in step) {
            const of = structuredClone(step.taken);
            held.push({ place: values.take(of), of: step.taken });
          } else if (held.length > 0) {
            const [gone] = held.splice(step.released % held.length, 1);
            if (gone !== undefined) values.release(gone.place);
          }
          for (const { place, of } of held) expect(values.at(place)).toEqual(of);
        }
        // Nobody needs more places than there were different values at a time, long ones apart.
        const short = new Set(held.map(({ of }) => JSON.stringify(of)).filter((text) => text.length < 5_000));
        const places = new Set(
          held.filter(({ of }) => JSON.stringify(of).length < 5_000).map(({ place }) => place),
        );
        expect(places.size).toBe(short.size);
      },
    ),
    { numRuns: 300 },
  );
});

test('a value that somebody changed is forgotten all the same', () => {
  const values = new InternedValues();
  const given = { a: 1 };
  const place = values.take(given);
  given.a = 2;
  values.release(place);
  const again = values.take({ a: 1 });
  expect([again, values.at(again)]).toEqual([place, { a: 1 }]);
});
