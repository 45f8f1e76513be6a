/** Assertions: the one rule of what holds, against a naive reading of it; and what may be forgotten. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  type Assertion,
  alreadyHolds,
  forever,
  inForce,
  nextBoundary,
  withAssertion,
  withoutPast,
} from '../../src/domain/assertion.ts';

interface Said extends Assertion {
  readonly says: string;
}

const say = (revision: number, from: number, until: number = forever, says = `${revision}`): Said => ({
  revision,
  from,
  until,
  says,
});
const listOf = (said: readonly Said[]): readonly Said[] =>
  said.reduce<readonly Said[]>((list, one) => withAssertion(list, one), []);

/** product.md word by word: of those that cover `at`, the one that starts last; of two, the higher revision. */
function naive(said: readonly Said[], at: number): Said | undefined {
  return said
    .filter(({ from, until }) => from <= at && at < until)
    .toSorted((a, b) => b.from - a.from || b.revision - a.revision)[0];
}

/** Few moments, so that starts and ends meet. */
const moment = fc.integer({ min: 0, max: 12 });
const someSaid = fc
  .array(fc.tuple(moment, fc.oneof(moment, fc.constant(forever)), fc.constantFrom('a', 'b', 'c')), {
    maxLength: 8,
  })
  .map((drawn) =>
    drawn
      .filter(([from, until]) => from < until)
      .map(([from, until, says], index) => say(index + 1, from, until, says)),
  );
const moments = Array.from({ length: 14 }, (_, at) => at);

describe('what is in force', () => {
  test('starts with its first millisecond and ends before its last', () => {
    const list = [say(1, 10, 20)];
    expect([9, 10, 19, 20].map((at) => inForce(list, at)?.revision)).toStrictEqual([
      undefined,
      1,
      1,
      undefined,
    ]);
  });

  test('is what starts last, whatever was recorded last', () => {
    const list = listOf([say(1, 10), say(2, 5)]);
    expect([4, 5, 9, 10].map((at) => inForce(list, at)?.revision)).toStrictEqual([undefined, 2, 2, 1]);
  });

  test('is the higher revision of two that start together', () => {
    expect(inForce(listOf([say(2, 10), say(1, 10)]), 10)?.revision).toBe(2);
  });

  test('gives way at its end to what was before', () => {
    const list = listOf([say(1, 0), say(2, 10, 20), say(3, 12, 15)]);
    expect([9, 10, 12, 15, 20].map((at) => inForce(list, at)?.revision)).toStrictEqual([1, 2, 3, 2, 1]);
  });

  test('is the naive reading, in whatever order they came', () => {
    fc.assert(
      fc.property(
        someSaid.chain((said) =>
          fc.tuple(fc.constant(said), fc.shuffledSubarray(said, { minLength: said.length })),
        ),
        ([said, shuffled]) => {
          const list = listOf(shuffled);
          for (const at of moments) expect(inForce(list, at)).toStrictEqual(naive(said, at));
        },
      ),
    );
  });
});

describe('a list', () => {
  test('is sorted by start, then revision, and the one before is left alone', () => {
    const before = listOf([say(1, 10), say(2, 5)]);
    const after = withAssertion(before, say(3, 5));
    expect(after.map(({ revision }) => revision)).toStrictEqual([2, 3, 1]);
    expect(before.map(({ revision }) => revision)).toStrictEqual([2, 1]);
  });
});

describe('the next boundary', () => {
  test.each([
    [0, 10],
    [10, 15],
    [15, 20],
    [19, 20],
    [20, forever],
    [forever, forever],
  ])('after %i is %i', (at, boundary) => {
    expect(nextBoundary([say(1, 10, 20), say(2, 15)], at)).toBe(boundary);
  });

  test('nothing changes between two of them', () => {
    fc.assert(
      fc.property(someSaid, moment, (said, at) => {
        const list = listOf(said);
        const boundary = nextBoundary(list, at);
        for (const later of moments) {
          if (at < later && later < boundary) expect(inForce(list, later)).toStrictEqual(inForce(list, at));
        }
      }),
    );
  });
});

