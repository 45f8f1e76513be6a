/** Patched states: what is otherwise in them, what is not, and a held state that stays while the live one moves on. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { LiveState } from '../../../src/domain/live-state.ts';
import { holdState, type OverridesById, PatchedState } from '../../../src/domain/preview/patched-state.ts';
import { keyDefined, modelAdded, modelRemoved, overrideSet } from '../../support/drafts.ts';
import { anyChange, historyOf, modelIds, play } from '../../support/random-histories.ts';
import { fold } from '../../support/specification.ts';

const key = 'app.greeting';

/** Everything that resolution and a preview can see. */
function contentOf(state: ConstructorParameters<typeof PatchedState>[0]) {
  const sorted = (overrides: OverridesById) => {
    const entries = [...overrides];
    for (const [id, one] of entries) expect(overrides.get(id)).toBe(one);
    expect(overrides.size).toBe(entries.length);
    return entries.toSorted(([a], [b]) => (a < b ? -1 : 1));
  };
  const slots = [...state.slots.keys()].toSorted().map((name) => {
    const found = state.slots.get(name);
    if (found === undefined) return [name];
    const { definition, global, tier, tenant, user } = found;
    return [name, definition, global, sorted(tier), sorted(tenant), sorted(user)];
  });
  return { slots, models: modelIds.map((id) => state.model(id)) };
}

test('is what is below, but for what was put', () => {
  const below = fold(
    keyDefined(key),
    modelAdded('openai/a'),
    overrideSet(key, 'user:1', 'a'),
    overrideSet(key, 'user:2', 'b'),
    overrideSet(key, 'global', 'g'),
  );
  const patched = new PatchedState(below);
  expect(contentOf(patched)).toStrictEqual(contentOf(below));
  const untouched = contentOf(below);
  patched.put(`override:${key}@user:1`, undefined);
  patched.put(`override:${key}@global`, undefined);
  patched.put(`override:${key}@user:3`, { version: 1, assertions: [] });
  patched.put('override:other.key@tier:1', { version: 1, assertions: [] });
  patched.put(`key:${key}`, undefined);
  patched.put('model:openai/a', undefined);
  expect([...(patched.slots.get(key)?.user ?? [])].map(([id]) => id)).toStrictEqual(['2', '3']);
  expect(patched.slots.get(key)).toMatchObject({ definition: undefined, global: undefined });
  expect([...patched.slots.keys()]).toStrictEqual([key, 'other.key']);
  expect(patched.model('openai/a')).toBeUndefined();
  expect(patched.slots.get('unknown.key')).toBeUndefined();
  expect(contentOf(below)).toStrictEqual(untouched);
});

test('a held state is what the live one was, and lets go of it when it is released', () => {
  const live = fold(keyDefined(key), modelAdded('openai/a'), overrideSet(key, 'user:1', 'a'));
  const held = holdState(live);
  const apply = (body: ReturnType<typeof keyDefined>) =>
    live.apply({ ...body, revision: live.revision + 1, recordedAt: '2026-03-01T00:00:00.000Z' });
  const entries = held.state.slots.get(key)?.user[Symbol.iterator]();
  apply(overrideSet(key, 'user:1', 'A'));
  expect(entries?.next().value).toMatchObject(['1', { version: 1 }]);
  apply(overrideSet(key, 'user:2', 'b'));
  apply(keyDefined('new.key'));
  apply(modelRemoved('openai/a'));
  expect(entries?.next().done).toBe(true);
  expect([...held.state.slots.keys()]).toStrictEqual([key]);
  expect(held.state.model('openai/a')?.status).toBe('active');
  held.release();
  apply(overrideSet(key, 'user:3', 'c'));
  expect(held.state.slots.get(key)?.user.get('3')).toBeDefined();
});

test('on random histories a held state stays what it was, however much is looked at in between', () => {
  fc.assert(
    fc.property(
      historyOf(anyChange, 3),
      historyOf(anyChange, 3),
      fc.boolean(),
      (past, future, isLookedAt) => {
        let held: ReturnType<typeof holdState> | undefined;
        let wanted: unknown;
        let count = 0;
        play([...past, ...future], (_decided, _step, { state }) => {
          if (count === past.length) {
            wanted = contentOf(state);
            held = holdState(state);
          }
          if (isLookedAt && held !== undefined) contentOf(held.state);
          count++;
        });
        if (held !== undefined) expect(contentOf(held.state)).toStrictEqual(wanted);
      },
    ),
    { numRuns: 300 },
  );
});

test('tags, API keys and ledgers mean nothing to it', () => {
  const patched = new PatchedState(new LiveState());
  patched.put('tag:v1', { version: 1, name: 'v1', revision: 1, taggedAt: 0 });
  expect(contentOf(patched)).toStrictEqual(contentOf(new LiveState()));
});
