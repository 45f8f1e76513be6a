import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { AnyChange } from '../../../src/domain/change.ts';
import { type Excerpt, excerptOf } from '../../../src/domain/compare/excerpt.ts';
import { draftOf, enterWorld, priceIn, type World } from '../../../src/domain/compare/world.ts';
import { decideAll } from '../../../src/domain/decide.ts';
import type { LiveState } from '../../../src/domain/live-state.ts';
import { resolve } from '../../../src/domain/resolve.ts';
import { Failure } from '../../../src/failure.ts';
import {
  anyChange,
  contexts,
  historyOf,
  modelIds,
  modelKey,
  moments,
  play,
  stringKey,
} from '../../support/random-histories.ts';

const keys = [stringKey, modelKey];
const asked = new Map(keys.map((key) => [key, contexts]));

/** An excerpt of the world on a state's head. */
function excerptIn(state: LiveState, world: World): Excerpt {
  const excerpt = excerptOf(state, asked);
  enterWorld(world, excerpt);
  return excerpt;
}

function decidedOrUndefined(state: LiveState, changes: readonly AnyChange[], now: number) {
  try {
    return decideAll(state, changes, now, 'api');
  } catch (error) {
    if (error instanceof Failure && error.code === 'refused') return undefined;
    throw error;
  }
}

describe('a draft', () => {
  test('resolves and costs as the same changes would if they were made', () => {
    let compared = 0;
    const changes = fc.array(anyChange, { minLength: 1, maxLength: 3 });
    fc.assert(
      fc.property(historyOf(anyChange, 2), changes, (history, wished) => {
        const { state, now } = play(history);
        const decided = decidedOrUndefined(state, wished, now);
        if (decided === undefined) return;
        compared += 1;
        const draft = draftOf(decided, now);
        const worlds = moments
          .filter((at) => at >= now)
          .map((at) => ({ at, asOf: state.revision, draft }))
          .map((world) => ({ world, drafted: excerptIn(state, world) }));
        const before = new Map([...state.models()].map(({ id, prices }) => [id, prices]));
        state.absorb(decided.overlay, now);
        for (const { world, drafted } of worlds) {
          for (const key of keys) {
            for (const context of contexts) {
              expect(resolve(drafted, key, context, world.at)).toEqual(
                resolve(state, key, context, world.at),
              );
            }
          }
          for (const id of modelIds) {
            const made = { at: world.at, asOf: state.revision };
            const price = priceIn(world, id, before.get(id) ?? []);
            expect(price).toEqual(priceIn(made, id, state.model(id)?.prices ?? []));
          }
        }
      }),
      { numRuns: 400 },
    );
    expect(compared).toBeGreaterThan(30);
  });

  test('leaves the overrides of a moment before it alone', () => {
    const { state, now } = play([]);
    const set: AnyChange = { type: 'setOverride', key: stringKey, scope: 'global', value: 'a' };
    const draft = draftOf(decideAll(state, [set], now, 'api'), now);
    const at = now - 1;
    const drafted = excerptIn(state, { at, asOf: state.revision, draft });
    expect(resolve(drafted, stringKey, {}, at)?.scope).toBe('fallback');
    expect(resolve(drafted, stringKey, {}, now)?.scope).toBe('fallback');
  });
});

describe('an arm', () => {
  const allocation = {
    unit: 'user' as const,
    share: 1,
    salt: 'salt',
    arms: [
      { name: 'one', value: 'a', weight: 1 },
      { name: 'two', value: 'b', weight: 9_999 },
    ],
  };
  const { state, now } = play([
    {
      hours: 1,
      changes: [
        { type: 'setOverride', key: stringKey, scope: 'tier:1', allocation },
        { type: 'setOverride', key: stringKey, scope: 'global', value: 'all' },
      ],
    },
  ]);
  const inArm = (arm: string) => {
    const excerpt = excerptOf(state, asked);
    return { found: enterWorld({ at: now, asOf: state.revision, arm }, excerpt), excerpt };
  };

  test('is everybody’s who is a unit; others fall through', () => {
    const { found, excerpt } = inArm('one');
    expect(found).toBe(1);
    for (const user of ['v', 'w', 'x', 'y']) {
      expect(resolve(excerpt, stringKey, { user, tier: '1' }, now)).toMatchObject({
        value: 'a',
        arm: 'one',
        reason: 'SPLIT',
      });
    }
    expect(resolve(excerpt, stringKey, { tier: '1' }, now)?.value).toBe('all');
  });

  test('that an allocation has not changes nothing', () => {
    const { found, excerpt } = inArm('three');
    expect(found).toBe(0);
    for (const context of contexts) {
      expect(resolve(excerpt, stringKey, context, now)).toEqual(resolve(state, stringKey, context, now));
    }
  });

  test('is imposed on the excerpt alone', () => {
    const before = contexts.map((context) => resolve(state, stringKey, context, now));
    inArm('one');
    expect(contexts.map((context) => resolve(state, stringKey, context, now))).toEqual(before);
  });
});
