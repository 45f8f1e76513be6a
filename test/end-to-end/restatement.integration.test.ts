/**
 * Restatements on the whole product, worked out by hand: a changed price restates nothing, a correction of the past does,
 * and undone it does not. Items add up to their total, and the total is what the costs differ by.
 */
import { Big } from 'big.js';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type CostStory, june1, june10, june20, startCostStory, sumOf } from './cost-story.ts';

const year = 'from=2025-01-01T00:00:00.000Z&to=2026-01-01T00:00:00.000Z';

let story: CostStory;
beforeAll(async () => {
  story = await startCostStory();
});
afterAll(() => story.varve.stop());

const nothing = {
  records: 0,
  oldCost: '0',
  newCost: '0',
  difference: '0',
  newlyPriced: 0,
  noLongerPriced: 0,
};

test('a price that changed, also one that was learnt late, restates nothing', async () => {
  const before = (await story.get(`/v1/costs?${year}`)).total.cost;
  await story.varve.change([
    { type: 'changePrice', id: 'acme/one', pricing: { output: '30' }, effectiveFrom: june20 },
  ]);
  // It does count: record 4 costs 0.2 × 30 instead of 0.2 × 15.
  expect((await story.get(`/v1/costs?${year}`)).total.cost).toBe(new Big(before).plus(3).toFixed());
  for (const since of [0, story.believed]) {
    expect(await story.get(`/v1/costs/restatement?since=${since}`)).toMatchObject({
      since,
      corrections: [],
      correctionCount: 0,
      total: nothing,
      items: [],
    });
  }
});

test('a correction of the past restates what lies in it; undone, it restates nothing', async () => {
  const since = await story.head();
  // It never was 3, it was 2.5 until the 10th; the later prices stand.
  const corrected = await story.varve.change([
    {
      type: 'correctPrice',
      id: 'acme/one',
      pricing: { input: '2.5' },
      effectiveFrom: june1,
      effectiveUntil: june10,
    },
  ]);
  const { revision } = corrected.body.events[0];
  const told = await story.get(`/v1/costs/restatement?since=${since}`);
  // Record 1: 4.5 → 2.5 + 1.5 = 4. Record 2: 1.5 → 1.25.
  const total = { ...nothing, records: 2, oldCost: '6', newCost: '5.25', difference: '-0.75' };
  expect(told).toEqual({
    since,
    revision,
    corrections: [{ revision, model: 'acme/one', effectiveFrom: june1, effectiveUntil: june10 }],
    correctionCount: 1,
    total,
    items: [{ model: 'acme/one', tenant: 'acme', ...total }],
  });
  const restated = (query: string) =>
    story.get(`/v1/costs/restatement?since=${since}&${query}`).then(({ total: { records } }) => records);
  expect(await restated('from=2025-06-06T00:00:00.000Z')).toBe(1);
  expect(await restated('to=2025-06-06T00:00:00.000Z')).toBe(1);
  expect(await restated('model=acme%2Ftwo')).toBe(0);
  expect(await restated('tenant=globex')).toBe(0);
  // As it was known before, there is nothing to restate; since the correction itself neither.
  expect((await story.get(`/v1/costs/restatement?since=${since}&asOf=${since}`)).total).toEqual(nothing);
  expect((await story.get(`/v1/costs/restatement?since=${revision}`)).total).toEqual(nothing);

  const restored = await story.varve.change([
    {
      type: 'correctPrice',
      id: 'acme/one',
      pricing: { input: '3' },
      effectiveFrom: june1,
      effectiveUntil: june10,
    },
  ]);
  const after = await story.get(`/v1/costs/restatement?since=${since}`);
  expect(after).toMatchObject({ correctionCount: 2, total: nothing, items: [] });
  expect(after.revision).toBe(restored.body.events[0].revision);
  // Since the first correction the second one is the one that restates.
  expect((await story.get(`/v1/costs/restatement?since=${revision}`)).total).toMatchObject({
    oldCost: '5.25',
    newCost: '6',
    difference: '0.75',
  });
});

