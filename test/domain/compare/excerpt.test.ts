import fc from 'fast-check';
import { expect, test } from 'vitest';
import { excerptOf } from '../../../src/domain/compare/excerpt.ts';
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

const keys = [stringKey, modelKey, 'no.such_key'];

test('an excerpt resolves as the whole state, at every moment from its head on', () => {
  fc.assert(
    fc.property(historyOf(anyChange, 3), fc.subarray([...contexts], { minLength: 1 }), (history, some) => {
      const { state, now } = play(history);
      const excerpt = excerptOf(state, new Map(keys.map((key) => [key, some])));
      for (const at of moments.filter((moment) => moment >= now)) {
        for (const key of keys) {
          for (const context of some) {
            expect(resolve(excerpt, key, context, at)).toEqual(resolve(state, key, context, at));
          }
        }
      }
    }),
  );
});

test('it holds nothing that was not asked', () => {
  const { state } = play([
    {
      hours: 1,
      changes: [
        { type: 'setOverride', key: stringKey, scope: 'tenant:t', value: 'a' },
        { type: 'setOverride', key: stringKey, scope: 'user:u', value: 'b' },
      ],
    },
  ]);
  const excerpt = excerptOf(state, new Map([[stringKey, [{ tenant: 't' }]]]));
  expect([...excerpt.slots.keys()]).toEqual([stringKey]);
  const { global, tier, tenant, user } = excerpt.slots.get(stringKey) ?? {};
  expect(global).toBeUndefined();
  expect([tier?.size, tenant?.size, user?.size]).toEqual([0, 1, 0]);
  expect(excerpt.namedModels()).toEqual(new Set());
});

test('it stays when the state goes on', () => {
  const { state, now } = play([]);
  const excerpt = excerptOf(state, new Map([[stringKey, [{}]]]));
  const before = resolve(excerpt, stringKey, {}, now);
  state.put(`override:${stringKey}@global`, {
    version: 1,
    assertions: [{ revision: 99, from: 0, until: now + 1, kind: 'value', value: 'other' }],
  });
  expect(resolve(state, stringKey, {}, now)).not.toEqual(before);
  expect(resolve(excerpt, stringKey, {}, now)).toEqual(before);
});
