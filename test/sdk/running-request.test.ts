/**
 * Requests of users, and users who are idle: who is found deep inside a request, and who is let go of when.
 */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { currentUserContext } from '../../src/sdk/running-request.ts';
import type { UserContexts } from '../../src/sdk/user-context.ts';
import { createUserContexts } from '../../src/sdk/user-contexts.ts';
import type { Varve } from '../../src/sdk/varve.ts';
import { type ContextsStand, startContextsStand } from '../support/contexts-stand.ts';

let stand: ContextsStand;
let varve: Varve;
let contexts: UserContexts;

beforeEach(async () => {
  stand = await startContextsStand();
  ({ varve, contexts } = stand);
});
afterEach(() => stand.close());

describe('a running request', () => {
  beforeEach(async () => {
    await contexts.set('ada', { provider: 'Google' });
    await contexts.set('bob', { provider: 'Anthropic' });
    await contexts.setUserProvider('everybody’s');
    await stand.change({
      type: 'setOverride',
      key: 'runtime.provider',
      scope: 'tenant:acme',
      value: 'that of acme',
    });
  });

  test('is found by code deep inside, after every await, and not outside', async () => {
    expect(currentUserContext()).toBeUndefined();
    expect(contexts.current()).toBeUndefined();
    const deep = async () => {
      await new Promise(setImmediate);
      return [currentUserContext()?.provider, contexts.current()?.userId, varve.value('runtime.provider')];
    };
    expect(await contexts.run('ada', deep)).toEqual(['Google', 'ada', 'Google']);
    expect(await contexts.run('bob', deep)).toEqual(['Anthropic', 'bob', 'Anthropic']);
    expect(contexts.run('ada', () => 7)).toBe(7);
    expect(currentUserContext()).toBeUndefined();
  });

  test('has the tenant and tier that it was started with', () => {
    contexts.run({ user: 'cy', tenant: 'acme' }, () => {
      expect(contexts.current()).toMatchObject({ userId: 'cy', provider: 'that of acme' });
      expect(contexts.get('cy').provider).toBe('that of acme');
      expect(varve.value('runtime.provider')).toBe('that of acme');
    });
  });

  test('stays that of its user, whatever the caller does to his own object', async () => {
    const who = { user: 'ada', tenant: 'acme' };
    await contexts.run(who, async () => {
      Object.assign(who, { user: 'bob', tenant: 'other' });
      await new Promise(setImmediate);
      expect(contexts.current()).toMatchObject({ userId: 'ada', provider: 'Google' });
      expect(varve.value('runtime.provider')).toBe('Google');
    });
    expect(contexts.seen(1)).toMatchObject([{ context: { user: 'ada', tenant: 'acme' } }]);
    stand.passHours(25);
    expect(await contexts.cleanupInactiveUserContexts()).toBe(2);
    expect(contexts.held().contexts).toBe(0);
  });

  test('lends neither user nor tenant to whom it asks about', () => {
    contexts.run({ user: 'ada', tenant: 'acme' }, () => {
      expect(contexts.get('cy').provider).toBe('everybody’s');
      expect(contexts.getUserProvider()).toBe('everybody’s');
    });
  });

  test('nor does a context that the client itself provides', async () => {
    const own = stand.sdk.client({ contextProvider: () => ({ user: 'ada', tenant: 'acme' }) });
    await own.ready();
    const others = createUserContexts(own);
    expect(others.get('cy').provider).toBe('everybody’s');
    expect(others.getUserProvider()).toBe('everybody’s');
    await others.close();
  });

  test('one within the other: the inner one counts as long as it lasts', async () => {
    await contexts.run('ada', async () => {
      await contexts.run('bob', async () => {
        await new Promise(setImmediate);
        expect(currentUserContext()?.userId).toBe('bob');
      });
      expect(currentUserContext()?.userId).toBe('ada');
    });
  });

  test('what it throws or rejects with is the caller’s, and it has ended then', async () => {
    const failing = () => {
      throw new Error('no');
    };
    expect(() => contexts.run('ada', failing)).toThrow('no');
    await expect(contexts.run('ada', async () => failing())).rejects.toThrow('no');
    stand.passHours(25);
    expect(await contexts.cleanupInactiveUserContexts()).toBe(2);
  });

  test('is not cleaned up, however long it takes', async () => {
    let finish = () => {};
    const running = contexts.run('ada', () => new Promise<void>((resolve) => (finish = resolve)));
    stand.passHours(25);
    expect(await contexts.cleanupInactiveUserContexts()).toBe(1);
    expect(contexts.seen(10).map(({ context }) => context.user)).toEqual(['ada']);
    finish();
    await running;
    stand.passHours(25);
    expect(await contexts.cleanupInactiveUserContexts()).toBe(1);
  });
});

describe('idle contexts', () => {
  test('are cleaned up by the timer', async () => {
    const swept = stand.open({ sweepEveryMs: 5, maxIdleHours: 2 });
    swept.get('ada');
    stand.passHours(3);
    swept.get('bob');
    while (swept.held().contexts > 1) await new Promise((resolve) => setTimeout(resolve, 2));
    expect(swept.seen(10).map(({ context }) => context.user)).toEqual(['bob']);
  });

  test('stay in single-user mode', async () => {
    const single = stand.open({ mode: 'single-user', sweepEveryMs: 1 });
    single.get('ada');
    stand.passHours(1_000);
    expect(await single.cleanupInactiveUserContexts(0)).toBe(0);
    await new Promise((resolve) => setTimeout(resolve, 10));
    expect(single.held().contexts).toBe(1);
  });

  test('are counted by the client’s clock, which is the server’s', () => {
    const before = varve.now();
    const { lastAccess } = createUserContexts(varve).get('ada');
    expect(lastAccess).toBeGreaterThanOrEqual(before);
    expect(lastAccess).toBeLessThanOrEqual(varve.now());
  });

  test('are told, the latest first, without being accessed', () => {
    contexts.get({ user: 'ada', tenant: 'acme' });
    stand.passHours(1);
    contexts.get('bob');
    const told = [
      { context: { user: 'bob' }, lastAccess: stand.now() },
      { context: { user: 'ada', tenant: 'acme' }, lastAccess: stand.now() - 3_600_000 },
    ];
    stand.passHours(1);
    expect(contexts.seen(10)).toEqual(told);
    expect(contexts.seen(1)).toEqual(told.slice(0, 1));
    expect(contexts.seen(0)).toEqual([]);
  });
});
