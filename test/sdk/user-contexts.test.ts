/**
 * Contexts per user before a real server: the tests of design note 004, translated, and what the note leaves open. The first
 * user of a ledger that knows none of the keys brings them with him.
 */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { currentUserContext } from '../../src/sdk/running-request.ts';
import type { UserContexts, UserContextsOptions } from '../../src/sdk/user-context.ts';
import { createUserContexts } from '../../src/sdk/user-contexts.ts';
import type { Varve } from '../../src/sdk/varve.ts';
import { type SdkStand, startSdkStand } from '../support/sdk-stand.ts';

const hourMs = 3_600_000;
const nothing = {
  provider: null,
  model: null,
  mcpServerName: null,
  mcpServerId: null,
  awsRegion: null,
  azureDeploymentDetails: null,
  friendliDetails: null,
  modelProviderInProfile: null,
};

let stand: SdkStand;
let varve: Varve;
let contexts: UserContexts;
let now: number;

beforeEach(async () => {
  stand = await startSdkStand();
  varve = stand.client();
  await varve.ready();
  now = 1_000_000 * hourMs;
  contexts = open();
});
afterEach(async () => {
  await Promise.all(opened.splice(0).map((each) => each.close()));
  await stand.close();
});

const opened: UserContexts[] = [];
const open = (options: UserContextsOptions = {}) => {
  const contexts = createUserContexts(varve, { now: () => now, ...options });
  opened.push(contexts);
  return contexts;
};
const head = () => stand.http.ledger().state.revision;
const answerOf = async (path: string) => (await stand.http.call('GET', path)).body;

describe('the tests of the note', () => {
  test('users get isolated runtime contexts', async () => {
    await contexts.setUserProvider('Google', 'user-aaa');
    await contexts.setUserModel('gemini-2.5-flash', 'user-aaa');
    await contexts.setUserProvider('Anthropic', 'user-bbb');
    await contexts.setUserModel('claude-3-5-haiku', 'user-bbb');
    expect(contexts.getUserProvider('user-aaa')).toBe('Google');
    expect(contexts.getUserProvider('user-bbb')).toBe('Anthropic');
    expect(contexts.getUserModel('user-aaa')).toBe('gemini-2.5-flash');
    expect(contexts.getUserModel('user-bbb')).toBe('claude-3-5-haiku');
  });

  test('old contexts are cleaned up', async () => {
    contexts.get('user-old');
    now += 25 * hourMs;
    contexts.get('user-new');
    expect(await contexts.cleanupInactiveUserContexts(24)).toBe(1);
    expect(contexts.seen(10)).toEqual([{ context: { user: 'user-new' }, lastAccess: now }]);
  });

  test('two users configure different providers at the same moment', async () => {
    const wishes = Array.from({ length: 20 }, (_, i) => ({ user: `u-${i}`, provider: `provider-${i}` }));
    await Promise.all(
      wishes.map(({ user, provider }) => contexts.set(user, { provider, model: `${user}-model` })),
    );
    for (const { user, provider } of wishes) {
      expect(contexts.get(user)).toMatchObject({ provider, model: `${user}-model` });
    }
    expect(contexts.getUserProvider()).toBeNull();
  });

  test('works with what was configured before: without a user everything is global', async () => {
    expect(contexts.getUserProvider()).toBeNull();
    await contexts.setUserProvider('Google');
    await contexts.setUserModel('gemini-2.5-flash');
    contexts.setUserLlmInstance('an instance');
    contexts.setUserMcpClient('a client');
    expect(contexts.getUserProvider()).toBe('Google');
    expect(contexts.getUserModel()).toBe('gemini-2.5-flash');
    expect(contexts.getUserLlmInstance()).toBe('an instance');
    expect(contexts.getUserMcpClient()).toBe('a client');
    // A user without anything of his own has what all have, but never another one's instances.
    expect(contexts.getUserProvider('user-aaa')).toBe('Google');
    expect(contexts.getUserLlmInstance('user-aaa')).toBeNull();
    expect(contexts.getUserMcpClient('user-aaa')).toBeNull();
  });

  test('what is set for a user is not set for all', async () => {
    await contexts.setUserProvider('Google');
    await contexts.setUserProvider('Anthropic', 'user-bbb');
    contexts.setUserLlmInstance('that of bbb', 'user-bbb');
    contexts.setUserMcpClient('that of bbb', 'user-bbb');
    expect(contexts.getUserProvider()).toBe('Google');
    expect(contexts.getUserProvider('user-aaa')).toBe('Google');
    expect(contexts.getUserLlmInstance()).toBeNull();
    expect(contexts.getUserMcpClient()).toBeNull();
    expect(contexts.getUserLlmInstance('user-bbb')).toBe('that of bbb');
  });
});

