/** Sums of cost: they reconcile to the last digit, in any order, and tell what has no price. */
import { Big } from 'big.js';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Pricing } from '../../../src/domain/pricing.ts';
import { type CostOfName, type CostSheet, createCostSheet } from '../../../src/domain/usage/cost.ts';
import { noTokens, type TokenCounts } from '../../../src/domain/usage/usage.ts';

const counts = fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 300_000 }), fc.constant(1_000_000_000));
const tokens: fc.Arbitrary<TokenCounts> = fc.record({
  inputTokens: counts,
  outputTokens: counts,
  cacheReadTokens: counts,
  cacheWriteTokens: counts,
  reasoningTokens: counts,
  inputAudioTokens: counts,
  outputAudioTokens: counts,
});

const amount = fc.constantFrom('0', '3', '0.27', '0.000000000000000001', '999999999999.999999999999999999');
const part = fc.option(amount, { nil: undefined });
const pricing: fc.Arbitrary<Pricing | undefined> = fc.option(
  fc.record({ input: part, output: part, cacheRead: part, tier: part }).map(({ tier, ...amounts }) =>
    defined({
      ...amounts,
      ...(tier === undefined ? {} : { tiers: [{ overTokens: 200_000, input: tier }] }),
    }),
  ),
  { nil: undefined },
);

const name = fc.constantFrom('a', 'b', 'c', null);
const entry = fc.record({ tokens, pricing, names: fc.record({ model: name, tenant: name, key: name }) });
type Entry = typeof entry extends fc.Arbitrary<infer T> ? T : never;

function defined(amounts: Record<string, unknown>): Pricing {
  return Object.fromEntries(Object.entries(amounts).filter(([, value]) => value !== undefined));
}

function sheetOf(entries: readonly Entry[]): CostSheet {
  const sheet = createCostSheet();
  for (const { tokens: some, names, pricing: price } of entries) sheet.add(some, names, price);
  return sheet;
}

function sumOf(list: readonly CostOfName[]) {
  return {
    records: list.reduce((sum, { records }) => sum + records, 0),
    unpriced: list.reduce((sum, { unpriced }) => sum + unpriced, 0),
    cost: list.reduce((sum, { cost }) => sum.plus(cost), new Big(0)).toFixed(),
  };
}

function answersOf(sheet: CostSheet) {
  return [sheet.total(), sheet.byModel(10), sheet.byTenant(10), sheet.byKey(10)];
}

describe('laws', () => {
  test('every list, cut or not, adds up to the total', () => {
    fc.assert(
      fc.property(fc.array(entry, { maxLength: 40 }), fc.integer({ min: 1, max: 5 }), (entries, limit) => {
        const sheet = sheetOf(entries);
        const { records, unpriced, cost } = sheet.total();
        expect(records).toBe(entries.length);
        for (const list of [sheet.byModel(limit), sheet.byTenant(limit), sheet.byKey(limit)]) {
          expect(sumOf(list)).toEqual({ records, unpriced, cost });
        }
      }),
    );
  });

  test('the order of adding does not matter', () => {
    fc.assert(
      fc.property(fc.array(entry, { maxLength: 40 }), (entries) => {
        expect(answersOf(sheetOf(entries.toReversed()))).toEqual(answersOf(sheetOf(entries)));
      }),
    );
  });

  test('a sum is the sum of its records', () => {
    fc.assert(
      fc.property(fc.array(entry, { maxLength: 40 }), (entries) => {
        const single = entries.map((one) => sheetOf([one]).total());
        const total = sheetOf(entries).total();
        expect(total.cost).toBe(single.reduce((sum, { cost }) => sum.plus(cost), new Big(0)).toFixed());
        expect(total.unpriced).toBe(single.filter(({ unpriced }) => unpriced === 1).length);
        expect(total.outputTokens).toBe(single.reduce((sum, one) => sum + one.outputTokens, 0));
      }),
    );
  });
});

describe('lists', () => {
  const half: TokenCounts = {
    ...noTokens,
    inputTokens: 500_000,
  };
  const sheet = createCostSheet();
  sheet.add(half, { model: 'm/cheap', tenant: 'acme', key: null }, { input: '1' });
  sheet.add(half, { model: 'm/dear', tenant: 'acme', key: 'a.b' }, { input: '4' });
  sheet.add(half, { model: null, tenant: null, key: 'a.b' }, undefined);
  sheet.add(half, { model: 'm/also_cheap', tenant: 'acme', key: 'a.b' }, { input: '1' });

  test('the dearest come first, then by name, and what has no price is told', () => {
    expect(sheet.byModel(10)).toEqual([
      { name: 'm/dear', records: 1, unpriced: 0, cost: '2' },
      { name: 'm/also_cheap', records: 1, unpriced: 0, cost: '0.5' },
      { name: 'm/cheap', records: 1, unpriced: 0, cost: '0.5' },
      { name: null, records: 1, unpriced: 1, cost: '0' },
    ]);
    expect(sheet.byTenant(10)).toEqual([
      { name: 'acme', records: 3, unpriced: 0, cost: '3' },
      { name: null, records: 1, unpriced: 1, cost: '0' },
    ]);
  });

  test('what is cut is one entry that says so', () => {
    expect(sheet.byModel(1)).toEqual([
      { name: 'm/dear', records: 1, unpriced: 0, cost: '2' },
      { name: null, isRest: true, records: 3, unpriced: 1, cost: '1' },
    ]);
  });

  test('the total has all tokens, also those without a price', () => {
    expect(sheet.total()).toEqual({ ...half, inputTokens: 2_000_000, records: 4, unpriced: 1, cost: '3' });
  });

  test('more names than are told apart are summed, and nothing is lost', () => {
    const many = createCostSheet();
    for (let n = 0; n < 20_050; n++) {
      many.add(half, { model: `m/${n}`, tenant: null, key: null }, { input: '2' });
    }
    const list = many.byModel(30_000);
    expect(list).toHaveLength(20_001);
    expect(list.at(-1)).toEqual({ name: null, isRest: true, records: 50, unpriced: 0, cost: '50' });
    expect(sumOf(list).cost).toBe('20050');
  });
});
