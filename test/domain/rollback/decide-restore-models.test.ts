/**
 * Restoring models, keys and prices: given events, when they are to be what a plan wants, then exactly these events.
 */
import { describe, expect, test } from 'vitest';
import type { EventBody } from '../../../src/domain/event.ts';
import type { RestoreTarget } from '../../../src/domain/rollback/restore.ts';
import {
  keyDefined,
  keyRetired,
  modelAdded,
  modelDeprecated,
  modelKeyDefined,
  modelRemoved,
  overrideSet,
  priceChanged,
} from '../../support/drafts.ts';
import { day } from '../../support/specification.ts';
import {
  eventsOf,
  id,
  instant,
  key,
  override,
  price,
  prices,
  refusalOf,
  restoring,
  scope,
  value,
} from './restore-stand.ts';

describe('a model', () => {
  const wanted = { id, provider: 'openai', model: 'gpt-4o', name: id, contextWindow: 128_000 } as const;
  const target = (version: number, more: object = {}, status = 'active'): RestoreTarget => ({
    kind: 'model',
    subject: `model:${id}`,
    version,
    id,
    wanted: { ...wanted, status, ...more } as never,
  });

  test('is brought from stage to stage', () => {
    const updated: EventBody = { type: 'ModelUpdated', data: { id, updates: { status: 'beta' } } };
    const reinstated: EventBody = { type: 'ModelReinstated', data: { id } };
    const sunset = { successor: 'openai/gpt-5', sunsetAt: instant(day(9)) };
    const given = [modelAdded(id), modelAdded('openai/gpt-5')];
    expect(eventsOf(given, target(1))).toStrictEqual([]);
    expect(eventsOf(given, target(1, {}, 'beta'))).toStrictEqual([updated]);
    expect(eventsOf(given, target(1, sunset, 'deprecated'))).toStrictEqual([
      modelDeprecated(id, { successor: 'openai/gpt-5', sunsetAt: day(9) }),
    ]);
    expect(eventsOf(given, target(1, {}, 'retired'))).toStrictEqual([
      modelDeprecated(id, { sunsetAt: day(0) }),
    ]);
    expect(eventsOf([...given, modelDeprecated(id)], target(2))).toStrictEqual([reinstated]);
    expect(eventsOf([...given, modelDeprecated(id)], target(2, {}, 'beta'))).toStrictEqual([
      reinstated,
      updated,
    ]);
  });

  test('gets back its fields, and loses those that it did not have', () => {
    const update: EventBody = {
      type: 'ModelUpdated',
      data: { id, updates: { name: 'Other', family: 'new', extra: { a: 1, b: 2 } } },
    };
    expect(eventsOf([modelAdded(id), update], target(2, { extra: { a: 3 } }))).toStrictEqual([
      { type: 'ModelUpdated', data: { id, updates: { name: id, family: null, extra: { a: 3, b: null } } } },
    ]);
  });

  test('that somebody uses and that is deprecated again is told', () => {
    const given = [modelAdded(id), modelKeyDefined('ai.model')];
    const { warnings } = restoring(given, [target(1, {}, 'deprecated')]);
    expect(warnings).toStrictEqual([['still_used', `model:${id}`]]);
  });

  test('that was retired without a successor does not keep one', () => {
    const given = [
      modelAdded(id, { status: 'retired' }),
      modelAdded('openai/gpt-5'),
      modelDeprecated(id, { successor: 'openai/gpt-5', sunsetAt: day(-1) }),
    ];
    expect(eventsOf(given, target(2, {}, 'retired'))).toStrictEqual([
      modelDeprecated(id, { sunsetAt: day(0) }),
    ]);
  });

  test('whose successors would lead back to it is refused', () => {
    const given = [
      modelAdded(id),
      modelAdded('openai/gpt-5'),
      modelDeprecated('openai/gpt-5', { successor: id }),
    ];
    const failure = refusalOf(given, [target(1, { successor: 'openai/gpt-5' }, 'deprecated')]);
    expect(failure.reason).toBe('successor_cycle');
  });

  test('that was not there is removed, but not from under what stands on it', () => {
    const gone: RestoreTarget = { kind: 'model', subject: `model:${id}`, version: 1, id, wanted: undefined };
    expect(eventsOf([modelAdded(id)], gone)).toStrictEqual([modelRemoved(id)]);
    expect(refusalOf([modelAdded(id), modelKeyDefined('ai.model')], [gone]).reason).toBe('model_in_use');
  });
});

