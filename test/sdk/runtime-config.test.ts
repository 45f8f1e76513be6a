/** The effective configuration of design note 000 before a real server: the note's example, its words, one moment. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { getPlannerModel, getSectionBuilderModel, getTutorModel } from '../../src/sdk/model-choice.ts';
import { resolveEffectiveRuntimeConfig } from '../../src/sdk/runtime-config.ts';
import type { Varve } from '../../src/sdk/varve.ts';
import { seedChanges } from '../../src/seed/seed-changes.ts';
import { type SdkStand, startSdkStand } from '../support/sdk-stand.ts';

const tenant = '6f1f1f0e-9c1c-4b55-9a55-0d7c3a3a1c11';

let stand: SdkStand;
let varve: Varve;

beforeEach(async () => {
  stand = await startSdkStand();
  await stand.http.change(...seedChanges({ catalogue: true }));
  varve = stand.client();
  await varve.ready();
});
afterEach(() => stand.close());

async function write(...changes: readonly object[]): Promise<void> {
  await varve.write({ reason: 'the example of the note', changes });
}
const set = (key: string, scope: string, value: string) => ({ type: 'setOverride', key, scope, value });

test('the example of the note: global, tier 3, a tenant, a user', async () => {
  await write(
    set('ai.planner.model', 'global', 'gemini/gemini-2.5-pro'),
    set('ai.planner.model', 'tier:3', 'openai/gpt-4-turbo'),
    set('ai.section_builder.model', `tenant:${tenant}`, 'anthropic/claude-3-sonnet'),
    set('ai.planner.model', 'user:17', 'vertexai/vertex-gemini-3.0-pro'),
  );
  const everything = resolveEffectiveRuntimeConfig(varve, {
    orgId: tenant,
    subscriptionTierId: 3,
    userId: 17,
  });
  expect(getPlannerModel(everything)).toEqual({ provider: 'vertexai', model: 'vertex-gemini-3.0-pro' });
  expect(getSectionBuilderModel(everything)).toEqual({ provider: 'anthropic', model: 'claude-3-sonnet' });
  expect(getTutorModel(everything)).toEqual({ provider: 'gemini', model: 'gemini-2.5-flash' });
  expect(Object.keys(everything).sort()).toEqual([...varve.keys()].sort());
  const withoutUser = { orgId: tenant, subscriptionTierId: '3', userId: null };
  expect(getPlannerModel(resolveEffectiveRuntimeConfig(varve, withoutUser))).toEqual({
    provider: 'openai',
    model: 'gpt-4-turbo',
  });
  expect(getPlannerModel(resolveEffectiveRuntimeConfig(varve))).toMatchObject({ model: 'gemini-2.5-pro' });
});

test('it is what it was: a later change is seen by the next one only', async () => {
  const before = resolveEffectiveRuntimeConfig(varve);
  await write(set('ai.planner.model', 'global', 'openai/gpt-4o'));
  expect(getPlannerModel(before)).toEqual({ provider: 'gemini', model: 'gemini-2.5-pro' });
  expect(getPlannerModel(resolveEffectiveRuntimeConfig(varve))).toEqual({
    provider: 'openai',
    model: 'gpt-4o',
  });
});

test('what is no id is nobody: invalid, and not everybody', () => {
  for (const id of ['', 'a\nb', 1.5, Number.NaN]) {
    for (const askedFor of [{ userId: id }, { orgId: id }, { subscriptionTierId: id }]) {
      expect(() => resolveEffectiveRuntimeConfig(varve, askedFor)).toThrow(
        expect.objectContaining({ code: 'invalid', reason: 'bad_id' }),
      );
    }
  }
});

test('keys that every object has are keys like others', async () => {
  await write({ type: 'defineKey', key: 'constructor', valueType: 'string', fallback: 'a value' });
  expect(resolveEffectiveRuntimeConfig(varve)['constructor']).toBe('a value');
  expect(resolveEffectiveRuntimeConfig(varve)['to_string']).toBeUndefined();
});

test('a boundary is crossed by all values together', async () => {
  const keys = Array.from({ length: 40 }, (_, i) => `k_${i}`);
  // Each look at the clock takes its time, so that the boundary falls between two values.
  let looks = 0;
  const slow = stand.client({}, { elapsed: () => performance.now() + looks++ / 4 });
  await slow.ready();
  const start = slow.now() + 200;
  const from = { effectiveFrom: new Date(start).toISOString() };
  await slow.write({
    reason: 'all at once',
    changes: [
      ...keys.map((key) => ({ type: 'defineKey', key, valueType: 'string', fallback: 'before' })),
      ...keys.map((key) => ({ ...set(key, 'global', 'after'), ...from })),
    ],
  });
  const seen = new Set<unknown>();
  while (!seen.has('after')) {
    const config = resolveEffectiveRuntimeConfig(slow);
    const values = new Set(keys.map((key) => config[key]));
    expect(values.size).toBe(1);
    for (const value of values) seen.add(value);
    if (values.has('before')) await new Promise(setImmediate);
  }
  expect([...seen]).toEqual(['before', 'after']);
});

test('before there are values, and after the end, it is unavailable and not the defaults', async () => {
  const early = stand.client({ url: 'http://127.0.0.1:9' });
  expect(() => resolveEffectiveRuntimeConfig(early)).toThrow(
    expect.objectContaining({ code: 'unavailable' }),
  );
  await varve.close();
  expect(() => resolveEffectiveRuntimeConfig(varve)).toThrow(
    expect.objectContaining({ code: 'unavailable' }),
  );
});
