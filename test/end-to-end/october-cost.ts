/**
 * A month of usage at the prices of two days of the real history, the totals worked out by hand.
 */
import { expect } from 'vitest';
import type { TestVarve } from '../support/varve.ts';

const october = { from: '2025-10-01T00:00:00Z', to: '2025-11-01T00:00:00Z' };

const chat = 'deepseek/deepseek-chat';
const reasoner = 'deepseek/deepseek-reasoner';

const records = [
  {
    id: 'chat-1',
    at: '2025-10-01T00:00:00Z',
    model: chat,
    tenant: 'acme',
    inputTokens: 1_234_567,
    outputTokens: 89_012,
  },
  {
    id: 'chat-2',
    at: '2025-10-15T12:00:00Z',
    model: chat,
    inputTokens: 2_000_001,
    outputTokens: 500_000,
    cacheReadTokens: 3_000_000,
  },
  {
    id: 'reasoner-1',
    at: '2025-10-15T12:00:00Z',
    model: reasoner,
    inputTokens: 700_000,
    outputTokens: 1_300_007,
  },
  {
    id: 'reasoner-2',
    at: '2025-10-31T23:59:59.999Z',
    model: reasoner,
    tenant: 'acme',
    inputTokens: 1,
    outputTokens: 1,
  },
  // November: not of the month.
  { id: 'chat-3', at: '2025-11-01T00:00:00Z', model: chat, inputTokens: 1_000_000_000 },
];

export async function expectOctober(varve: TestVarve): Promise<void> {
  expect((await varve.call('POST', '/v1/usage', { records })).body.added).toBe(5);
  const { body } = await varve.call('POST', '/v1/compare', {
    left: { at: '2025-09-01T00:00:00Z' },
    right: { at: '2026-06-01T00:00:00Z' },
    usage: october,
  });
  // Both models cost 0.57 in, 1.68 out and 0.07 from the cache on the first day, and 0.14, 0.28 and 0.028 on the second.
  // chat-1      1.234567 × 0.57 + 0.089012 × 1.68            = 0.70370319 + 0.14954016        = 0.85324335
  // chat-2      2.000001 × 0.57 + 0.5 × 1.68 + 3 × 0.07      = 1.14000057 + 0.84 + 0.21       = 2.19000057
  // reasoner-1  0.7 × 0.57 + 1.300007 × 1.68                 = 0.399 + 2.18401176             = 2.58301176
  // reasoner-2  0.000001 × 0.57 + 0.000001 × 1.68                                             = 0.00000225
  //                                                                                             5.62625793
  // chat-1      1.234567 × 0.14 + 0.089012 × 0.28            = 0.17283938 + 0.02492336        = 0.19776274
  // chat-2      2.000001 × 0.14 + 0.5 × 0.28 + 3 × 0.028     = 0.28000014 + 0.14 + 0.084      = 0.50400014
  // reasoner-1  0.7 × 0.14 + 1.300007 × 0.28                 = 0.098 + 0.36400196             = 0.46200196
  // reasoner-2  0.000001 × 0.14 + 0.000001 × 0.28                                             = 0.00000042
  //                                                                                             1.16376526
  expect(body.cost).toEqual({
    left: '5.62625793',
    right: '1.16376526',
    difference: '-4.46249267',
    records: 4,
    unpriced: { left: 0, right: 0 },
    byModel: [
      { name: chat, left: '3.04324392', right: '0.70176288', difference: '-2.34148104' },
      { name: reasoner, left: '2.58301401', right: '0.46200238', difference: '-2.12101163' },
    ],
    byTenant: [
      { name: null, left: '4.77301233', right: '0.9660021', difference: '-3.80701023' },
      { name: 'acme', left: '0.8532456', right: '0.19776316', difference: '-0.65548244' },
    ],
    byKey: [{ name: null, left: '5.62625793', right: '1.16376526', difference: '-4.46249267' }],
    modelDiffers: 0,
    modelNotRecorded: { left: 0, right: 0 },
  });
  expect(body.notes).toEqual([]);
  // The ledger is the same; what was in force differs.
  expect(body.left.revision).toBe(body.right.revision);
  for (const [field, before, after] of [
    ['pricing.input', '0.57', '0.14'],
    ['pricing.output', '1.68', '0.28'],
    ['pricing.cacheRead', '0.07', '0.028'],
  ]) {
    expect(body.diff.items).toContainEqual(
      expect.objectContaining({ subject: `model:${reasoner}`, field, before, after }),
    );
  }
}
