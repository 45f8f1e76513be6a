/** Prices: how amounts are written, what a patch may say, and what a price is after it. */
import { Big } from 'big.js';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { pricingPatchSchema } from '../../src/domain/pricing.ts';

/** Where and in which words a patch is refused. */
function refusals(patch: unknown): { path: string; message: string }[] {
  const parsed = pricingPatchSchema.safeParse(patch);
  return (parsed.error?.issues ?? []).map(({ path, message }) => ({ path: path.join('.'), message }));
}

describe('amounts', () => {
  test.each<[string | number, string]>([
    ['0.27', '0.27'],
    ['0.10', '0.1'],
    ['3.0', '3'],
    ['3.000', '3'],
    ['10', '10'],
    ['100', '100'],
    ['0', '0'],
    ['0.0', '0'],
    ['0.000000000000000001', '0.000000000000000001'],
    ['999999999999.999999999999999999', '999999999999.999999999999999999'],
    [0.1, '0.1'],
    [3, '3'],
    [1.1, '1.1'],
    [0, '0'],
    [-0, '0'],
    [1e-7, '0.0000001'],
    [1.5e-9, '0.0000000015'],
    [0.30000000000000004, '0.30000000000000004'],
    [999_999_999_999, '999999999999'],
  ])('%j is %s', (written, amount) => {
    expect(pricingPatchSchema.parse({ input: written })).toStrictEqual({ input: amount });
  });

  test.each<[unknown]>([
    [''],
    [' 1'],
    ['1 '],
    ['+1'],
    ['-1'],
    ['-0'],
    ['.5'],
    ['5.'],
    ['01'],
    ['00'],
    ['1e3'],
    ['1E-3'],
    ['1,5'],
    ['1_000'],
    ['0x10'],
    ['NaN'],
    ['Infinity'],
    ['$1'],
    ['١'],
    ['1.2.3'],
    ['1\n'],
    ['1000000000000'],
    ['0.0000000000000000001'],
    [-1],
    [-1e-9],
    [1e12],
    [1e21],
    [1e-19],
    [5e-324],
    [Number.NaN],
    [Number.POSITIVE_INFINITY],
    [true],
    [[]],
    [{}],
    ['9'.repeat(100_000)],
  ])('%j is refused', (written) => {
    const refused = refusals({ output: written });
    expect(refused).toHaveLength(1);
    expect(refused[0]?.path).toBe('output');
    expect(refused[0]?.message).toMatch(/^a price is /);
  });

  test('keep their value and are written in one way only', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^(0|[1-9]\d{0,11})(\.\d{1,18})?$/), fc.nat(5), (written, zeros) => {
        const padded = written.includes('.')
          ? written.padEnd(written.indexOf('.') + 19, '0').slice(0, written.length + zeros)
          : written;
        const { input } = pricingPatchSchema.parse({ input: padded });
        expect(new Big(input ?? 'none').eq(new Big(written))).toBe(true);
        expect(pricingPatchSchema.parse({ input: written })).toStrictEqual({ input });
        expect(pricingPatchSchema.parse({ input })).toStrictEqual({ input });
      }),
    );
  });

  test('a number means its shortest literal', () => {
    fc.assert(
      fc.property(fc.double({ min: 1e-9, max: 1e11, noNaN: true }), (number) => {
        const parsed = pricingPatchSchema.safeParse({ input: number });
        const expanded = new Big(String(number)).toFixed();
        if ((expanded.split('.')[1] ?? '').length > 18) expect(parsed.success).toBe(false);
        else expect(parsed.data).toStrictEqual({ input: expanded });
      }),
    );
  });
});

describe('a patch', () => {
  test('names every part, null removes', () => {
    const patch = {
      input: 1,
      output: '2',
      cacheRead: '0.1',
      cacheWrite: null,
      reasoning: '3',
      inputAudio: '4',
      outputAudio: '5',
      tiers: [{ overTokens: 200_000, input: 2 }],
    };
    expect(pricingPatchSchema.parse(patch)).toStrictEqual({
      ...patch,
      input: '1',
      tiers: [{ overTokens: 200_000, input: '2' }],
    });
    expect(pricingPatchSchema.parse({ tiers: null })).toStrictEqual({ tiers: null });
    expect(pricingPatchSchema.parse({})).toStrictEqual({});
  });

  test('tiers are sorted', () => {
    expect(
      pricingPatchSchema.parse({
        tiers: [
          { overTokens: 256_000, output: '6.0' },
          { overTokens: 32_000, input: 1 },
        ],
      }),
    ).toStrictEqual({
      tiers: [
        { overTokens: 32_000, input: '1' },
        { overTokens: 256_000, output: '6' },
      ],
    });
  });

  const tier = (overTokens: unknown) => ({ overTokens, input: '1' });
  test.each<[string, unknown, string]>([
    ['an unknown part', { inputs: '1' }, ''],
    ['a part in another spelling', { cache_read: '1' }, ''],
    ['undefined', { input: undefined }, 'input'],
    ['no object', '1', ''],
    ['an array', [], ''],
    ['null', null, ''],
    ['no tiers', { tiers: [] }, 'tiers'],
    ['21 tiers', { tiers: Array.from({ length: 21 }, (_, index) => tier(index + 1)) }, 'tiers'],
    ['a number of tokens twice', { tiers: [tier(5), tier(5)] }, 'tiers'],
    ['a tier without a price', { tiers: [tier(5), { overTokens: 6 }] }, 'tiers.1'],
    ['a tier without a number', { tiers: [{ input: '1' }] }, 'tiers.0.overTokens'],
    ['a tier over nothing', { tiers: [tier(0)] }, 'tiers.0.overTokens'],
    ['a tier over half a token', { tiers: [tier(1.5)] }, 'tiers.0.overTokens'],
    ['a tier over a text', { tiers: [tier('5')] }, 'tiers.0.overTokens'],
    ['a tier over more than a double counts', { tiers: [tier(2 ** 53)] }, 'tiers.0.overTokens'],
    ['null inside a tier', { tiers: [{ overTokens: 5, input: null }] }, 'tiers.0.input'],
    ['an unknown part of a tier', { tiers: [{ ...tier(5), tiers: [] }] }, 'tiers.0'],
  ])('%s is refused', (_, patch, path) => {
    expect(refusals(patch).map((refused) => refused.path)).toStrictEqual([path]);
  });

  test('has a JSON Schema', () => {
    expect(z.toJSONSchema(pricingPatchSchema, { io: 'input' })['$defs']).toMatchObject({
      Price: { type: ['string', 'number'] },
      PricingPatch: {
        type: 'object',
        additionalProperties: false,
        properties: { tiers: { anyOf: [{ type: 'array', minItems: 1, maxItems: 20 }, { type: 'null' }] } },
      },
    });
  });
});
