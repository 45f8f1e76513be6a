/**
 * Sessions before a real server: what they keep, what they follow, and that a token brings a pinned one back in another
 * process, whatever has been changed since (design note 004: session persistence, context inheritance).
 */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { getPlannerModel } from '../../src/sdk/model-choice.ts';
import { resumeSession, startSession } from '../../src/sdk/sessions.ts';
import { createUserContexts } from '../../src/sdk/user-contexts.ts';
import type { Varve } from '../../src/sdk/varve.ts';
import { seedChanges } from '../../src/seed/seed-changes.ts';
import { type SdkStand, startSdkStand, until } from '../support/sdk-stand.ts';

let stand: SdkStand;
let varve: Varve;
const context = { user: 'ada', tenant: 'acme', tier: '3' };
const key = 'ai.planner.model';

beforeEach(async () => {
  stand = await startSdkStand();
  await stand.http.change(...seedChanges({ catalogue: true }));
  varve = stand.client();
  await varve.ready();
  await write(
    { type: 'defineKey', key: 'ui.theme', valueType: 'string', fallback: 'light' },
    { type: 'setOverride', key, scope: 'user:ada', value: 'openai/gpt-4-turbo' },
  );
});
afterEach(() => stand.close());

const write = (...changes: readonly object[]) => varve.write({ reason: 'a test wants it', changes });
const set = (value: unknown, scope = 'user:ada') => ({ type: 'setOverride', key, scope, value });
/** As it comes out of where the service kept it. */
const kept = (token: unknown): unknown => JSON.parse(JSON.stringify(token));

describe('a pinned session', () => {
  test('keeps every value of its start, whatever is changed', async () => {
    const session = startSession(varve, { context, mode: 'pinned' });
    const { revision } = varve.status();
    const before = session.config();
    await write(set('openai/gpt-4o'), { type: 'retireKey', key: 'ui.theme' });
    expect(varve.value(key, context)).toBe('openai/gpt-4o');
    expect(session.value(key)).toBe('openai/gpt-4-turbo');
    expect(session.value('ui.theme')).toBe('light');
    expect(session.config()).toEqual(before);
    expect(getPlannerModel(session.config())).toEqual({ provider: 'openai', model: 'gpt-4-turbo' });
    expect(session.resolve(key)).toMatchObject({
      value: 'openai/gpt-4-turbo',
      scope: 'user:ada',
      reason: 'TARGETING_MATCH',
      model: { provider: 'openai', model: 'gpt-4-turbo' },
      stateRevision: revision,
      validUntil: null,
      isStale: false,
    });
    await write({ type: 'defineKey', key: 'ui.new', valueType: 'string', fallback: '' });
    expect(() => session.value('ui.new')).toThrow(expect.objectContaining({ code: 'not_found' }));
  });

  test('keeps what was in force at its moment, before the beginning and past the end of an interval', async () => {
    const start = varve.now();
    const effectiveFrom = new Date(start + 60_000).toISOString();
    const effectiveUntil = new Date(start + 120_000).toISOString();
    await write({ ...set('openai/gpt-4o'), effectiveFrom, effectiveUntil });
    const sessions = [startSession(varve, { context, mode: 'pinned' })];
    stand.http.pass(61_000);
    await until(() => varve.value(key, context) === 'openai/gpt-4o');
    sessions.push(startSession(varve, { context, mode: 'pinned' }));
    stand.http.pass(60_000);
    await until(() => varve.value(key, context) !== 'openai/gpt-4o');
    const resumed = await Promise.all(
      sessions.map(({ token }) => resumeSession(stand.client(), kept(token))),
    );
    for (const [early, during] of [sessions, resumed]) {
      expect([early?.value(key), during?.value(key)]).toEqual(['openai/gpt-4-turbo', 'openai/gpt-4o']);
    }
  });

  test('is not refused by a server that has not heard of its revision yet, but asked for again', async () => {
    const { token } = startSession(varve, { context, mode: 'pinned' });
    const ahead = { ...token, revision: varve.status().revision + 1 };
    await expect(resumeSession(varve, ahead)).rejects.toMatchObject({
      code: 'unavailable',
      reason: 'revision_not_reached',
    });
    await write(set('openai/gpt-4o'));
    expect((await resumeSession(varve, ahead)).value(key)).toBe('openai/gpt-4o');
  });

  test('comes back by its token in another process, the same in everything', async () => {
    await write(
      {
        type: 'setOverride',
        key: 'ai.tutor.model',
        scope: 'tenant:acme',
        allocation: { unit: 'user', share: 10_000, arms: [{ name: 'b', value: 'openai/gpt-4o', weight: 1 }] },
      },
      {
        type: 'deprecateModel',
        id: 'openai/gpt-4-turbo',
        successor: 'openai/gpt-4o',
        sunsetAt: '2031-01-01T00:00:00Z',
      },
    );
    const session = startSession(varve, { context, mode: 'pinned' });
    await write(set('openai/gpt-4o'), { type: 'retireKey', key: 'ui.theme' });
    const other = stand.client();
    await other.ready();
    const resumed = await resumeSession(other, kept(session.token));
    expect(resumed.token).toEqual(session.token);
    expect(resumed.context).toEqual(context);
    expect(Object.keys(session.config())).toHaveLength(12);
    expect(resumed.config()).toEqual(session.config());
    for (const name of Object.keys(session.config())) {
      expect(resumed.resolve(name)).toEqual(session.resolve(name));
    }
    expect(other.receipt(resumed.resolve(key), context)).toEqual(
      varve.receipt(session.resolve(key), context),
    );
    expect(resumed.resolve('ai.tutor.model')).toMatchObject({ reason: 'SPLIT', arm: 'b' });
    expect(resumed.resolve(key).model).toMatchObject({ status: 'deprecated', successor: 'openai/gpt-4o' });
  });

  test('answers with the caller’s fallback what it has not, or not so', () => {
    const session = startSession(varve, { context, mode: 'pinned' });
    expect(session.resolve('no.such', { fallback: 7 })).toMatchObject({
      value: 7,
      scope: 'caller',
      reason: 'ERROR',
      failure: { code: 'not_found' },
    });
    expect(session.value('ui.theme', { schema: z.enum(['light', 'dark']) })).toBe('light');
    expect(session.value('ui.theme', { schema: z.number(), fallback: 3 })).toBe(3);
    const throwing = z.string().refine(async () => true);
    expect(session.value('ui.theme', { schema: throwing, fallback: 'own' })).toBe('own');
    expect(() => session.value('ui.theme', { schema: z.number() })).toThrow(
      expect.objectContaining({ code: 'invalid' }),
    );
  });
});

