/**
 * Comparing arms, points and moments on the whole product, with costs worked out by hand.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { allTime, type CompareStand, codesOf, key, other, startCompareStand } from './compare-stand.ts';

let stand: CompareStand;
const compare = (body: object) => stand.compare(body);

beforeAll(async () => {
  stand = await startCompareStand();
});
afterAll(() => stand.varve.stop());

describe('arms', () => {
  const tier = [{ user: 'u-2', tier: '1' }, { user: 'u-3', tier: '1' }, { tier: '1' }];

  test('every unit gets the arm of its world', async () => {
    const { body } = await compare({
      left: { arm: 'control' },
      right: { arm: 'cheap' },
      contexts: tier,
      usage: allTime,
    });
    const sides = (value: string, arm: string) => ({ value, arm, scope: 'tier:1', reason: 'SPLIT' });
    // A context without a user has no unit and falls through in both.
    expect(body.resolutions).toMatchObject([
      { context: tier[0], key, left: sides('openai/big', 'control'), right: sides('openai/small', 'cheap') },
      { context: tier[1], key, left: sides('openai/big', 'control'), right: sides('openai/small', 'cheap') },
    ]);
    expect(body.resolutions).toHaveLength(2);
    expect(body.cost).toMatchObject({ left: '132.00007', right: '132.000007', difference: '-0.000063' });
    expect(codesOf(body)).not.toContain('arm_not_found');
  });

  test('an arm that nothing has is told', async () => {
    const { body } = await compare({
      left: { arm: 'contrl' },
      right: { arm: 'cheap', asOf: stand.start },
      contexts: tier,
    });
    expect(codesOf(body)).toEqual(['arm_not_found', 'arm_not_found']);
  });

  test('a draft may bring the allocation that the arm is of', async () => {
    const allocation = { unit: 'tenant', share: 1, arms: [{ name: 'x', value: 'Ciao', weight: 1 }] };
    const changes = [{ type: 'setOverride', key: other, scope: 'global', allocation }];
    const { body } = await compare({
      left: {},
      right: { arm: 'x', changes },
      contexts: [{ tenant: 'acme' }],
    });
    expect(body.resolutions).toMatchObject([
      { key: other, left: { value: 'Good day' }, right: { value: 'Ciao', arm: 'x' } },
    ]);
  });
});

test('two points: the diff with its events, and the values', async () => {
  const { body } = await compare({ left: { asOf: stand.tagged }, right: {} });
  expect(body.diff.items).toMatchObject([
    {
      subject: `override:${other}@global`,
      field: 'value',
      before: null,
      after: 'Good day',
      events: [stand.tagged + 1],
    },
    { subject: `override:${key}@tier:1`, field: 'allocation', before: null },
  ]);
  expect(body.resolutions).toContainEqual(
    expect.objectContaining({ context: {}, key: other, left: expect.objectContaining({ value: 'Hello' }) }),
  );
});

test('a point may be a tag or a time', async () => {
  const now = new Date().toISOString();
  const { body } = await compare({ left: { asOf: 'tag:before' }, right: { asOf: now } });
  expect(body.left.revision).toBe(stand.start - 1);
  const { body: status } = await stand.varve.call('GET', '/v1/status');
  expect(body.right).toEqual({ revision: status.revision, at: now });
});

test('before a point was recorded its prices are those of the moment', async () => {
  const { status, body } = await compare({ left: { at: '2024-01-15T00:00:00Z' }, right: {}, usage: allTime });
  expect(status).toBe(200);
  expect(body.left.at).toBe('2024-01-15T00:00:00.000Z');
  expect(body.cost.unpriced.left).toBe(4);
  expect(body.diff.items).toContainEqual(
    expect.objectContaining({
      subject: 'model:openai/small',
      field: 'pricing.input',
      before: null,
      after: '1',
    }),
  );
});
