/**
 * Answers: with a fallback nothing is ever thrown, whatever is asked; without one each failure says what is wrong. Only
 * the scopes that are held are answered for.
 */
import fc from 'fast-check';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { Failure } from '../../src/failure.ts';
import type { Varve } from '../../src/sdk/varve.ts';
import { defineNumber, type SdkStand, set, startSdkStand, until } from '../support/sdk-stand.ts';

describe('whatever is asked', () => {
  let stand: SdkStand;
  let clients: readonly Varve[];

  beforeAll(async () => {
    stand = await startSdkStand();
    await stand.http.change(defineNumber, set(1), set(2, 'user:u'));
    const closed = stand.client();
    const provided = stand.client({
      contextProvider: () => {
        throw new Error('there is no request');
      },
    });
    const strange = stand.client({ contextProvider: () => 7 as never });
    const held = stand.client({ scopes: ['tenant:t'] });
    const ready = stand.client();
    for (const client of [closed, provided, strange, held, ready]) await client.ready();
    await closed.close();
    clients = [closed, provided, strange, held, ready, stand.client({ url: 'http://127.0.0.1:1' })];
  });
  afterAll(() => stand.close());

  const id = fc.oneof(fc.string(), fc.constantFrom('u', 't', '1'), fc.anything());
  const context = fc.oneof(
    fc.anything(),
    fc.record({ user: id, tenant: id, tier: id }, { requiredKeys: [] }),
  );
  const key = fc.oneof(fc.constantFrom('a.b', 'a.c', '__proto__', ''), fc.string(), fc.anything());
  const schema = fc.constantFrom<unknown>(
    undefined,
    null,
    7,
    {},
    { safeParse: 1 },
    {
      safeParse: () => {
        throw new Error('this schema throws');
      },
    },
  );

  test('with a fallback it is answered', () => {
    fc.assert(
      fc.property(key, context, schema, fc.string(), (asked, who, how, fallback) => {
        for (const client of clients) {
          const options = { fallback, schema: how } as never;
          const value = client.value(asked as string, who as never, options);
          const resolved = client.resolve(asked as string, who as never, options);
          expect([fallback, 1, 2]).toContain(value);
          expect(resolved.value).toBe(value);
          expect(resolved.scope === 'caller').toBe(resolved.failure instanceof Failure);
          expect(resolved.scope === 'caller').toBe(resolved.reason === 'ERROR');
        }
      }),
      { numRuns: 300 },
    );
  });
});

describe('a failure says what is wrong', () => {
  let stand: SdkStand;
  beforeEach(async () => {
    stand = await startSdkStand();
    await stand.http.change(defineNumber, set(1), set(2, 'user:u'), set(3, 'tenant:t'), set(4, 'tenant:s'));
  });
  afterEach(() => stand.close());

  const failureOf = (ask: () => unknown): unknown => {
    try {
      return ask();
    } catch (error) {
      return error;
    }
  };

  test('keys that are not defined, and contexts that are none', async () => {
    const varve = stand.client();
    await varve.ready();
    expect(failureOf(() => varve.value('a.c'))).toMatchObject({ code: 'not_found', reason: 'unknown_key' });
    for (const [who, path] of [
      [{ tier: 3 }, 'context.tier'],
      [{ user: '' }, 'context.user'],
      [{ tenant: null }, 'context.tenant'],
      [{ user: 'x'.repeat(201) }, 'context.user'],
    ] as const) {
      expect(failureOf(() => varve.value('a.b', who as never))).toMatchObject({
        code: 'invalid',
        reason: 'bad_context',
        details: [{ path }],
      });
    }
  });

  test('only what is held is answered for, and only that is held', async () => {
    const odd = await stand.openOdd();
    const varve = stand.client({ url: odd.url, scopes: ['tenant:t', 'tier:*'] });
    await varve.ready();
    await until(() => varve.status().transport === 'stream');
    const ask = (who: object) => failureOf(() => varve.value('a.b', who));
    expect([ask({}), ask({ tenant: 't' }), ask({ tier: '1' }), ask({ tenant: 't', tier: '1' })]).toEqual([
      1, 3, 1, 3,
    ]);
    for (const who of [{ user: 'u' }, { tenant: 's' }, { tenant: 't', user: 'w' }]) {
      expect(ask(who)).toMatchObject({ code: 'invalid', reason: 'scope_not_held' });
    }
    const told: unknown[] = [];
    varve.onChange('*', ({ revision }) => told.push(revision));
    await stand.http.change(set(5, 'tenant:s'), set(6, 'user:u'));
    await stand.http.change(set(7, 'tenant:t'), set(8, 'tenant:s'));
    const { revision } = stand.http.ledger().state;
    await varve.reached(revision);
    expect([ask({ tenant: 't' }), told]).toEqual([7, [revision]]);
    const asked = odd.asked.map((line) =>
      new URL(line.split(' ')[1] ?? '', 'http://x').searchParams.get('scopes'),
    );
    expect(asked).toEqual(['global,tenant:t,tier:*', 'global,tenant:t,tier:*']);
  });
});
