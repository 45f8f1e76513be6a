/** Usage in pages: all of it, up to what a request may read; and prices, read once a model. */
import { expect, test } from 'vitest';
import { forever } from '../../src/domain/assertion.ts';
import { noTokens, type UsageRecord } from '../../src/domain/usage/usage.ts';
import type { UsagePosition } from '../../src/domain/usage/usage-questions.ts';
import { priceLoader, usagePages } from '../../src/http/usage-reading.ts';

function record(at: number, model?: string): UsageRecord {
  return {
    id: `r${at}`,
    at,
    ...(model === undefined ? {} : { model }),
    ...noTokens,
    inputTokens: 1,
  };
}

/** Ten records in pages of three, at the times 0 to 9. */
const reads = {
  usagePage: async (_ledger: string, _filter: object, after: UsagePosition | undefined) =>
    Array.from({ length: 10 }, (_, at) => record(at))
      .filter(({ at }) => at > (after?.at ?? -1))
      .slice(0, 3),
};

async function timesWithin(left: number): Promise<readonly number[]> {
  const times: number[] = [];
  for await (const page of usagePages(reads, 'default', { from: 0, to: forever }, { left })) {
    times.push(...page.map(({ at }) => at));
  }
  return times;
}

test('all pages come, in order, and an exact budget is enough', async () => {
  expect(await timesWithin(10)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
});

test('one record more than the budget is refused, with the advice to narrow the window', async () => {
  await expect(timesWithin(9)).rejects.toMatchObject({
    code: 'limited',
    reason: 'too_much_usage',
    details: [{ path: 'query.from' }],
  });
});

test('a budget is for all windows of a request', async () => {
  const budget = { left: 15 };
  const read = async () => {
    for await (const page of usagePages(reads, 'default', { from: 0, to: forever }, budget)) {
      expect(page.length).toBeGreaterThan(0);
    }
  };
  await read();
  expect(budget.left).toBe(5);
  await expect(read()).rejects.toMatchObject({ code: 'limited' });
});

test('the prices of a model are read once, also where there are none', async () => {
  const asked: (readonly string[])[] = [];
  const load = priceLoader(
    {
      async pricesOfModels(_ledger, asOf, models) {
        asked.push(models);
        const price = { revision: asOf, kind: 'added', from: 5, until: forever } as const;
        return new Map(models.includes('m/a') ? [['m/a', [{ ...price, pricing: { input: '2' } }]]] : []);
      },
    },
    'default',
    7,
  );
  const first = await load([record(1, 'm/a'), record(2), record(3, 'm/a'), record(4, 'm/unknown')]);
  expect([first('m/a')(4), first('m/a')(5), first('m/unknown')(5)]).toEqual([
    undefined,
    { input: '2' },
    undefined,
  ]);
  const second = await load([record(6, 'm/unknown'), record(7, 'm/b'), record(8, 'm/a')]);
  expect(second('m/a')(8)).toEqual({ input: '2' });
  expect(asked).toEqual([['m/a', 'm/unknown'], ['m/b']]);
});
