import fc from 'fast-check';
import { expect, test } from 'vitest';
import { valueDifferences } from '../../../src/domain/compare/compare-values.ts';
import { resolve } from '../../../src/domain/resolve.ts';
import {
  anyChange,
  contexts,
  historyOf,
  modelKey,
  moments,
  play,
  stringKey,
} from '../../support/random-histories.ts';

const keys = [stringKey, modelKey];
const last = moments.at(-1) ?? 0;

test('a state differs from itself in nothing, and two differ the other way round when they are swapped', () => {
  let differing = 0;
  fc.assert(
    fc.property(historyOf(anyChange, 2), historyOf(anyChange, 2), (one, other) => {
      const left = { state: play(one).state, at: last };
      const right = { state: play(other).state, at: last };
      expect(valueDifferences(left, left, keys, contexts)).toEqual([]);
      const there = valueDifferences(left, right, keys, contexts);
      const back = valueDifferences(right, left, keys, contexts);
      expect(back).toEqual(there.map((item) => ({ ...item, left: item.right, right: item.left })));
      differing += there.length;
      for (const context of contexts) {
        for (const key of keys) {
          const values = [left, right].map(({ state }) =>
            JSON.stringify(resolve(state, key, context, last)?.value),
          );
          const isTold = there.some((item) => item.key === key && item.context === context);
          expect(isTold).toBe(values[0] !== values[1]);
        }
      }
    }),
  );
  expect(differing).toBeGreaterThan(0);
});

test('another event or scope that says the same is no difference; a key that is not defined is one', () => {
  const set = (scope: 'global' | 'user:u') =>
    play([{ hours: 1, changes: [{ type: 'setOverride', key: stringKey, scope, value: 'a' }] }]).state;
  const left = { state: set('global'), at: last };
  const right = { state: set('user:u'), at: last };
  expect(valueDifferences(left, right, keys, [{ user: 'u' }])).toEqual([]);
  const retired = play([{ hours: 1, changes: [{ type: 'retireKey', key: stringKey }] }]).state;
  const [difference] = valueDifferences(left, { state: retired, at: last }, keys, [{}]);
  expect(difference).toMatchObject({ key: stringKey, left: { value: 'a' }, right: undefined });
});
