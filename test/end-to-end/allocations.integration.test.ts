/**
 * Allocations in use, over HTTP: a rollout that grows keeps everybody where they are, arms share by weight, and explain
 * says of each user what resolve answers, with arm and bucket.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTestVarve, type TestVarve } from '../support/varve.ts';

let varve: TestVarve;
beforeAll(async () => {
  varve = await startTestVarve();
  await varve.change([
    { type: 'defineKey', key: 'app.writer', valueType: 'string', fallback: 'old' },
    { type: 'defineKey', key: 'app.planner', valueType: 'string', fallback: 'old' },
  ]);
}, 60_000);
afterAll(() => varve.stop());

const users = Array.from({ length: 4_000 }, (_, index) => `user-${index}@example.com`);

interface Given {
  readonly value: string;
  readonly scope: string;
  readonly reason: string;
  readonly arm?: string;
}

/** What each user gets of a key. */
async function resolved(key: string): Promise<ReadonlyMap<string, Given>> {
  const given = new Map<string, Given>();
  for (let start = 0; start < users.length; start += 1_000) {
    const contexts = users.slice(start, start + 1_000).map((user) => ({ user }));
    const { body } = await varve.call('POST', '/v1/resolve', { contexts, keys: [key] });
    for (const [index, { user }] of contexts.entries()) given.set(user, body.results[index].values[key]);
  }
  return given;
}

const rollout = (key: string, share: number, arms: readonly object[]) =>
  varve.change([{ type: 'setOverride', key, scope: 'global', allocation: { unit: 'user', share, arms } }]);

describe('a rollout from nobody to everybody', () => {
  const key = 'app.writer';
  const arms = [
    { name: 'control', value: 'same', weight: 1 },
    { name: 'treatment', value: 'new', weight: 1 },
  ];

  test('whoever is in stays in, in the same arm; the others get what they had', async () => {
    let before: ReadonlyMap<string, Given> = new Map();
    for (const share of [0, 100, 1_000, 5_000, 10_000]) {
      await rollout(key, share, arms);
      const now = await resolved(key);
      const inside = [...now.values()].filter(({ arm }) => arm !== undefined);
      const rate = share / 10_000;
      const bound = 4.5 * Math.sqrt(users.length * rate * (1 - rate));
      expect(Math.abs(inside.length - users.length * rate)).toBeLessThanOrEqual(bound);
      for (const [user, given] of now) {
        const was = before.get(user);
        if (was?.arm !== undefined)
          expect([user, given.arm, given.value]).toEqual([user, was.arm, was.value]);
        if (given.arm === undefined) {
          expect(given).toMatchObject({ value: 'old', scope: 'fallback', reason: 'DEFAULT' });
        } else expect(given).toMatchObject({ scope: 'global', reason: 'SPLIT' });
      }
      before = now;
    }
  });
});

describe('two arms', () => {
  const key = 'app.planner';
  const arms = [
    { name: 'a', value: 'cheap', weight: 1 },
    { name: 'b', value: 'good', weight: 3 },
  ];

  beforeAll(() => rollout(key, 6_000, arms));

  test('share the users by weight, and each user stays in one', async () => {
    const given = await resolved(key);
    for (const { name, rate } of [
      { name: 'a', rate: 0.15 },
      { name: 'b', rate: 0.45 },
    ]) {
      const count = [...given.values()].filter(({ arm }) => arm === name).length;
      const bound = 4.5 * Math.sqrt(users.length * rate * (1 - rate));
      expect(Math.abs(count - users.length * rate)).toBeLessThan(bound);
    }
    expect(await resolved(key)).toEqual(given);
  });

  test('explain names arm and bucket, and agrees with resolve', async () => {
    const given = await resolved(key);
    const outcomes = new Set<string>();
    for (const user of users.slice(0, 40)) {
      const { body } = await varve.call('GET', `/v1/explain/${key}?user=${encodeURIComponent(user)}`);
      const { value, arm, reason } = given.get(user) ?? {};
      expect({ value: body.value, arm: body.arm, reason: body.reason }).toEqual({ value, arm, reason });
      const layer = body.layers.find(({ scope }: { scope: string }) => scope === 'global');
      outcomes.add(layer.outcome);
      expect(layer).toMatchObject({
        outcome: arm === undefined ? 'outside' : 'won',
        allocation: { unit: 'user', share: 6_000, salt: key },
        event: { type: 'OverrideSet', actor: { id: 'admin' } },
      });
      expect(layer.arm).toBe(arm);
      expect(layer.bucket).toBeGreaterThanOrEqual(arm === undefined ? 6_000 : 0);
      expect(layer.bucket).toBeLessThan(arm === undefined ? 10_000 : 6_000);
      if (arm !== undefined) expect(layer.value).toBe(value);
    }
    expect([...outcomes].sort()).toEqual(['outside', 'won']);
  });

  test('a narrower layer wins over them, and explain tells the bucket of the arm that has lost', async () => {
    await varve.change([{ type: 'setOverride', key, scope: 'user:user-0@example.com', value: 'own' }]);
    await rollout(key, 10_000, arms);
    const { body } = await varve.call('GET', `/v1/explain/${key}?user=user-0@example.com`);
    expect(body).toMatchObject({ value: 'own', reason: 'TARGETING_MATCH' });
    expect(body.layers).toMatchObject([
      { scope: 'user:user-0@example.com', outcome: 'won', value: 'own' },
      { scope: 'global', outcome: 'lost', arm: expect.any(String), bucket: expect.any(Number) },
    ]);
    expect(body.layers[0]).not.toHaveProperty('bucket');
  });
});
