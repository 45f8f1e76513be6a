/**
 * The example of design note 000 through the API: global, tier 3, a tenant, a user; and what surrounds it: why, then,
 * later, for a while. This is what Varve is for, seen from outside.
 */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTestVarve, type TestVarve } from '../support/varve.ts';

let varve: TestVarve;
const key = 'ai.planner.model';
const tenant = '6f1f1f0e-9c1c-4b55-9a55-0d7c3a3a1c11';

beforeAll(async () => {
  varve = await startTestVarve({ seed: 'catalogue' });
});
afterAll(() => varve.stop());

const resolve = async (query: string) => (await varve.call('GET', `/v1/resolve/${key}?${query}`)).body;
const inMs = (ms: number) => new Date(Date.now() + ms).toISOString();
const everybody = `user=u-17&tenant=${tenant}&tier=3`;

test('each level answers as the note says, and the narrower one wins', async () => {
  expect(await resolve(everybody)).toMatchObject({
    value: 'gemini/gemini-2.5-pro',
    scope: 'fallback',
    reason: 'DEFAULT',
    validUntil: null,
    model: { provider: 'gemini', model: 'gemini-2.5-pro', status: 'active' },
  });
  const steps = [
    ['global', 'gemini/gemini-2.5-flash', 'STATIC'],
    ['tier:3', 'openai/gpt-4-turbo', 'TARGETING_MATCH'],
    [`tenant:${tenant}`, 'anthropic/claude-3-sonnet', 'TARGETING_MATCH'],
    ['user:u-17', { provider: 'openai', model: 'gpt-4o' }, 'TARGETING_MATCH'],
  ] as const;
  for (const [scope, value, reason] of steps) {
    const { body } = await varve.change([{ type: 'setOverride', key, scope, value }]);
    const wanted = typeof value === 'string' ? value : `${value.provider}/${value.model}`;
    expect(await resolve(everybody)).toMatchObject({
      value: wanted,
      scope,
      reason,
      revision: body.revisions.last,
    });
  }
  expect(await resolve(`tenant=${tenant}&tier=3`)).toMatchObject({ scope: `tenant:${tenant}` });
  expect(await resolve('tier=3')).toMatchObject({ scope: 'tier:3', value: 'openai/gpt-4-turbo' });
  expect(await resolve('tier=2')).toMatchObject({ scope: 'global', value: 'gemini/gemini-2.5-flash' });
});

test('explain shows every layer with who, when and why', async () => {
  const { body } = await varve.call('GET', `/v1/explain/${key}?${everybody}`);
  expect(
    body.layers.map((layer: { scope: string; outcome: string }) => [layer.scope, layer.outcome]),
  ).toEqual([
    ['user:u-17', 'won'],
    [`tenant:${tenant}`, 'lost'],
    ['tier:3', 'lost'],
    ['global', 'lost'],
  ]);
  for (const layer of body.layers) {
    expect(layer.event).toMatchObject({ actor: { id: 'admin' }, reason: 'a test', source: 'api' });
    expect(Date.parse(layer.event.recordedAt)).toBeGreaterThan(0);
  }
  expect(body.fallback).toMatchObject({ value: 'gemini/gemini-2.5-pro' });
});

test('clearing falls back to the next layer, and asOf still sees what was', async () => {
  const before = (await varve.call('GET', '/v1/status')).body.revision;
  await varve.change([{ type: 'clearOverride', key, scope: 'user:u-17' }]);
  expect(await resolve(everybody)).toMatchObject({ scope: `tenant:${tenant}` });
  expect(await resolve(`${everybody}&asOf=${before}`)).toMatchObject({
    scope: 'user:u-17',
    value: 'openai/gpt-4o',
  });
  const explained = (await varve.call('GET', `/v1/explain/${key}?${everybody}`)).body;
  expect(explained.layers[0]).toMatchObject({ scope: 'user:u-17', outcome: 'cleared' });
});

test('at in the future shows what is scheduled; a change made now leaves it standing and warns', async () => {
  const start = inMs(3_600_000);
  await varve.change([
    { type: 'setOverride', key, scope: 'tier:9', value: 'openai/gpt-4o', effectiveFrom: start },
  ]);
  expect(await resolve('tier=9')).toMatchObject({ scope: 'global', validUntil: start });
  expect(await resolve(`tier=9&at=${start}`)).toMatchObject({ scope: 'tier:9', value: 'openai/gpt-4o' });
  const { body } = await varve.change([
    { type: 'setOverride', key, scope: 'tier:9', value: 'openai/gpt-4-turbo' },
  ]);
  expect(body.warnings).toEqual([expect.objectContaining({ code: 'scheduled_stands', path: 'changes.0' })]);
  expect(await resolve('tier=9')).toMatchObject({ value: 'openai/gpt-4-turbo', validUntil: start });
  expect(await resolve(`tier=9&at=${start}`)).toMatchObject({ value: 'openai/gpt-4o' });
});

test('a temporary override gives way to what the scope held before, and without that to the next layer', async () => {
  const end = inMs(3_600_000);
  await varve.change([{ type: 'setOverride', key, scope: 'tier:5', value: 'openai/gpt-4o' }]);
  await varve.change([
    { type: 'setOverride', key, scope: 'tier:5', value: 'openai/gpt-4-turbo', effectiveUntil: end },
    { type: 'setOverride', key, scope: 'tier:6', value: 'openai/gpt-4-turbo', effectiveUntil: end },
  ]);
  expect(await resolve('tier=5')).toMatchObject({ value: 'openai/gpt-4-turbo', validUntil: end });
  expect(await resolve(`tier=5&at=${end}`)).toMatchObject({ value: 'openai/gpt-4o', scope: 'tier:5' });
  expect(await resolve(`tier=6&at=${end}`)).toMatchObject({
    value: 'gemini/gemini-2.5-flash',
    scope: 'global',
  });
});

test('between two conditional reads around an activation the second is no 304', async () => {
  const start = Date.now() + 1_500;
  await varve.change([
    {
      type: 'setOverride',
      key,
      scope: 'tier:7',
      value: 'openai/gpt-4o',
      effectiveFrom: new Date(start).toISOString(),
    },
  ]);
  const path = `/v1/resolve/${key}?tier=7`;
  const first = await varve.call('GET', path);
  expect(first.headers.get('cache-control')).toMatch(/^private, (max-age=[01]|no-cache)/);
  const tag = first.headers.get('etag') ?? '';
  expect((await varve.call('GET', path, undefined, { 'if-none-match': tag })).status).toBe(304);
  await new Promise((resolve) => setTimeout(resolve, start - Date.now() + 20));
  const second = await varve.call('GET', path, undefined, { 'if-none-match': tag });
  expect(second.status).toBe(200);
  expect(second.body).toMatchObject({ value: 'openai/gpt-4o', scope: 'tier:7' });
  expect(second.headers.get('varve-revision')).toBe(first.headers.get('varve-revision'));
});
