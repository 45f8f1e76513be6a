/** A model's life: deprecated with successor and sunset, reinstated, removed unless something stands on it. */
import { describe, expect, test } from 'vitest';
import type { AnyChange, ChangeOf } from '../../src/domain/change.ts';
import type { EventBody } from '../../src/domain/event.ts';
import {
  allocationSet,
  keyDefined,
  keyRetired,
  modelAdded,
  modelDeprecated,
  modelKeyDefined,
  modelReinstated,
  modelRemoved,
  overrideCleared,
  overrideSet,
  overrideWithdrawn,
} from '../support/drafts.ts';
import { day, given } from '../support/specification.ts';

const [a, b, c] = ['openai/a', 'openai/b', 'openai/c'] as const;
const three = [modelAdded(a), modelAdded(b), modelAdded(c)];
const key = 'ai.planner.model';

const deprecate = (id: string, rest: Partial<ChangeOf<'deprecateModel'>> = {}): AnyChange => ({
  type: 'deprecateModel',
  id,
  ...rest,
});
const reinstate = (id: string): AnyChange => ({ type: 'reinstateModel', id });
const remove = (id: string, orRetireAt?: string): AnyChange => ({
  type: 'removeModel',
  id,
  ...(orRetireAt === undefined ? {} : { orRetireAt }),
});

describe('deprecating', () => {
  test('with a successor and a sunset, or without', () => {
    given(...three)
      .when(deprecate(a))
      .then([modelDeprecated(a)]);
    given(...three)
      .when(deprecate(a, { successor: b, sunsetAt: day(30), observedAt: day(-1) }))
      .then([modelDeprecated(a, { successor: b, sunsetAt: day(30), observedAt: day(-1) })]);
    given(...three)
      .when(deprecate('openai:a', { successor: 'openai:b' }))
      .then([modelDeprecated(a, { successor: b })]);
  });

  test('with a sunset of the past, which retires at once', () => {
    given(...three)
      .when(deprecate(a, { sunsetAt: day(-30) }))
      .then([modelDeprecated(a, { sunsetAt: day(-30) })]);
  });

  test('the same once more changes nothing; other details do', () => {
    const is = modelDeprecated(a, { successor: b, sunsetAt: day(30) });
    given(...three, is)
      .when(deprecate(a, { successor: 'openai:b', sunsetAt: day(30) }))
      .thenNothing();
    given(...three, is)
      .when(deprecate(a))
      .then([modelDeprecated(a)]);
    given(...three, is)
      .when(deprecate(a, { successor: c, sunsetAt: day(30) }))
      .then([modelDeprecated(a, { successor: c, sunsetAt: day(30) })]);
    given(...three, is)
      .when(deprecate(a, { successor: b, sunsetAt: day(31) }))
      .then([modelDeprecated(a, { successor: b, sunsetAt: day(31) })]);
  });

  test('models and successors that are not there are refused', () => {
    given().when(deprecate(a)).thenRefused('unknown_model');
    given(...three, modelRemoved(a))
      .when(deprecate(a))
      .thenRefused('removed_model');
    given(modelAdded(a))
      .when(deprecate(a, { successor: b }))
      .thenRefused('unknown_model');
    given(...three, modelRemoved(b))
      .when(deprecate(a, { successor: b }))
      .thenRefused('removed_model');
  });

  test('says who still stands on it, at most five', () => {
    const users = Array.from({ length: 7 }, (_, n) => overrideSet(key, `user:${n}`, a));
    const { warnings } = given(...three, modelKeyDefined(key), ...users)
      .when(deprecate(a))
      .decided();
    expect(warnings).toStrictEqual([
      {
        code: 'still_used',
        message: `${a} is still used: ${[0, 1, 2, 3, 4].map((n) => `${key} for user:${n}`).join(', ')}`,
        path: 'changes.0',
      },
    ]);
  });
});

describe('cycles of successors are refused', () => {
  test('a model that succeeds itself', () => {
    given(...three)
      .when(deprecate(a, { successor: a }))
      .thenRefused('successor_cycle');
  });

  test('two and three', () => {
    given(...three, modelDeprecated(b, { successor: a }))
      .when(deprecate(a, { successor: b }))
      .thenRefused('successor_cycle');
    given(...three, modelDeprecated(b, { successor: c }), modelDeprecated(c, { successor: a }))
      .when(deprecate(a, { successor: b }))
      .thenRefused('successor_cycle');
    given(...three)
      .when([deprecate(a, { successor: b }), deprecate(b, { successor: c }), deprecate(c, { successor: a })])
      .thenRefused('successor_cycle', 'changes.2');
  });

  test('but not a long chain, nor two ways to one model', () => {
    const ids = Array.from({ length: 20 }, (_, n) => `openai/m${n}`);
    given(...ids.map((id) => modelAdded(id)))
      .when(ids.slice(1).map((successor, n) => deprecate(ids[n] ?? '', { successor })))
      .then(
        ids.slice(1).map((successor, n) => modelDeprecated(ids[n] ?? '', { successor })),
        ids.slice(2).map(() => 'still_used'),
      );
    given(...three, modelDeprecated(b, { successor: c }))
      .when(deprecate(a, { successor: c }))
      .then([modelDeprecated(a, { successor: c })]);
  });

  test('what is reinstated leads nowhere any more', () => {
    given(...three, modelDeprecated(b, { successor: a }), modelReinstated(b))
      .when(deprecate(a, { successor: b }))
      .then([modelDeprecated(a, { successor: b })]);
  });
});

