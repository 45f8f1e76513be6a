import { expect, test } from 'vitest';
import { Excerpt } from '../../../src/domain/compare/excerpt.ts';
import { noTokens, type UsageRecord } from '../../../src/domain/usage/usage.ts';
import { Failure } from '../../../src/failure.ts';
import { weighUsage } from '../../../src/http/compare/compare-usage.ts';
import type { OpenWorld } from '../../../src/http/compare/open-world.ts';

const window = { from: 0, to: 1_000_000_000 };

/** A world without keys, in which a million tokens cost a dollar, whatever the model. */
const world: OpenWorld = {
  world: { asOf: 1, at: 0 },
  isEarly: false,
  excerptFor: async () => new Excerpt(),
  pricesFor: async (ids) => new Map(ids.map((id) => [id, { input: '1' }])),
  subjects: async () => new Map(),
  armsFound: () => 0,
};
const worlds = { left: world, right: world };

function pageFrom(first: number, size: number): readonly UsageRecord[] {
  return Array.from({ length: size }, (_, index) => ({
    id: `record-${first + index}`,
    at: first + index,
    model: 'a/one',
    ...noTokens,
    inputTokens: 1,
  }));
}

test('weighs every page once, in order, up to the last one', async () => {
  const reads = {
    usagePage: async (_ledger: string, _filter: object, after: { readonly at: number } | undefined) => {
      const first = after === undefined ? 0 : after.at + 1;
      return pageFrom(first, Math.min(10_000, 25_000 - first));
    },
  };
  const cost = (await weighUsage(reads, 'default', worlds, window)).answer(10);
  expect(cost).toMatchObject({ records: 25_000, left: '0.025', right: '0.025', difference: '0' });
});

test('more than a million records are refused, naming the window', async () => {
  const page = pageFrom(0, 10_000);
  const reads = { usagePage: async () => page };
  const failure = await weighUsage(reads, 'default', worlds, window).catch((error: unknown) => error);
  expect(failure).toMatchObject({ code: 'limited', details: [{ path: 'usage.from' }] });
});

test('a page that cannot be read fails the whole, also when it was asked ahead', async () => {
  const reads = {
    usagePage: async (_ledger: string, _filter: object, after: object | undefined) => {
      if (after === undefined) return pageFrom(0, 10_000);
      throw new Failure('unavailable', 'the database is away');
    },
  };
  await expect(weighUsage(reads, 'default', worlds, window)).rejects.toThrow('the database is away');
});