test('a following session is what the ledger says, also when it is resumed', async () => {
  const session = startSession(varve, { context, mode: 'follow' });
  await write(set('openai/gpt-4o'));
  expect(session.value(key)).toBe('openai/gpt-4o');
  expect(session.config()[key]).toBe('openai/gpt-4o');
  const resumed = await resumeSession(varve, kept(session.token));
  await write(set('openai/gpt-4-turbo'));
  expect(resumed.resolve(key)).toMatchObject({ value: 'openai/gpt-4-turbo', scope: 'user:ada' });
});

test('a user’s session uses his provider after another user has configured his', async () => {
  const contexts = createUserContexts(varve);
  await contexts.set('ada', { provider: 'Google', model: 'gemini-2.5-flash' });
  const sessions = (['pinned', 'follow'] as const).map((mode) =>
    contexts.run('ada', () => startSession(varve, { context: { user: 'ada' }, mode })),
  );
  await contexts.set('bob', { provider: 'Anthropic', model: 'claude-3-5-haiku' });
  await write({ type: 'setOverride', key: 'ui.theme', scope: 'tenant:acme', value: 'dark' });
  const seen = contexts.run({ user: 'bob', tenant: 'acme' }, () =>
    sessions.map((session) => [
      session.value('runtime.provider'),
      session.config()['runtime.model'],
      session.value('ui.theme'),
    ]),
  );
  expect(seen).toEqual(Array(2).fill(['Google', 'gemini-2.5-flash', 'light']));
  await contexts.close();
});

describe('what is no session', () => {
  test('a token that is none, or of another ledger, is invalid', async () => {
    const at = '2026-01-01T00:00:00Z';
    const tokens = [
      null,
      'pinned',
      { mode: 'pinned', ledger: 'default', revision: -1, at, context: {} },
      { mode: 'pinned', ledger: 'default', revision: 1, at: 'yesterday', context: {} },
      { mode: 'pinned', ledger: 'default', revision: 1e9, at, context: {} },
      { mode: 'follow', ledger: 'default', context: { user: '' } },
      { mode: 'follow', ledger: 'another', context: {} },
    ];
    for (const token of tokens) {
      await expect(resumeSession(varve, token), JSON.stringify(token)).rejects.toMatchObject({
        code: 'invalid',
      });
    }
  });

  test('a context that is none is invalid', () => {
    expect(() => startSession(varve, { context: { user: '' }, mode: 'follow' })).toThrow(
      expect.objectContaining({ code: 'invalid' }),
    );
  });

  test('without values none is started, and without a server none is resumed', async () => {
    const alone = stand.client({ url: 'http://127.0.0.1:9' });
    for (const mode of ['pinned', 'follow'] as const) {
      expect(() => startSession(alone, { context, mode })).toThrow(
        expect.objectContaining({ code: 'unavailable', reason: 'starting' }),
      );
    }
    const resumed = resumeSession(alone, startSession(varve, { context, mode: 'pinned' }).token);
    await Promise.all([expect(resumed).rejects.toMatchObject({ code: 'unavailable' }), alone.close()]);
  });
});