describe('get', () => {
  test('answers with null for what nobody has said, and writes nothing', () => {
    const before = head();
    expect(contexts.get('ada')).toEqual({ userId: 'ada', lastAccess: now, ...nothing });
    expect(head()).toBe(before);
  });

  test('is what the ledger says at each look, whoever wrote it', async () => {
    await contexts.set('ada', { provider: 'Google' });
    const value = 'Anthropic';
    await stand.http.change({ type: 'setOverride', key: 'runtime.provider', scope: 'user:ada', value });
    await varve.reached(head());
    expect(contexts.get('ada').provider).toBe('Anthropic');
  });

  test('reads tenant and tier of the user who is told with them', async () => {
    await contexts.set('ada', { provider: null });
    await stand.http.change(
      { type: 'setOverride', key: 'runtime.provider', scope: 'tenant:acme', value: 'Azure' },
      { type: 'setOverride', key: 'runtime.provider', scope: 'tier:3', value: 'Friendli' },
    );
    await varve.reached(head());
    expect(contexts.get({ user: 'ada', tenant: 'acme', tier: '3' }).provider).toBe('Azure');
    expect(contexts.get({ user: 'ada', tier: '3' }).provider).toBe('Friendli');
    expect(contexts.get('ada').provider).toBeNull();
  });

  test('a key that is defined with another type is told, not passed over', async () => {
    await stand.http.change({ type: 'defineKey', key: 'runtime.model', valueType: 'integer', fallback: 0 });
    await varve.reached(head());
    expect(() => contexts.get('ada')).toThrow(
      expect.objectContaining({ code: 'invalid', reason: 'wrong_type' }),
    );
  });

  test.each([[''], ['a\nb'], ['x'.repeat(201)]])('%j is no user', (who) => {
    expect(() => contexts.get(who)).toThrow(expect.objectContaining({ code: 'invalid' }));
    expect(contexts.held()).toEqual({ contexts: 0, instances: 0 });
  });

  test('before there are values it is unavailable, not empty', async () => {
    const early = stand.client({ url: 'http://127.0.0.1:9' });
    expect(() => createUserContexts(early).get('ada')).toThrow(
      expect.objectContaining({ code: 'unavailable' }),
    );
  });
});

describe('set', () => {
  const all = {
    provider: 'Amazon',
    model: 'anthropic.claude-3-5-haiku',
    mcpServerName: 'Teradata MCP',
    mcpServerId: 'server-123',
    awsRegion: 'eu-central-1',
    azureDeploymentDetails: { endpoint: 'https://x.example', deployment: 'gpt-4o' },
    friendliDetails: { endpoint: 'https://y.example', token: 'env:FRIENDLI_TOKEN' },
    modelProviderInProfile: 'anthropic',
  };

  test('writes every field, and the keys that were missing, as one changeset of the user', async () => {
    const { revisions } = await contexts.set('ada', all, 'Ada has chosen');
    expect(contexts.get('ada')).toEqual({ userId: 'ada', lastAccess: now, ...all });
    expect(contexts.get('bob')).toMatchObject(nothing);
    const event = await answerOf(`/v1/events/${revisions?.last}`);
    const { events } = await answerOf(`/v1/changesets/${event.changesetId}`);
    expect(events.map(({ type }: { type: string }) => type)).toEqual([
      ...Array(8).fill('KeyDefined'),
      ...Array(8).fill('OverrideSet'),
    ]);
    expect(event).toMatchObject({ subject: expect.stringMatching(/@user:ada$/), reason: 'Ada has chosen' });
  });

  test('the second time only what it says is written, with a reason of its own', async () => {
    await contexts.set('ada', { provider: 'Google' });
    const { revisions } = await contexts.set('ada', { provider: 'Anthropic' });
    expect(revisions).toEqual({ first: head(), last: head() });
    expect(await answerOf(`/v1/events/${head()}`)).toMatchObject({
      subject: 'override:runtime.provider@user:ada',
      reason: 'The runtime context of user ada is set',
    });
  });

  test('null takes back, and what is left out stays', async () => {
    await contexts.setUserProvider('Google');
    await contexts.set('ada', { provider: 'Anthropic', model: 'claude-3-5-haiku' });
    await contexts.set('ada', { provider: null });
    expect(contexts.get('ada')).toMatchObject({ provider: 'Google', model: 'claude-3-5-haiku' });
  });

  test('a definition that somebody else gave meanwhile stands', async () => {
    const fallback = 'Google';
    await stand.http.change({ type: 'defineKey', key: 'runtime.provider', valueType: 'string', fallback });
    // This client has not heard of it yet.
    const late = stand.client({ transport: 'polling', pollMs: 86_400_000 });
    await late.ready();
    await stand.http.change({
      type: 'defineKey',
      key: 'runtime.model',
      valueType: 'string',
      fallback: 'pro',
    });
    await createUserContexts(late).set('ada', { provider: 'Anthropic', model: 'claude-3-5-haiku' });
    await varve.reached(head());
    expect(contexts.get('ada')).toMatchObject({ provider: 'Anthropic', model: 'claude-3-5-haiku' });
    expect(contexts.get('bob')).toMatchObject({ provider: 'Google', model: 'pro' });
  });

  test('processes that bring the keys with them at the same moment do not hinder each other', async () => {
    const others = [stand.client(), stand.client(), stand.client(), stand.client()];
    await Promise.all(others.map((other) => other.ready()));
    await Promise.all(
      others.map((other, i) => createUserContexts(other).set(`u-${i}`, { provider: `provider-${i}` })),
    );
    await varve.reached(head());
    for (const i of others.keys()) expect(contexts.getUserProvider(`u-${i}`)).toBe(`provider-${i}`);
    const { items } = await answerOf('/v1/history?type=KeyDefined');
    expect(items).toHaveLength(8);
  });

  test.each([[{}], [{ provider: undefined }], [{ povider: 'Google' }]])(
    '%j names no field',
    async (fields) => {
      const before = head();
      await expect(contexts.set('ada', fields as object)).rejects.toMatchObject({ code: 'invalid' });
      expect(head()).toBe(before);
    },
  );

  test('needs a key that may write', async () => {
    const reader = stand.client({ apiKey: await stand.http.keyOf('service') });
    await reader.ready();
    const before = head();
    await expect(createUserContexts(reader).setUserProvider('Google', 'ada')).rejects.toMatchObject({
      code: 'forbidden',
    });
    expect(head()).toBe(before);
  });
});