describe('reinstating', () => {
  test('brings back what is deprecated or retired', () => {
    given(...three, modelDeprecated(a, { successor: b, sunsetAt: day(-1) }))
      .when(reinstate('openai:a'))
      .then([modelReinstated(a)]);
    given(modelAdded(a, { status: 'retired' }))
      .when(reinstate(a))
      .then([modelReinstated(a)]);
  });

  test('changes nothing where nothing was ended', () => {
    given(modelAdded(a)).when(reinstate(a)).thenNothing();
    given(modelAdded(a, { status: 'beta' }))
      .when(reinstate(a))
      .thenNothing();
    given().when(reinstate(a)).thenRefused('unknown_model');
    given(modelAdded(a), modelRemoved(a)).when(reinstate(a)).thenRefused('removed_model');
  });
});

describe('removing', () => {
  const inUse: readonly [string, readonly EventBody[]][] = [
    ['an override', [modelKeyDefined(key), overrideSet(key, 'user:u', a)]],
    [
      'an override until tomorrow',
      [modelKeyDefined(key), overrideSet(key, 'user:u', a, { effectiveUntil: day(1) })],
    ],
    [
      'a scheduled override',
      [modelKeyDefined(key), overrideSet(key, 'global', a, { effectiveFrom: day(1) })],
    ],
    [
      'an override under a temporary one',
      [
        modelKeyDefined(key),
        overrideSet(key, 'global', a),
        overrideSet(key, 'global', b, { effectiveUntil: day(1) }),
      ],
    ],
    [
      'an arm',
      [
        modelKeyDefined(key),
        allocationSet(key, 'global', {
          unit: 'user',
          share: 0,
          salt: 's',
          arms: [
            { name: 'b', value: b, weight: 1 },
            { name: 'a', value: a, weight: 1 },
          ],
        }),
      ],
    ],
    ['a fallback', [modelKeyDefined(key, { fallback: a })]],
    ['a successor', [modelDeprecated(b, { successor: a })]],
    ['the successor of what is past its sunset', [modelDeprecated(b, { successor: a, sunsetAt: day(-1) })]],
  ];
  test.each(inUse)('is refused for %s', (_, events) => {
    given(...three, ...events)
      .when(remove(a))
      .thenRefused('model_in_use');
  });

  test.each(inUse)('or retires it by name of the date, for %s', (_, events) => {
    given(...three, ...events)
      .when([remove(a, day(10)), remove(a, day(10))])
      .then([modelDeprecated(a, { sunsetAt: day(10) })], ['retired_instead', 'retired_instead']);
  });

  const notInUse: readonly [string, readonly EventBody[]][] = [
    ['nothing', []],
    [
      'an override that is over',
      [modelKeyDefined(key), overrideSet(key, 'user:u', a, { effectiveUntil: day(-1) })],
    ],
    [
      'an override that was cleared',
      [modelKeyDefined(key), overrideSet(key, 'user:u', a), overrideCleared(key, 'user:u')],
    ],
    [
      'an override that was taken back',
      [
        modelKeyDefined(key),
        overrideSet(key, 'user:u', a, { effectiveFrom: day(1) }),
        overrideWithdrawn(key, 'user:u', 5),
      ],
    ],
    [
      'a retired key',
      [modelKeyDefined(key, { fallback: a }), overrideSet(key, 'user:u', a), keyRetired(key)],
    ],
    ['a key of strings', [keyDefined(key, { fallback: a }), overrideSet(key, 'user:u', a)]],
    ['the successor of what was removed', [modelDeprecated(b, { successor: a }), modelRemoved(b)]],
    ['a model that has a successor itself', [modelDeprecated(a, { successor: b, sunsetAt: day(1) })]],
  ];
  test.each(notInUse)('goes for %s', (_, events) => {
    given(...three, ...events)
      .when(remove('openai:a'))
      .then([modelRemoved(a)]);
    given(...three, ...events)
      .when(remove(a, day(10)))
      .then([modelRemoved(a)]);
  });

  test('what uses it may go before it in the same changeset', () => {
    given(...three, modelKeyDefined(key), overrideSet(key, 'user:u', a))
      .when([{ type: 'clearOverride', key, scope: 'user:u' }, remove(a)])
      .then([overrideCleared(key, 'user:u'), modelRemoved(a)]);
    given(...three, modelKeyDefined(key))
      .when([{ type: 'setOverride', key, scope: 'user:u', value: a }, remove(a)])
      .thenRefused('model_in_use', 'changes.1');
  });

  test('a retirement keeps the successor, and never brings back what is retired', () => {
    const used = [modelKeyDefined(key), overrideSet(key, 'user:u', a)];
    given(...three, ...used, modelDeprecated(a, { successor: b }))
      .when(remove(a, day(10)))
      .then([modelDeprecated(a, { successor: b, sunsetAt: day(10) })], ['retired_instead']);
    given(...three, ...used, modelDeprecated(a, { successor: b, sunsetAt: day(-1) }))
      .when(remove(a, day(10)))
      .thenNothing(['retired_instead']);
    given(modelAdded(a, { status: 'retired' }), ...used)
      .when(remove(a, day(10)))
      .thenNothing(['retired_instead']);
  });

  test('what is not there is refused', () => {
    given().when(remove(a)).thenRefused('unknown_model');
    given(...three, modelRemoved(a))
      .when(remove(a))
      .thenRefused('removed_model');
  });
});
