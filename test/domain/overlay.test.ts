/** Overlays: what lies on top is seen through all of them, what is below is left alone, absorbing is applying. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { AnyChange } from '../../src/domain/change.ts';
import { decideAll } from '../../src/domain/decide.ts';
import type { EventBody } from '../../src/domain/event.ts';
import { formatInstant } from '../../src/domain/instant.ts';
import { LiveState, type View } from '../../src/domain/live-state.ts';
import { usesOf } from '../../src/domain/model-uses.ts';
import { Overlay } from '../../src/domain/overlay.ts';
import { Failure } from '../../src/failure.ts';
import {
  apiKeyCreated,
  keyDefined,
  modelAdded,
  modelKeyDefined,
  modelRemoved,
  overrideSet,
} from '../support/drafts.ts';
import { anyChange, historyOf, modelIds, modelKey, play, stringKey } from '../support/random-histories.ts';
import { day, fold } from '../support/specification.ts';

const key = 'app.greeting';

function put(overlay: Overlay, ...events: readonly EventBody[]): Overlay {
  for (const body of events) overlay.apply({ ...body, revision: overlay.revision + 1, recordedAt: day(0) });
  return overlay;
}

/** Everything that a view can be asked, in one record. */
function everythingIn(view: View) {
  const keys = [...view.keys()].toSorted((a, b) => a.definition.key.localeCompare(b.definition.key));
  return {
    revision: view.revision,
    keys,
    models: [...view.models()].toSorted((a, b) => a.id.localeCompare(b.id)),
    apiKeys: [...view.apiKeys()].toSorted((a, b) => a.id.localeCompare(b.id)),
    ledgers: [...view.ledgers()].toSorted((a, b) => a.name.localeCompare(b.name)),
    tags: ['v1', 'v2'].map((name) => view.tag(name)),
    overrides: keys.map(({ definition }) =>
      [...view.overridesOf(definition.key)].toSorted(([a], [b]) => a.localeCompare(b)),
    ),
    providers: ['openai', 'google'].map((provider) => [
      provider,
      view.knowsProvider(provider),
      view.modelsOf(provider),
    ]),
    names: modelIds.map((id) => view.namesOf(id)),
  };
}

describe('an overlay', () => {
  const below = fold(
    keyDefined(key),
    overrideSet(key, 'global', 'g'),
    overrideSet(key, 'tier:1', 't'),
    modelAdded('openai/a'),
    apiKeyCreated('k'),
  );

  test('shows what is below until it is touched', () => {
    const overlay = new Overlay(below);
    expect(everythingIn(overlay)).toStrictEqual(everythingIn(below));
    expect(overlay.touched().size).toBe(0);
  });

  test('shows what was put on top, each subject once, and leaves what is below alone', () => {
    const before = everythingIn(below);
    const overlay = put(
      new Overlay(below),
      overrideSet(key, 'tier:1', 'T'),
      overrideSet(key, 'user:1', 'u'),
      overrideSet('other.key', 'user:1', 'u'),
      modelRemoved('openai/a'),
      modelAdded('google/c'),
      { type: 'ApiKeyRevoked', data: { id: 'k' } },
      { type: 'LedgerCreated', data: { name: 'staging' } },
      { type: 'RevisionTagged', data: { name: 'v1', revision: 1 } },
    );
    expect(everythingIn(below)).toStrictEqual(before);
    expect([...overlay.overridesOf(key)].map(([scope, { version }]) => [scope, version])).toStrictEqual([
      ['global', 1],
      ['tier:1', 2],
      ['user:1', 1],
    ]);
    expect([...overlay.models()].map(({ id, status }) => [id, status])).toStrictEqual([
      ['openai/a', 'removed'],
      ['google/c', 'active'],
    ]);
    expect([...overlay.apiKeys()].map(({ revoked }) => revoked)).toStrictEqual([true]);
    expect([...overlay.ledgers()].map(({ name }) => name)).toStrictEqual(['staging']);
    expect(['openai', 'google'].map((provider) => overlay.knowsProvider(provider))).toStrictEqual([
      false,
      true,
    ]);
    expect(overlay.subject(`override:${key}@tier:1`)).toBe(overlay.override(key, 'tier:1'));
    expect(overlay.tag('v1')?.revision).toBe(1);
    expect(overlay.revision).toBe(13);
  });

  test('answers the state before and after each event', () => {
    const overlay = new Overlay(below);
    const event = { ...overrideSet(key, 'tier:1', 'T'), revision: 6, recordedAt: day(0) };
    const { before, after } = overlay.apply(event);
    expect(before).toBe(below.override(key, 'tier:1'));
    expect(after).toBe(overlay.override(key, 'tier:1'));
  });

  test('knows what is scheduled on top of it and below', () => {
    const scheduled = fold(keyDefined(key), overrideSet(key, 'global', 'later', { effectiveFrom: day(1) }));
    const overlay = put(
      new Overlay(scheduled),
      overrideSet(key, 'user:1', 'later', { effectiveFrom: day(2) }),
    );
    expect(overlay.scheduled(2)).toMatchObject({ key, scope: 'global' });
    expect(overlay.scheduled(3)).toMatchObject({ key, scope: 'user:1' });
  });

  test('thrown away leaves no trace, absorbed it leaves all of it', () => {
    const group = put(new Overlay(below), overrideSet(key, 'tier:1', 'T'));
    const refused = put(new Overlay(group), overrideSet(key, 'tier:1', 'X'), modelAdded('google/c'));
    const taken = put(new Overlay(group), overrideSet(key, 'tier:1', 'U'), modelRemoved('openai/a'));
    expect(refused.revision).toBe(taken.revision);
    const wanted = everythingIn(taken);
    group.absorb(taken);
    expect(everythingIn(group)).toStrictEqual(wanted);
  });
});