test('the restatement is the difference of the costs before and after, by model and tenant', async () => {
  const since = await story.head();
  await story.varve.change([
    {
      type: 'correctPrice',
      id: 'acme/one',
      pricing: { input: '1.999999999999999999' },
      effectiveFrom: june10,
    },
    {
      type: 'correctPrice',
      id: 'acme/two',
      pricing: { input: '1000000', cacheRead: null, tiers: null },
      effectiveFrom: june1,
    },
  ]);
  const { total, items } = await story.get(`/v1/costs/restatement?since=${since}`);
  // Record 3: 1 → 0.9999999999999999995. Record 4 has no input. Record 5: 7 × 10⁻²⁴ → 7 × 10⁶ × 10⁻⁶ = 7.
  // Record 6: 0.09 → 0.200001 × 10⁶ + 0.05 = 200001.05.
  expect(items).toEqual([
    {
      ...nothing,
      model: 'acme/two',
      tenant: null,
      records: 1,
      oldCost: '0.09',
      newCost: '200001.05',
      difference: '200000.96',
    },
    {
      ...nothing,
      model: 'acme/two',
      tenant: 'acme',
      records: 1,
      oldCost: '0.000000000000000000000007',
      newCost: '7',
      difference: '6.999999999999999999999993',
    },
    {
      ...nothing,
      model: 'acme/one',
      tenant: 'globex',
      records: 1,
      oldCost: '1',
      newCost: '0.9999999999999999995',
      difference: '-0.0000000000000000005',
    },
  ]);
  for (const name of ['oldCost', 'newCost', 'difference']) expect(sumOf(items, name)).toBe(total[name]);
  const [old, now] = await Promise.all(
    [`&asOf=${since}`, ''].map(async (asOf) => (await story.get(`/v1/costs?${year}${asOf}`)).total.cost),
  );
  expect(new Big(now).minus(old).toFixed()).toBe(total.difference);
  const cut = await story.get(`/v1/costs/restatement?since=${since}&limit=1`);
  expect(cut.items).toHaveLength(2);
  expect(cut.items[1]).toMatchObject({ model: null, tenant: null, isRest: true, records: 2 });
  for (const name of ['oldCost', 'newCost', 'difference']) expect(sumOf(cut.items, name)).toBe(total[name]);
});

test('what a correction prices for the first time, or no longer, is told', async () => {
  await story.varve.change([
    { type: 'changePrice', id: 'acme/bare', pricing: { output: '1' }, effectiveFrom: june1 },
  ]);
  const since = await story.head();
  const correct = (pricing: object) => ({
    type: 'correctPrice',
    id: 'acme/bare',
    pricing,
    effectiveFrom: june1,
  });
  await story.varve.change([correct({ input: '4' })]);
  const priced = await story.head();
  // Record 8: 10⁶ tokens of input.
  expect((await story.get(`/v1/costs/restatement?since=${since}`)).total).toEqual({
    records: 1,
    oldCost: '0',
    newCost: '4',
    difference: '4',
    newlyPriced: 1,
    noLongerPriced: 0,
  });
  await story.varve.change([correct({ input: null })]);
  expect((await story.get(`/v1/costs/restatement?since=${priced}`)).total).toEqual({
    records: 1,
    oldCost: '4',
    newCost: '0',
    difference: '-4',
    newlyPriced: 0,
    noLongerPriced: 1,
  });
});

test.each([
  ['', 'query.since'],
  ['since=-1', 'query.since'],
  ['since=tag:x', 'query.since'],
  ['since=99999', 'query.since'],
  ['since=5&asOf=4', 'query.since'],
  [`since=1&from=${june10}&to=${june1}`, 'query.to'],
  ['since=1&key=a.b', 'query.key'],
  ['since=1&tenant=', 'query.tenant'],
])('a bad question names its place: %s', async (query, place) => {
  const { status, body } = await story.varve.call('GET', `/v1/costs/restatement?${query}`);
  expect([status, body.errors?.[0]?.path]).toEqual([400, place]);
});
