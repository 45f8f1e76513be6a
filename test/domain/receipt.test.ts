/**
 * The text of a receipt, letter by letter: what is written here was given out, and must come out the same for ever.
 */
import { expect, test } from 'vitest';
import { type Receipted, receiptText } from '../../src/domain/receipt.ts';

const answered: Receipted = {
  ledger: 'default',
  revision: 42,
  at: Date.UTC(2026, 1, 3, 4, 5, 6, 7),
  context: { user: 'u-17', tier: '3' },
  resolutions: [
    {
      key: 'b.model',
      value: 'acme/new',
      scope: 'user:u-17',
      reason: 'SPLIT',
      revision: 40,
      arm: 'one',
      model: {
        id: 'acme/new',
        provider: 'acme',
        model: 'new',
        status: 'deprecated',
        successor: 'acme/newer',
        sunsetAt: Date.UTC(2027, 0, 1),
        followed: ['acme/old'],
      },
    },
    {
      key: 'a.limits',
      value: { z: 1.5, a: [true, null] },
      scope: 'fallback',
      reason: 'DEFAULT',
      revision: 2,
    },
  ],
};

const text =
  '{"at":"2026-02-03T04:05:06.007Z","context":{"tier":"3","user":"u-17"},"ledger":"default","revision":42,"values":{' +
  '"a.limits":{"reason":"DEFAULT","revision":2,"scope":"fallback","value":{"a":[true,null],"z":1.5}},' +
  '"b.model":{"arm":"one","model":{"followed":["acme/old"],"id":"acme/new","model":"new","provider":"acme",' +
  '"status":"deprecated","successor":"acme/newer","sunsetAt":"2027-01-01T00:00:00.000Z"},' +
  '"reason":"SPLIT","revision":40,"scope":"user:u-17","value":"acme/new"}}}';

test('it is this', () => {
  expect(receiptText(answered)).toBe(text);
});

test('neither the order of keys nor what else is known of an answer is part of it', () => {
  const resolutions = answered.resolutions
    .map((resolution) => ({ ...resolution, validUntil: 7, ageMs: 3, isStale: true }))
    .toReversed();
  const context = { ...answered.context, asked: 'by whom' };
  expect(receiptText({ ...answered, resolutions, context })).toBe(text);
});
