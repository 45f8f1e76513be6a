/** What one record costs: worked out by hand, part by part. */
import { describe, expect, test } from 'vitest';
import type { Pricing } from '../../../src/domain/pricing.ts';
import { createPricer, dollarsOf } from '../../../src/domain/usage/token-price.ts';
import { noTokens, type TokenCounts, tokenNames } from '../../../src/domain/usage/usage.ts';

/** In dollars; undefined when it is not known. */
function cost(pricing: Pricing | undefined, tokens: Partial<TokenCounts>): string | undefined {
  const units = createPricer()({ ...noTokens, ...tokens }, pricing);
  return units === undefined ? undefined : dollarsOf(units);
}

describe('each count has its part', () => {
  const each: Pricing = {
    input: '1',
    output: '10',
    cacheRead: '0.1',
    cacheWrite: '1.25',
    reasoning: '20',
    inputAudio: '40',
    outputAudio: '80',
  };
  test.each([
    [{ inputTokens: 1_000_000 }, '1'],
    [{ outputTokens: 1_000_000 }, '10'],
    [{ cacheReadTokens: 1_000_000 }, '0.1'],
    [{ cacheWriteTokens: 1_000_000 }, '1.25'],
    [{ reasoningTokens: 1_000_000 }, '20'],
    [{ inputAudioTokens: 1_000_000 }, '40'],
    [{ outputAudioTokens: 1_000_000 }, '80'],
    [{}, '0'],
    // 1.5 + 0.02 + 0.0003
    [{ inputTokens: 1_500_000, outputTokens: 2_000, cacheReadTokens: 3_000 }, '1.5203'],
  ])('%j cost %s', (tokens, expected) => {
    expect(cost(each, tokens)).toBe(expected);
  });

  test.each([
    ['cacheReadTokens', '3'],
    ['cacheWriteTokens', '3'],
    ['inputAudioTokens', '3'],
    ['reasoningTokens', '15'],
    ['outputAudioTokens', '15'],
  ])('%s without a price of their own cost as input or output: %s', (name, expected) => {
    expect(cost({ input: '3', output: '15' }, { [name]: 1_000_000 })).toBe(expected);
  });
});

describe('what is not known is not guessed', () => {
  test.each([
    [undefined, { inputTokens: 1 }],
    [{}, { outputTokens: 1 }],
    [{ input: '1' }, { inputTokens: 5, outputTokens: 1 }],
    [{ output: '1' }, { cacheReadTokens: 1 }],
    [{ cacheRead: '1', reasoning: '1' }, { inputTokens: 1 }],
  ])('%j does not say what %j cost', (pricing, tokens) => {
    expect(cost(pricing, tokens)).toBeUndefined();
  });

  test('but what has no tokens needs no price, and 0 is a price', () => {
    expect(cost({ input: '2' }, { inputTokens: 500_000 })).toBe('1');
    expect(cost(undefined, {})).toBe('0');
    expect(cost({ input: '0' }, { inputTokens: 7 })).toBe('0');
  });
});

describe('tiers', () => {
  const tiered: Pricing = {
    input: '1.25',
    output: '10',
    cacheRead: '0.125',
    tiers: [
      { overTokens: 200_000, input: '2.5', output: '15' },
      { overTokens: 1_000_000, input: '5' },
    ],
  };
  test.each([
    // The input side is not more than the tier: 0.2 × 1.25
    [{ inputTokens: 200_000 }, '0.25'],
    // 0.200001 × 2.5
    [{ inputTokens: 200_001 }, '0.5000025'],
    // All of the input side counts: 0.1 × 2.5 + 0.1 × 0.125 + 0.000001 × 2.5 (cache writes cost as input)
    [{ inputTokens: 100_000, cacheReadTokens: 100_000, cacheWriteTokens: 1 }, '0.2625025'],
    [{ inputTokens: 100_000, inputAudioTokens: 100_001 }, '0.5000025'],
    // The output side does not count: 0.1 × 1.25 + 0.9 × 10
    [{ inputTokens: 100_000, outputTokens: 900_000 }, '9.125'],
    // The higher tier does not name the output, so it is the base's and not the lower tier's: 2 × 5 + 0.1 × 10
    [{ inputTokens: 2_000_000, outputTokens: 100_000 }, '11'],
  ])('%j cost %s', (tokens, expected) => {
    expect(cost(tiered, tokens)).toBe(expected);
  });

  test('a part that only a tier knows is unknown below it', () => {
    const pricing: Pricing = { output: '1', tiers: [{ overTokens: 10, input: '3' }] };
    expect(cost(pricing, { inputTokens: 10 })).toBeUndefined();
    expect(cost(pricing, { inputTokens: 11 })).toBe('0.000033');
  });
});

test('eighteen decimals and the largest numbers stay exact', () => {
  expect(cost({ input: '0.000000000000000001' }, { inputTokens: 1 })).toBe('0.000000000000000000000001');
  // Six digits of the tokens times eighteen decimals: worked out as integers.
  expect(cost({ input: '0.123456789012345678' }, { inputTokens: 999_999_999 })).toBe(
    (123_456_789_012_345_678n * 999_999_999n).toString().replace(/^(\d+)(\d{24})$/, '$1.$2'),
  );
  // 999999999999 dollars a million, a thousand million tokens, in all seven counts.
  const all = Object.fromEntries(tokenNames.map((name) => [name, 1_000_000_000]));
  expect(cost({ input: '999999999999', output: '999999999999' }, all)).toBe('6999999999993000');
});

test('dollars have no exponent, no needless zeros, and a sign when they are negative', () => {
  expect([0n, 1n, -1n, 10n ** 24n, 15n * 10n ** 23n, -25n * 10n ** 47n].map(dollarsOf)).toEqual([
    '0',
    '0.000000000000000000000001',
    '-0.000000000000000000000001',
    '1',
    '1.5',
    `-25${'0'.repeat(23)}`,
  ]);
});
