/**
 * Contexts per user before a real server: the tests of design note 004, translated, and what the note leaves open. The first
 * user of a ledger that knows none of the keys brings them with him.
 */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { UserContexts } from '../../src/sdk/user-context.ts';
import { createUserContexts } from '../../src/sdk/user-contexts.ts';
import type { Varve } from '../../src/sdk/varve.ts';
import { type ContextsStand, startContextsStand } from '../support/contexts-stand.ts';

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

let stand: ContextsStand;
let varve: Varve;
let contexts: UserContexts;

beforeEach(async () => {
  stand = await startContextsStand();
  ({ varve, contexts } = stand);
});
afterEach(() => stand.close());

const answerOf = async (path: string) => (await stand.sdk.http.call('GET', path)).body;

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
    stand.passHours(25);
    contexts.get('user-new');
    expect(await contexts.cleanupInactiveUserContexts(24)).toBe(1);
    expect(contexts.seen(10)).toEqual([{ context: { user: 'user-new' }, lastAccess: stand.now() }]);
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
    const before = stand.head();
    expect(contexts.get('ada')).toEqual({ userId: 'ada', lastAccess: stand.now(), ...nothing });
    expect(stand.head()).toBe(before);
  });

  test('is what the ledger says at each look, whoever wrote it', async () => {
    await contexts.set('ada', { provider: 'Google' });
    const value = 'Anthropic';
    await stand.change({ type: 'setOverride', key: 'runtime.provider', scope: 'user:ada', value });
    expect(contexts.get('ada').provider).toBe('Anthropic');
  });

  test('reads tenant and tier of the user who is told with them', async () => {
    await contexts.set('ada', { provider: null });
    await stand.change(
      { type: 'setOverride', key: 'runtime.provider', scope: 'tenant:acme', value: 'Azure' },
      { type: 'setOverride', key: 'runtime.provider', scope: 'tier:3', value: 'Friendli' },
    );
    expect(contexts.get({ user: 'ada', tenant: 'acme', tier: '3' }).provider).toBe('Azure');
    expect(contexts.get({ user: 'ada', tier: '3' }).provider).toBe('Friendli');
    expect(contexts.get('ada').provider).toBeNull();
  });

  test('a key that is defined with another type is told, not passed over', async () => {
    await stand.change({ type: 'defineKey', key: 'runtime.model', valueType: 'integer', fallback: 0 });
    expect(() => contexts.get('ada')).toThrow(
      expect.objectContaining({ code: 'invalid', reason: 'wrong_type' }),
    );
  });

  test('what is no id is no user', () => {
    for (const who of ['', 'a\nb', 'x'.repeat(201)]) {
      expect(() => contexts.get(who)).toThrow(expect.objectContaining({ code: 'invalid' }));
    }
    expect(contexts.held()).toEqual({ contexts: 0, instances: 0 });
  });

  test('before there are values it is unavailable, not empty', async () => {
    const early = stand.sdk.client({ url: 'http://127.0.0.1:9' });
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
    expect(contexts.get('ada')).toEqual({ userId: 'ada', lastAccess: stand.now(), ...all });
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
    expect(revisions).toEqual({ first: stand.head(), last: stand.head() });
    expect(await answerOf(`/v1/events/${stand.head()}`)).toMatchObject({
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
    await stand.sdk.http.change({
      type: 'defineKey',
      key: 'runtime.provider',
      valueType: 'string',
      fallback,
    });
    // This client has not heard of it yet.
    const late = stand.sdk.client({ transport: 'polling', pollMs: 86_400_000 });
    await late.ready();
    await stand.sdk.http.change({
      type: 'defineKey',
      key: 'runtime.model',
      valueType: 'string',
      fallback: 'pro',
    });
    await createUserContexts(late).set('ada', { provider: 'Anthropic', model: 'claude-3-5-haiku' });
    await varve.reached(stand.head());
    expect(contexts.get('ada')).toMatchObject({ provider: 'Anthropic', model: 'claude-3-5-haiku' });
    expect(contexts.get('bob')).toMatchObject({ provider: 'Google', model: 'pro' });
  });

  test('a key that was retired is defined again when it is needed, and only then', async () => {
    await contexts.set('bob', { provider: 'Google', model: 'gemini-2.5-flash' });
    await stand.change(
      { type: 'retireKey', key: 'runtime.provider' },
      { type: 'retireKey', key: 'runtime.model' },
    );
    await contexts.set('ada', { provider: 'Anthropic' });
    expect(contexts.get('ada')).toMatchObject({ provider: 'Anthropic', model: null });
    // What stood comes back with it.
    expect(contexts.get('bob')).toMatchObject({ provider: 'Google', model: null });
    await contexts.set('bob', { model: null });
    expect(contexts.get('bob').model).toBeNull();
  });

  test('one that was retired with another type is refused: a type is for ever', async () => {
    const key = 'runtime.model';
    await stand.change({ type: 'defineKey', key, valueType: 'integer', fallback: 0 });
    await stand.change({ type: 'retireKey', key });
    await expect(contexts.set('ada', { model: 'pro' })).rejects.toMatchObject({
      code: 'refused',
      reason: 'type_is_for_ever',
    });
    await contexts.set('ada', { provider: 'Google' });
    expect(contexts.get('ada')).toMatchObject({ provider: 'Google', model: null });
  });

  test('processes that bring the keys with them at the same moment do not hinder each other', async () => {
    const others = [stand.sdk.client(), stand.sdk.client(), stand.sdk.client(), stand.sdk.client()];
    await Promise.all(others.map((other) => other.ready()));
    await Promise.all(
      others.map((other, i) => createUserContexts(other).set(`u-${i}`, { provider: `provider-${i}` })),
    );
    await varve.reached(stand.head());
    for (const i of others.keys()) expect(contexts.getUserProvider(`u-${i}`)).toBe(`provider-${i}`);
    const { items } = await answerOf('/v1/history?type=KeyDefined');
    expect(items).toHaveLength(8);
  });

  test('something else than fields is invalid', async () => {
    const before = stand.head();
    const wrong: readonly object[] = [{}, { provider: undefined }, { povider: 'Google' }];
    for (const fields of wrong) {
      await expect(contexts.set('ada', fields)).rejects.toMatchObject({ code: 'invalid' });
    }
    expect(stand.head()).toBe(before);
  });

  test('needs a key that may write', async () => {
    const reader = stand.sdk.client({ apiKey: await stand.sdk.http.keyOf('service') });
    await reader.ready();
    const before = stand.head();
    await expect(createUserContexts(reader).setUserProvider('Google', 'ada')).rejects.toMatchObject({
      code: 'forbidden',
    });
    expect(stand.head()).toBe(before);
  });
});

test('options that are none are invalid', () => {
  const wrong = [
    { maxIdleHours: 0 },
    { maxIdleHours: Number.NaN },
    { sweepEveryMs: 2 ** 31 },
    { maxContexts: 0.5 },
  ];
  for (const options of wrong) {
    expect(() => createUserContexts(varve, options)).toThrow(expect.objectContaining({ code: 'invalid' }));
  }
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
  expect(() => contexts.getUserProvider()).toThrow(closed);
  await expect(contexts.setUserProvider('Google')).rejects.toThrow(closed);
  await expect(contexts.slot('ada', 'llm', () => 1)).rejects.toThrow(closed);
});