describe('a key', () => {
  const target = (wanted: Extract<RestoreTarget, { kind: 'key' }>['wanted'], version = 1): RestoreTarget => ({
    kind: 'key',
    subject: `key:${key}`,
    version,
    key,
    wanted,
  });
  const definition = { key, valueType: 'string', fallback: 'fallback' } as const;

  test('is defined as it was, retired, and back', () => {
    const changed = keyDefined(key, { fallback: 'other' });
    expect(eventsOf([keyDefined(key)], target({ definition, retired: false }))).toStrictEqual([]);
    expect(eventsOf([changed], target({ definition, retired: false }))).toStrictEqual([keyDefined(key)]);
    expect(eventsOf([keyDefined(key)], target(undefined))).toStrictEqual([keyRetired(key)]);
    const retired = [keyDefined(key), keyRetired(key)];
    expect(eventsOf(retired, target({ definition, retired: true }, 2))).toStrictEqual([]);
    expect(eventsOf(retired, target({ definition, retired: false }, 2))).toStrictEqual([keyDefined(key)]);
  });

  test('whose merged definition refuses its own fallback is refused', () => {
    const given = [keyDefined(key, { fallback: 'a long text' })];
    const strict = { key, valueType: 'string', fallback: 'a long text', schema: { maxLength: 3 } } as const;
    expect(refusalOf(given, [target({ definition: strict, retired: false })]).reason).toBe('schema_violated');
  });

  test('that is retired under what somebody says about it tells so', () => {
    const given = [keyDefined(key), overrideSet(key, scope, 'his')];
    expect(restoring(given, [target(undefined)])).toStrictEqual({
      events: [keyRetired(key)],
      warnings: [['overrides_stand', `key:${key}`]],
    });
  });

  test('whose standing values its old definition does not take is refused', () => {
    const given = [keyDefined(key), overrideSet(key, scope, 'a long text')];
    const strict = { ...definition, schema: { maxLength: 8 } };
    expect(refusalOf(given, [target({ definition: strict, retired: false })]).reason).toBe(
      'overrides_do_not_fit',
    );
    // Together with the value that it takes it comes back.
    const both = [target({ definition: strict, retired: false }), override(1, value('short', -1))];
    expect(eventsOf(given, ...both)).toStrictEqual([
      keyDefined(key, { schema: { maxLength: 8 } }),
      overrideSet(key, scope, 'short'),
    ]);
  });
});

describe('a price', () => {
  const given = [modelAdded(id, { pricing: { input: '1' } }), priceChanged(id, { input: '2' })];

  test('changes back from now on, and where one is scheduled from then on', () => {
    expect(eventsOf(given, prices(2, [price('1', -9)]))).toStrictEqual([priceChanged(id, { input: '1' })]);
    const scheduled = [...given, priceChanged(id, { input: '3' }, day(5))];
    expect(eventsOf(scheduled, prices(3, [price('1', -9)]))).toStrictEqual([
      priceChanged(id, { input: '1' }),
      priceChanged(id, { input: '1' }, day(5)),
    ]);
    expect(eventsOf(given, prices(2, [price('2', -9), price('4', 7)]))).toStrictEqual([
      priceChanged(id, { input: '4' }, day(7)),
    ]);
  });

  test('that nobody knew is unknown again', () => {
    expect(eventsOf(given, prices(2, []))).toStrictEqual([priceChanged(id, {})]);
  });

  test('is corrected back in the past, from where the correction began', () => {
    const corrected: EventBody = {
      type: 'ModelPriceCorrected',
      data: { id, pricing: { input: '9' }, effectiveFrom: day(-4), corrects: 2 },
    };
    const known = [
      modelAdded(id),
      priceChanged(id, { input: '5' }, day(-4)),
      priceChanged(id, { input: '6' }, day(-2)),
      corrected,
    ];
    const without = [price('5', -4, 2), price('6', -2, 3)];
    expect(eventsOf(known, prices(4, without, without))).toStrictEqual([
      {
        type: 'ModelPriceCorrected',
        data: { id, pricing: { input: '5' }, effectiveFrom: day(-4), corrects: 4 },
      },
    ]);
  });
});
