import { Big } from 'big.js';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type CostPair, createCostScale, type Use } from '../../../src/domain/compare/compare-cost.ts';
import type { Pricing } from '../../../src/domain/pricing.ts';
import type { UsageRecord } from '../../../src/domain/usage/usage.ts';

const prices: readonly (Pricing | undefined)[] = [
  undefined,
  { input: '0' },
  { input: '3', output: '15.25' },
  { input: '0.000000000000000001', output: '999999999999.999999999999999999' },
  { input: '1', output: '2', tiers: [{ overTokens: 100, input: '5' }] },
];

const tokens = fc.oneof(fc.nat(1_000), fc.nat(1_000_000_000));
const use: fc.Arbitrary<Use> = fc.record({
  model: fc.constantFrom(null, 'a/one', 'b/two'),
  pricing: fc.constantFrom(...prices),
});
const name = fc.constantFrom('x', 'y', 'z');
const record = fc
  .record(
    { inputTokens: tokens, outputTokens: tokens, model: fc.constant('a/one'), tenant: name, key: name },
    { requiredKeys: ['inputTokens', 'outputTokens'] },
  )
  .map((fields): UsageRecord => ({ ...noTokens, ...fields, id: 'a record', at: 0 }));
const rows = fc.array(fc.tuple(record, use, use), { maxLength: 30 });

const noTokens = {
  cacheReadTokens: 0,
  cacheWriteTokens: 0,
  reasoningTokens: 0,
  inputAudioTokens: 0,
  outputAudioTokens: 0,
};

function weigh(all: readonly (readonly [UsageRecord, Use, Use])[], limit = 1_000) {
  const scale = createCostScale();
  for (const [one, left, right] of all) scale.add(one, left, right);
  return scale.answer(limit);
}

const lists = ['byModel', 'byTenant', 'byKey'] as const;

test('every list adds up to the whole, to the last digit, however it is cut', () => {
  fc.assert(
    fc.property(rows, fc.integer({ min: 1, max: 4 }), (all, limit) => {
      const cost = weigh(all, limit);
      for (const list of lists) {
        expect(cost[list].length).toBeLessThanOrEqual(limit + 1);
        for (const side of ['left', 'right', 'difference'] as const) {
          const sum = cost[list].reduce((total, item) => total.plus(item[side]), new Big(0));
          expect(sum.toFixed()).toBe(cost[side]);
        }
      }
    }),
  );
});

test('swapped sides turn every sign and keep the order', () => {
  const turned = <P extends CostPair>({ left, right, difference, ...same }: P) => ({
    ...same,
    left: right,
    right: left,
    difference: new Big(0).minus(difference).toFixed(),
  });
  fc.assert(
    fc.property(rows, (all) => {
      const there = weigh(all);
      const back = weigh(all.map(([one, left, right]) => [one, right, left] as const));
      expect(back).toMatchObject(
        turned({ left: there.left, right: there.right, difference: there.difference }),
      );
      for (const list of lists) expect(back[list]).toEqual(there[list].map(turned));
      expect(back.modelDiffers).toBe(there.modelDiffers);
      expect(back.unpriced).toEqual({ left: there.unpriced.right, right: there.unpriced.left });
    }),
  );
});

test('the same use on both sides differs by nothing', () => {
  fc.assert(
    fc.property(rows, (all) => {
      const cost = weigh(all.map(([one, left]) => [one, left, left] as const));
      expect(cost).toMatchObject({ difference: '0', modelDiffers: 0 });
      expect(cost.left).toBe(cost.right);
    }),
  );
});

test('models that differ and prices that are not known are counted', () => {
  const one: UsageRecord = { ...noTokens, id: '1', at: 0, model: 'a/one', inputTokens: 2, outputTokens: 0 };
  const { model: _model, ...nameless } = one;
  const a = { model: 'a/one', pricing: { input: '1' } };
  const b = { model: 'b/two', pricing: undefined };
  const cost = weigh([
    [one, a, b],
    [one, b, b],
    [nameless, a, b],
  ]);
  expect(cost).toMatchObject({
    records: 3,
    left: '0.000004',
    right: '0',
    difference: '-0.000004',
    modelDiffers: 2,
    modelNotRecorded: { left: 1, right: 2 },
    unpriced: { left: 1, right: 3 },
  });
});

test('more names than are told apart are summed in the rest', () => {
  const scale = createCostScale();
  const count = 20_010;
  const paid = { model: 'a/one', pricing: { input: '1000000' } };
  for (let index = 0; index < count; index++) {
    const tenant = `tenant-${index}`;
    scale.add({ ...noTokens, id: tenant, at: 0, tenant, inputTokens: 1, outputTokens: 0 }, paid, paid);
  }
  const { byTenant, left } = scale.answer(10);
  expect(left).toBe(String(count));
  expect(byTenant).toHaveLength(11);
  expect(byTenant.at(-1)).toEqual({
    name: null,
    isRest: true,
    left: '20000',
    right: '20000',
    difference: '0',
  });
});