describe('without the past', () => {
  test('is what may still hold', () => {
    const list = listOf([say(1, 0), say(2, 5, 10), say(3, 6), say(4, 8, 30), say(5, 40), say(6, 7, 8)]);
    expect(withoutPast(list, 20).map(({ revision }) => revision)).toStrictEqual([3, 4, 5]);
  });

  test('holds nothing that has ended', () => {
    expect(withoutPast([say(1, 5, 10)], 10)).toStrictEqual([]);
    expect(withoutPast([say(1, 5, 10)], 9)).toStrictEqual([say(1, 5, 10)]);
    expect(withoutPast([say(1, 5, 10), say(2, 7, 9), say(3, 30)], 20)).toStrictEqual([say(3, 30)]);
  });

  test('keeps what starts with something scheduled, which may be taken back', () => {
    const list = listOf([say(1, 30), say(2, 30), say(3, 30, 31)]);
    expect(withoutPast(list, 20)).toStrictEqual(list);
  });

  test('never changes what holds now or later, nor after something scheduled is taken back', () => {
    fc.assert(
      fc.property(someSaid, moment, fc.nat(), (said, now, pick) => {
        const list = listOf(said);
        const kept = withoutPast(list, now);
        expect(kept.every((one) => list.includes(one))).toBe(true);
        for (const at of moments) if (at >= now) expect(inForce(kept, at)).toStrictEqual(naive(said, at));
        const scheduled = said.filter(({ from }) => from > now);
        const taken = scheduled[pick % Math.max(1, scheduled.length)];
        const rest = (one: Said) => one !== taken;
        for (const at of moments) {
          if (at >= now) expect(inForce(kept.filter(rest), at)).toStrictEqual(naive(said.filter(rest), at));
        }
      }),
    );
  });

  test('stays small however often a scope is changed', () => {
    let list: readonly Said[] = [];
    for (let at = 1; at <= 1_000; at++) list = withoutPast(withAssertion(list, say(at, at)), at);
    expect(list).toStrictEqual([say(1_000, 1_000)]);
  });
});

describe('what holds already', () => {
  const saysA = ({ says }: Said) => says === 'a';

  test('covers the whole interval', () => {
    const list = [say(1, 0, 10, 'a')];
    expect(alreadyHolds(list, { from: 2, until: 10 }, saysA)).toBe(true);
    expect(alreadyHolds(list, { from: 2, until: 11 }, saysA)).toBe(false);
    expect(alreadyHolds(list, { from: 10, until: 11 }, saysA)).toBe(false);
  });

  test('may be said by several in turn', () => {
    const list = listOf([say(1, 0, forever, 'a'), say(2, 1, 10, 'b'), say(3, 2, 10, 'a')]);
    expect(alreadyHolds(list, { from: 3, until: forever }, saysA)).toBe(true);
    expect(alreadyHolds(list, { from: 1, until: forever }, saysA)).toBe(false);
  });

  test('is not touched by what starts later', () => {
    const list = listOf([say(1, 0, forever, 'a'), say(2, 5, forever, 'b')]);
    expect(alreadyHolds(list, { from: 3, until: forever }, saysA)).toBe(true);
    expect(alreadyHolds(list, { from: 5, until: forever }, saysA)).toBe(false);
  });

  test('may be that nothing holds', () => {
    expect(alreadyHolds([], { from: 0, until: 9 }, saysA)).toBe(false);
    expect(alreadyHolds([], { from: 0, until: 9 }, saysA, true)).toBe(true);
    expect(alreadyHolds([say(1, 0, 5, 'a')], { from: 0, until: 9 }, saysA, true)).toBe(true);
  });

  test('then saying it changes nothing, and otherwise it does as far as nothing starts later', () => {
    fc.assert(
      fc.property(
        someSaid,
        moment,
        fc.oneof(moment, fc.constant(forever)),
        fc.boolean(),
        (said, from, until, silence) => {
          fc.pre(from < until);
          const wish = say(99, from, until, 'a');
          const saysAt = (list: readonly Said[], at: number) =>
            naive(list, at)?.says ?? (silence ? 'a' : undefined);
          const holds = alreadyHolds(listOf(said), wish, saysA, silence);
          if (holds) {
            for (const at of moments) expect(saysAt([...said, wish], at)).toBe(saysAt(said, at));
          } else {
            const earlier = said.filter((one) => one.from <= from);
            expect(moments.some((at) => saysAt([...earlier, wish], at) !== saysAt(earlier, at))).toBe(true);
          }
        },
      ),
    );
  });
});
