/**
 * Costs on the whole product, worked out by hand: at each record's own time, over changes of a price. Every list adds up
 * to its total, to the last digit.
 */
import { Ajv2020 } from 'ajv/dist/2020.js';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type CostStory, june1, june10, startCostStory, sumOf } from './cost-story.ts';

const june = 'from=2025-06-01T00:00:00.000Z&to=2025-07-01T00:00:00.000Z';

let story: CostStory;
beforeAll(async () => {
  story = await startCostStory();
});
afterAll(() => story.varve.stop());

test('each record at the price of its own time', async () => {
  expect(await story.get(`/v1/costs?${june}&limit=10`)).toEqual({
    from: june1,
    to: '2025-07-01T00:00:00.000Z',
    revision: story.believed,
    total: {
      records: 7,
      unpriced: 1,
      // 4.5 + 1.5 + 1 + 3 + 7 × 10⁻²⁴ + 0.09
      cost: '10.090000000000000000000007',
      inputTokens: 3_100_007,
      outputTokens: 600_000,
      cacheReadTokens: 100_001,
      cacheWriteTokens: 0,
      reasoningTokens: 200_000,
      inputAudioTokens: 0,
      outputAudioTokens: 0,
    },
    byModel: [
      { name: 'acme/one', records: 4, unpriced: 0, cost: '10' },
      { name: 'acme/two', records: 2, unpriced: 0, cost: '0.090000000000000000000007' },
      { name: 'acme/bare', records: 1, unpriced: 1, cost: '0' },
    ],
    byTenant: [
      { name: 'acme', records: 5, unpriced: 1, cost: '9.000000000000000000000007' },
      { name: 'globex', records: 1, unpriced: 0, cost: '1' },
      { name: null, records: 1, unpriced: 0, cost: '0.09' },
    ],
    byKey: [
      { name: null, records: 6, unpriced: 1, cost: '7.090000000000000000000007' },
      { name: 'ai.planner.model', records: 1, unpriced: 0, cost: '3' },
    ],
  });
});

test.each([
  ['model=acme%2Fone', 4, '10'],
  ['model=acme:one&tenant=acme', 3, '9'],
  ['tenant=globex', 1, '1'],
  ['key=ai.planner.model', 1, '3'],
  ['tenant=nobody', 0, '0'],
])('of %s', async (query, records, cost) => {
  expect((await story.get(`/v1/costs?${june}&${query}`)).total).toMatchObject({ records, cost });
});

test('as known before the prices were, nothing has a price', async () => {
  expect((await story.get(`/v1/costs?${june}&asOf=3`)).total).toMatchObject({
    records: 7,
    unpriced: 7,
    cost: '0',
  });
});

test('a list that is cut ends with the rest, and adds up', async () => {
  const { total, byModel, byTenant, byKey } = await story.get(`/v1/costs?${june}&limit=1`);
  for (const list of [byModel, byTenant, byKey]) {
    expect(list).toHaveLength(2);
    expect(list.at(-1)).toMatchObject({ name: null, isRest: true });
    expect(sumOf(list, 'cost')).toBe(total.cost);
  }
});

test.each([
  ['from=2025-06-01T00:00:00.000Z', 'query.to'],
  ['to=2025-06-01T00:00:00.000Z', 'query.from'],
  [`from=${june10}&to=${june10}`, 'query.to'],
  [`from=${june10}&to=${june1}`, 'query.to'],
  ['from=june&to=july', 'query.from'],
  [`${june}&limit=0`, 'query.limit'],
  [`${june}&limit=10001`, 'query.limit'],
  [`${june}&asOf=99999`, 'query.asOf'],
  [`${june}&at=${june1}`, 'query.at'],
  [`${june}&user=u`, 'query.user'],
  [`${june}&key=NO`, 'query.key'],
])('a bad question names its place: %s', async (query, place) => {
  const { status, body } = await story.varve.call('GET', `/v1/costs?${query}`);
  expect([status, body.errors?.[0]?.path]).toEqual([400, place]);
});

test('answers are what the document says', async () => {
  await story.varve.change([
    { type: 'correctPrice', id: 'acme/one', pricing: { input: '4' }, effectiveFrom: june1 },
    { type: 'correctPrice', id: 'acme/two', pricing: { output: '4' }, effectiveFrom: june1 },
  ]);
  const ajv = new Ajv2020({ strict: false, validateFormats: false });
  ajv.addSchema(await story.get('/openapi.json'), 'document');
  for (const [path, query] of [
    ['/v1/costs', `${june}&limit=2`],
    ['/v1/costs/restatement', 'since=0&limit=1'],
  ]) {
    const pointer = `document#/paths/${path?.replaceAll('/', '~1')}/get/responses/200/content/application~1json/schema`;
    const answer = await story.get(`${path}?${query}`);
    expect([path, ajv.validate({ $ref: pointer }, answer) ? [] : ajv.errors]).toEqual([path, []]);
    expect(Object.values(answer).flat()).toContainEqual(expect.objectContaining({ isRest: true }));
  }
});
