import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  applyPricing,
  equalPricing,
  type Pricing,
  type PricingPatch,
  pricingPatchSchema,
} from '../../src/domain/pricing.ts';

const amount = fc.constantFrom('0', '0.1', '2', '15');
const amounts = {
  input: amount,
  output: amount,
  cacheRead: amount,
  cacheWrite: amount,
  reasoning: amount,
  inputAudio: amount,
  outputAudio: amount,
};
const tiers = fc
  .uniqueArray(
    fc.record(
      { overTokens: fc.integer({ min: 1, max: 9 }), input: amount, output: amount },
      { noNullPrototype: true },
    ),
    {
      minLength: 1,
      maxLength: 3,
      selector: (tier) => tier.overTokens,
    },
  )
  .map((some) => some.toSorted((one, other) => one.overTokens - other.overTokens));
const pricings: fc.Arbitrary<Pricing> = fc.record(
  { ...amounts, tiers },
  { requiredKeys: [], noNullPrototype: true },
);
const orNull = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: null });
const patches: fc.Arbitrary<PricingPatch> = fc.record(
  {
    input: orNull(amount),
    output: orNull(amount),
    cacheRead: orNull(amount),
    cacheWrite: orNull(amount),
    reasoning: orNull(amount),
    inputAudio: orNull(amount),
    outputAudio: orNull(amount),
    tiers: orNull(tiers),
  },
  { requiredKeys: [], noNullPrototype: true },
);

describe('applyPricing', () => {
  test('named parts replace, null removes, others stay', () => {
    expect(
      applyPricing(
        { input: '0.27', output: '1.1', cacheRead: '0.07', tiers: [{ overTokens: 5, input: '1' }] },
        { output: '1.68', cacheRead: null, reasoning: '2', cacheWrite: null },
      ),
    ).toStrictEqual({
      input: '0.27',
      output: '1.68',
      reasoning: '2',
      tiers: [{ overTokens: 5, input: '1' }],
    });
  });

  test('tiers are replaced and removed as a whole', () => {
    const base: Pricing = {
      input: '1',
      tiers: [
        { overTokens: 5, input: '2' },
        { overTokens: 9, input: '3' },
      ],
    };
    expect(applyPricing(base, { tiers: [{ overTokens: 9, output: '4' }] })).toStrictEqual({
      input: '1',
      tiers: [{ overTokens: 9, output: '4' }],
    });
    expect(applyPricing(base, { tiers: null })).toStrictEqual({ input: '1' });
  });

  test('every part of the result is the patch\u2019s or the base\u2019s, in a form that the schema takes unchanged', () => {
    fc.assert(
      fc.property(pricings, patches, (base, patch) => {
        const result = applyPricing(base, patch);
        const expected = Object.entries({ ...base, ...patch }).filter(([, part]) => part !== null);
        expect(result).toStrictEqual(Object.fromEntries(expected));
        expect(pricingPatchSchema.parse(result)).toStrictEqual(result);
        expect(equalPricing(applyPricing(result, patch), result)).toBe(true);
      }),
    );
  });

  test('nothing named changes nothing', () => {
    fc.assert(
      fc.property(pricings, (base) => {
        expect(applyPricing(base, {})).toStrictEqual(base);
      }),
    );
  });
});

describe('equalPricing', () => {
  test('is true for the same parts in any order, and false as soon as one differs', () => {
    fc.assert(
      fc.property(pricings, patches, (base, patch) => {
        const other = applyPricing(base, patch);
        const sorted = (pricing: Pricing) =>
          JSON.stringify(Object.entries(pricing).sort(([one], [two]) => (one < two ? -1 : 1)));
        expect(equalPricing(base, { ...base })).toBe(true);
        expect(equalPricing(base, other)).toBe(sorted(base) === sorted(other));
        expect(equalPricing(other, base)).toBe(equalPricing(base, other));
      }),
    );
  });

  test.each<[Pricing, Pricing]>([
    [{}, { input: '0' }],
    [{ input: '1' }, { output: '1' }],
    [{}, { tiers: [{ overTokens: 5, input: '1' }] }],
    [{ tiers: [{ overTokens: 5, input: '1' }] }, { tiers: [{ overTokens: 6, input: '1' }] }],
    [{ tiers: [{ overTokens: 5, input: '1' }] }, { tiers: [{ overTokens: 5, input: '2' }] }],
    [
      { tiers: [{ overTokens: 5, input: '1' }] },
      {
        tiers: [
          { overTokens: 5, input: '1' },
          { overTokens: 6, input: '1' },
        ],
      },
    ],
  ])('%j is not %j', (one, other) => {
    expect(equalPricing(one, other)).toBe(false);
    expect(equalPricing(other, one)).toBe(false);
  });
});
