/** Overrides that are allocations: salts that are kept, arms that obey what values obey. */
import { describe, expect, test } from 'vitest';
import { type AnyChange, changeSchema } from '../../src/domain/change.ts';
import type { EventBody } from '../../src/domain/event.ts';
import type { JsonValue } from '../../src/domain/json.ts';
import {
  allocationSet,
  keyDefined,
  modelAdded,
  modelDeprecated,
  modelKeyDefined,
  overrideCleared,
  overrideSet,
  overrideWithdrawn,
} from '../support/drafts.ts';
import { day, given } from '../support/specification.ts';

const key = 'app.greeting';
const arms = [
  { name: 'control', value: 'a', weight: 1 },
  { name: 'trial', value: 'b', weight: 3 },
];

const change = (
  share: number,
  rest: { salt?: string; arms?: typeof arms | { name: string; value: JsonValue; weight: number }[] } = {},
  interval = {},
): AnyChange => ({
  type: 'setOverride',
  key,
  scope: 'global',
  allocation: { unit: 'user', share, arms, ...rest },
  ...interval,
});
const held = (share: number, salt: string, interval = {}): EventBody =>
  allocationSet(key, 'global', { unit: 'user', share, salt, arms }, interval);

describe('the salt', () => {
  const defined = keyDefined(key);

  test('is the key at first', () => {
    given(defined)
      .when(change(100))
      .then([held(100, key)]);
  });

  test('is what is given', () => {
    given(defined)
      .when(change(100, { salt: 'spring' }))
      .then([held(100, 'spring')]);
    given(defined, held(100, 'spring'))
      .when(change(100, { salt: 'autumn' }))
      .then([held(100, 'autumn')]);
  });

  test('left out, stays that of the allocation before, so that a growing share keeps everybody', () => {
    given(defined, held(100, 'spring'))
      .when(change(1_000))
      .then([held(1_000, 'spring')]);
  });

  test('is kept over a value, a clear and an end', () => {
    given(defined, held(100, 'spring'), overrideSet(key, 'global', 'x'))
      .when(change(200))
      .then([held(200, 'spring')]);
    given(defined, held(100, 'spring'), overrideCleared(key, 'global'))
      .when(change(200))
      .then([held(200, 'spring')]);
    given(defined, held(100, 'spring', { effectiveUntil: day(-50) }), overrideSet(key, 'global', 'x'))
      .when(change(200))
      .then([held(200, 'spring')]);
  });

  test('is that of the allocation in force rather than of one that is scheduled', () => {
    const scheduled = held(100, 'autumn', { effectiveFrom: day(5) });
    given(defined, held(100, 'spring'), scheduled)
      .when(change(200))
      .then([held(200, 'spring')], ['scheduled_stands']);
    given(defined, held(100, 'spring'), scheduled)
      .when(change(200, {}, { effectiveFrom: day(6) }))
      .then([held(200, 'autumn', { effectiveFrom: day(6) })], ['takes_over']);
    given(defined, held(100, 'spring'), scheduled, overrideWithdrawn(key, 'global', 3))
      .when(change(200))
      .then([held(200, 'spring')]);
  });

  test('is each scope’s own', () => {
    given(defined, allocationSet(key, 'tier:1', { unit: 'user', share: 1, salt: 'spring', arms }))
      .when(change(100))
      .then([held(100, key)]);
  });
});