describe('uses of a model', () => {
  const uses = (view: View) => usesOf(view, 'openai/a', Date.parse(day(0)), 5);

  test('are seen through an overlay, and those that it ends are not', () => {
    const below = fold(
      modelAdded('openai/a'),
      modelAdded('openai/b'),
      modelKeyDefined(key, { fallback: 'openai/b' }),
    );
    expect(uses(below)).toStrictEqual([]);
    const overlay = put(new Overlay(below), overrideSet(key, 'user:1', 'openai/a'));
    expect(uses(overlay)).toStrictEqual([`${key} for user:1`]);
    const above = put(new Overlay(overlay), overrideSet(key, 'user:1', 'openai/b'));
    expect(uses(above)).toStrictEqual([]);
  });

  test('are all found among many, however they came there', () => {
    const others = Array.from({ length: 50 }, (_, n) => overrideSet(key, `user:${n}`, 'openai/b'));
    const below = fold(
      modelAdded('openai/a'),
      modelAdded('openai/b'),
      modelKeyDefined(key, { fallback: 'openai/b' }),
      ...others,
      overrideSet(key, 'user:x', 'openai/a', { effectiveUntil: day(-1) }),
      overrideSet(key, 'user:y', 'openai/a', { effectiveFrom: day(1) }),
    );
    expect(uses(below)).toStrictEqual([`${key} for user:y`]);
  });
});

describe('on random histories', () => {
  test('deciding on overlays and absorbing them equals applying the events one by one', () => {
    fc.assert(
      fc.property(historyOf(anyChange, 4), (steps) => {
        const { events, state } = play(steps);
        const applied = new LiveState();
        for (const event of events) applied.apply(event);
        expect(everythingIn(state)).toStrictEqual(everythingIn(applied));
        expect(state.slots).toStrictEqual(applied.slots);
        expect(state.overrideCount).toBe(applied.overrideCount);
        for (const { revision } of events)
          expect(state.scheduled(revision)).toStrictEqual(applied.scheduled(revision));
      }),
      { numRuns: 300 },
    );
  });

  test('a group of changesets on one overlay equals the same changesets one after the other', () => {
    fc.assert(
      fc.property(
        historyOf(anyChange, 3),
        fc.array(fc.array(anyChange, { minLength: 1, maxLength: 3 })),
        (steps, group) => {
          const { events, state, now } = play(steps);
          const alone = new LiveState();
          for (const event of events) alone.apply(event);
          const overlay = new Overlay(state);
          for (const changes of group) {
            const inGroup = decideOrRefusal(overlay, changes, now);
            const oneByOne = decideOrRefusal(alone, changes, now);
            if (typeof inGroup === 'string' || typeof oneByOne === 'string') {
              expect(inGroup).toStrictEqual(oneByOne);
              continue;
            }
            expect(inGroup.events).toStrictEqual(oneByOne.events);
            expect(inGroup.warnings.map(({ code }) => code)).toStrictEqual(
              oneByOne.warnings.map(({ code }) => code),
            );
            overlay.absorb(inGroup.overlay);
            for (const { body, revision } of oneByOne.events)
              alone.apply({ ...body, revision, recordedAt: formatInstant(now) });
            expect(everythingIn(overlay)).toStrictEqual(everythingIn(alone));
          }
          state.absorb(overlay, now);
          expect(everythingIn(state)).toStrictEqual(everythingIn(alone));
          expect([stringKey, modelKey].map((name) => state.slots.get(name))).toStrictEqual(
            [stringKey, modelKey].map((name) => alone.slots.get(name)),
          );
        },
      ),
      { numRuns: 200 },
    );
  });
});

function decideOrRefusal(view: View, changes: readonly AnyChange[], now: number) {
  try {
    return decideAll(view, changes, now, 'api');
  } catch (error) {
    if (error instanceof Failure && error.code === 'refused') return error.reason ?? '';
    throw error;
  }
}
