/** Restatements: worked out by hand, and their laws. */
import { Big } from 'big.js';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { forever } from '../../../src/domain/assertion.ts';
import type { Pricing } from '../../../src/domain/pricing.ts';
import {
  correctedSpans,
  createRestatement,
  withoutCorrections,
} from '../../../src/domain/usage/restatement.ts';
import type { TokenCounts } from '../../../src/domain/usage/usage.ts';
import type { PriceCorrection } from '../../../src/domain/usage/usage-questions.ts';

function tokens(inputTokens: number, outputTokens = 0): TokenCounts {
  return {
    inputTokens,
    outputTokens,
    cacheReadTokens: 0,
    cacheWriteTokens: 0,
    reasoningTokens: 0,
    inputAudioTokens: 0,
    outputAudioTokens: 0,
  };
}

const nothing = {
  records: 0,
  oldCost: '0',
  newCost: '0',
  difference: '0',
  newlyPriced: 0,
  noLongerPriced: 0,
};

describe('what is counted', () => {
  test('old, new and difference, by model and tenant, the largest difference first', () => {
    const restatement = createRestatement();
    // 2 × 3 → 2 × 2.5, and 1 × 3 → 1 × 2.5
    restatement.add(tokens(2_000_000), { model: 'm/a', tenant: 'acme' }, { input: '3' }, { input: '2.5' });
    restatement.add(tokens(1_000_000), { model: 'm/a', tenant: null }, { input: '3' }, { input: '2.5' });
    // 0.1 × 1 → 0.1 × 41
    restatement.add(tokens(100_000), { model: 'm/b', tenant: 'acme' }, { input: '1' }, { input: '41' });
    const acmeB = {
      model: 'm/b',
      tenant: 'acme',
      records: 1,
      oldCost: '0.1',
      newCost: '4.1',
      difference: '4',
    };
    const acmeA = { model: 'm/a', tenant: 'acme', records: 1, oldCost: '6', newCost: '5', difference: '-1' };
    const other = {
      model: 'm/a',
      tenant: null,
      records: 1,
      oldCost: '3',
      newCost: '2.5',
      difference: '-0.5',
    };
    const priced = { newlyPriced: 0, noLongerPriced: 0 };
    expect(restatement.items(10)).toEqual([acmeB, acmeA, other].map((item) => ({ ...item, ...priced })));
    expect(restatement.total()).toEqual({
      records: 3,
      oldCost: '9.1',
      newCost: '11.6',
      difference: '2.5',
      ...priced,
    });
    expect(restatement.items(1).at(-1)).toEqual({
      model: null,
      tenant: null,
      isRest: true,
      records: 2,
      oldCost: '9',
      newCost: '7.5',
      difference: '-1.5',
      ...priced,
    });
  });

  test.each([
    ['the same price', { input: '3' }, { input: '3' }],
    ['no price before and after', undefined, undefined],
    ['a part that the record does not use', { input: '3', output: '1' }, { input: '3', output: '2' }],
    ['a price without the part, before and after', { output: '1' }, { output: '2' }],
  ])('nothing for %s', (_what, old, now) => {
    const restatement = createRestatement();
    restatement.add(tokens(1_000), { model: 'm/a', tenant: 'acme' }, old, now);
    expect(restatement.total()).toEqual(nothing);
    expect(restatement.items(10)).toEqual([]);
  });

  test('what had no price counts with 0 and is told, in both directions', () => {
    const restatement = createRestatement();
    const names = { model: 'm/a', tenant: 'acme' };
    restatement.add(tokens(1_000_000, 1), names, { input: '3' }, { input: '3', output: '1000000' });
    restatement.add(tokens(1_000_000), names, { input: '3' }, {});
    restatement.add(tokens(1_000_000), names, undefined, { input: '0' });
    expect(restatement.total()).toEqual({
      records: 3,
      oldCost: '3',
      newCost: '4',
      difference: '1',
      newlyPriced: 2,
      noLongerPriced: 1,
    });
  });
});

test('only corrections after the revision are taken away', () => {
  const price = { from: 0, until: forever, pricing: {} };
  const prices = (['added', 'corrected', 'changed', 'corrected'] as const).map((kind, index) => ({
    ...price,
    kind,
    revision: index + 1,
  }));
  const left = (since: number) => withoutCorrections(prices, since).map(({ revision }) => revision);
  expect([0, 1, 2, 3, 4].map(left)).toEqual([
    [1, 3],
    [1, 3],
    [1, 2, 3],
    [1, 2, 3],
    [1, 2, 3, 4],
  ]);
});

const correction = fc
  .record({ model: fc.constantFrom('a', 'b'), from: fc.nat(20), lasts: fc.integer({ min: 1, max: 8 }) })
  .map(({ model, from, lasts }): PriceCorrection => ({ revision: 1, model, from, until: from + lasts }));

test('spans hold just the corrected moments of the window, each once', () => {
  fc.assert(
    fc.property(
      fc.array(correction),
      fc.nat(15),
      fc.integer({ min: 1, max: 15 }),
      (corrections, from, lasts) => {
        const window = { from, to: from + lasts };
        const spans = correctedSpans(corrections, window);
        for (const model of ['a', 'b']) {
          const ofModel = spans.get(model) ?? [];
          for (let at = 0; at < 40; at++) {
            const isCorrected =
              at >= window.from &&
              at < window.to &&
              corrections.some((one) => one.model === model && one.from <= at && at < one.until);
            const holding = ofModel.filter((span) => span.from <= at && at < span.to);
            expect([model, at, holding.length]).toEqual([model, at, isCorrected ? 1 : 0]);
          }
          for (const [index, span] of ofModel.entries()) {
            expect(span.from).toBeGreaterThan(ofModel[index - 1]?.to ?? -1);
          }
        }
      },
    ),
  );
});

test('items, cut or not, add up to the total, and the difference is new minus old', () => {
  const amount = fc.constantFrom('0', '1', '0.000000000000000007', '123456789012.5');
  const pricing: fc.Arbitrary<Pricing | undefined> = fc.oneof(
    fc.constant(undefined),
    fc.constant({}),
    amount.map((input) => ({ input })),
    fc.tuple(amount, amount).map(([input, output]) => ({ input, output })),
  );
  const entry = fc.tuple(
    fc.tuple(fc.nat(1_000_000), fc.nat(10)).map(([input, output]) => tokens(input, output)),
    fc.record({ model: fc.constantFrom('m/a', 'm/b'), tenant: fc.constantFrom('x', 'y', null) }),
    pricing,
    pricing,
  );
  fc.assert(
    fc.property(fc.array(entry, { maxLength: 30 }), fc.integer({ min: 1, max: 6 }), (entries, limit) => {
      const restatement = createRestatement();
      for (const each of entries) restatement.add(...each);
      const total = restatement.total();
      const items = restatement.items(limit);
      for (const name of ['oldCost', 'newCost', 'difference'] as const) {
        expect(items.reduce((sum, item) => sum.plus(item[name]), new Big(0)).toFixed()).toBe(total[name]);
      }
      expect(items.reduce((sum, { records }) => sum + records, 0)).toBe(total.records);
      expect(new Big(total.newCost).minus(total.oldCost).toFixed()).toBe(total.difference);
    }),
  );
});