describe('a running request', () => {
  beforeEach(async () => {
    await contexts.set('ada', { provider: 'Google' });
    await contexts.set('bob', { provider: 'Anthropic' });
    await contexts.setUserProvider('everybody’s');
    await stand.http.change({
      type: 'setOverride',
      key: 'runtime.provider',
      scope: 'tenant:acme',
      value: 'that of acme',
    });
    await varve.reached(head());
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

  test('lends neither user nor tenant to whom it asks about', () => {
    contexts.run({ user: 'ada', tenant: 'acme' }, () => {
      expect(contexts.get('cy').provider).toBe('everybody’s');
      expect(contexts.getUserProvider()).toBe('everybody’s');
    });
  });

  test('nor does a context that the client itself provides', async () => {
    const own = stand.client({ contextProvider: () => ({ user: 'ada', tenant: 'acme' }) });
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
    now += 25 * hourMs;
    expect(await contexts.cleanupInactiveUserContexts()).toBe(2);
  });

  test('is not cleaned up, however long it takes', async () => {
    let finish = () => {};
    const running = contexts.run('ada', () => new Promise<void>((resolve) => (finish = resolve)));
    now += 25 * hourMs;
    expect(await contexts.cleanupInactiveUserContexts()).toBe(1);
    expect(contexts.seen(10).map(({ context }) => context.user)).toEqual(['ada']);
    finish();
    await running;
    now += 25 * hourMs;
    expect(await contexts.cleanupInactiveUserContexts()).toBe(1);
  });
});

describe('idle contexts', () => {
  test('are cleaned up by the timer', async () => {
    const swept = open({ sweepEveryMs: 5, maxIdleHours: 2 });
    swept.get('ada');
    now += 3 * hourMs;
    swept.get('bob');
    while (swept.held().contexts > 1) await new Promise((resolve) => setTimeout(resolve, 2));
    expect(swept.seen(10).map(({ context }) => context.user)).toEqual(['bob']);
  });

  test('stay in single-user mode', async () => {
    const single = open({ mode: 'single-user', sweepEveryMs: 1 });
    single.get('ada');
    now += 1_000 * hourMs;
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
    now += hourMs;
    contexts.get('bob');
    const told = [
      { context: { user: 'bob' }, lastAccess: now },
      { context: { user: 'ada', tenant: 'acme' }, lastAccess: now - hourMs },
    ];
    now += hourMs;
    expect(contexts.seen(10)).toEqual(told);
    expect(contexts.seen(1)).toEqual(told.slice(0, 1));
    expect(contexts.seen(0)).toEqual([]);
  });
});

test.each([
  [{ maxIdleHours: 0 }],
  [{ maxIdleHours: Number.NaN }],
  [{ sweepEveryMs: 2 ** 31 }],
  [{ maxContexts: 0.5 }],
])('%j is no option', (options) => {
  expect(() => createUserContexts(varve, options)).toThrow(expect.objectContaining({ code: 'invalid' }));
});

test('closed contexts answer no more, and their instances are gone', async () => {
  const disposed: unknown[] = [];
  const dispose = (made: unknown) => disposed.push(made);
  contexts.setUserLlmInstance('ada’s', 'ada', dispose);
  contexts.setUserMcpClient('everybody’s', undefined, dispose);
  await contexts.close();
  await contexts.close();
  expect(disposed).toEqual(['ada’s', 'everybody’s']);
  expect(contexts.held()).toEqual({ contexts: 0, instances: 0 });
  const closed = expect.objectContaining({ code: 'unavailable', reason: 'closed' });
  expect(() => contexts.get('ada')).toThrow(closed);
  expect(() => contexts.run('ada', () => 1)).toThrow(closed);
  expect(() => contexts.setUserLlmInstance('another')).toThrow(closed);
  await expect(contexts.slot('ada', 'llm', () => 1)).rejects.toThrow(closed);
});