describe('what is the same', () => {
  const defined = keyDefined(key);

  test('makes no event', () => {
    given(defined, held(100, key)).when(change(100)).thenNothing();
    given(defined, held(100, 'spring'))
      .when(change(100, { salt: 'spring' }))
      .thenNothing();
  });

  test('is neither another share nor another order of the arms', () => {
    given(defined, held(100, key))
      .when(change(101))
      .then([held(101, key)]);
    const turned = arms.toReversed();
    given(defined, held(100, key))
      .when(change(100, { arms: turned }))
      .then([allocationSet(key, 'global', { unit: 'user', share: 100, salt: key, arms: turned })]);
  });

  test('is no value that looks like it', () => {
    const ofObjects = keyDefined(key, { valueType: 'object', fallback: {} });
    const objects = [{ name: 'a', value: {}, weight: 1 }];
    const allocation = { unit: 'user' as const, share: 100, salt: key, arms: objects };
    given(ofObjects, overrideSet(key, 'global', allocation))
      .when(change(100, { arms: objects }))
      .then([allocationSet(key, 'global', allocation)]);
  });
});

describe('arms', () => {
  const models = [modelAdded('openai/gpt-4o'), modelAdded('openai/gpt-4'), modelDeprecated('openai/gpt-4')];
  const ofModels = modelKeyDefined(key, { defaultProvider: 'openai' });
  const armsOf = (...values: JsonValue[]) =>
    values.map((value, index) => ({ name: `arm ${index}`, value, weight: 1 }));

  test('are kept as provider/model', () => {
    const kept = armsOf('openai/gpt-4o', 'openai/gpt-4o', 'openai/gpt-4o');
    given(...models, ofModels)
      .when(change(1, { arms: armsOf('gpt-4o', 'openai:gpt-4o', { provider: 'openai', model: 'gpt-4o' }) }))
      .then([allocationSet(key, 'global', { unit: 'user', share: 1, salt: key, arms: kept })]);
  });

  test('are refused when a value of that kind would be', () => {
    given(...models, ofModels)
      .when(change(1, { arms: armsOf('gpt-4o', 'gpt-4') }))
      .thenRefused('deprecated_model');
    given(...models, ofModels)
      .when(change(1, { arms: armsOf('gpt-4o', 'gpt-5') }))
      .thenRefused('unlisted_model');
    given(...models, ofModels)
      .when(change(1, { arms: armsOf('gpt-4o', 7) }))
      .thenRefused('wrong_type');
    given(keyDefined(key, { schema: { maxLength: 1 } }))
      .when(change(1, { arms: armsOf('a', 'bb') }))
      .thenRefused('schema_violated');
  });

  test('are taken unlisted when the change says so', () => {
    const kept = armsOf('openai/gpt-4', 'openai/gpt-5');
    given(...models, ofModels)
      .when({ ...change(1, { arms: armsOf('gpt-4', 'gpt-5') }), allowUnlisted: true } as AnyChange)
      .then([allocationSet(key, 'global', { unit: 'user', share: 1, salt: key, arms: kept })]);
  });
});

describe('what is no allocation', () => {
  test.each<[string, object, string]>([
    ['no arms', { arms: [] }, 'allocation.arms'],
    ['two arms of one name', { arms: [arms[0], arms[0]] }, 'allocation.arms'],
    ['a weight of 0', { arms: [{ ...arms[0], weight: 0 }] }, 'allocation.arms.0.weight'],
    ['a weight of 10,001', { arms: [{ ...arms[0], weight: 10_001 }] }, 'allocation.arms.0.weight'],
    ['a share of 10,001', { share: 10_001 }, 'allocation.share'],
    ['a share of a half', { share: 0.5 }, 'allocation.share'],
    ['another unit', { unit: 'tier' }, 'allocation.unit'],
    ['an empty salt', { salt: '' }, 'allocation.salt'],
    [
      '101 arms',
      { arms: Array.from({ length: 101 }, (_, n) => ({ ...arms[0], name: `${n}` })) },
      'allocation.arms',
    ],
  ])('%s', (_, wrong, path) => {
    const { allocation, ...rest } = change(1) as Extract<AnyChange, { type: 'setOverride' }>;
    const parsed = changeSchema.safeParse({ ...rest, allocation: { ...allocation, ...wrong } });
    expect(parsed.error?.issues.map((issue) => issue.path.join('.'))).toStrictEqual([path]);
  });
});
