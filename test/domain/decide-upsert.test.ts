/** Adding with `upsert`: the events that make a model just what its source says, and none for the same twice. */
import { describe, test } from 'vitest';
import type { AnyChange, ChangeOf } from '../../src/domain/change.ts';
import type { DataOf, EventBody } from '../../src/domain/event.ts';
import {
  modelAdded,
  modelDeprecated,
  modelReinstated,
  modelRemoved,
  priceChanged,
} from '../support/drafts.ts';
import { day, given } from '../support/specification.ts';

const id = 'openai/gpt-4o';

const upsert = (model: Partial<ChangeOf<'addModel'>['model']> = {}): AnyChange => ({
  type: 'addModel',
  model: { id, name: id, contextWindow: 128_000, ...model },
  upsert: true,
});
const updated = (updates: DataOf<'ModelUpdated'>['updates']): EventBody => ({
  type: 'ModelUpdated',
  data: { id, updates },
});
const withFields = (fields: Partial<DataOf<'ModelAdded'>['model']>, more = {}): EventBody => ({
  type: 'ModelAdded',
  data: { id, model: { name: id, contextWindow: 128_000, status: 'active', ...fields }, ...more },
});

describe('upsert: just what the source says', () => {
  test('what is not there, or was removed, is added', () => {
    given(modelAdded(id), modelRemoved(id))
      .when(upsert())
      .then([modelAdded(id)]);
    given()
      .when(upsert())
      .then([modelAdded(id)]);
  });

  test('the same twice makes no event', () => {
    const model = {
      family: 'gpt',
      extra: { a: 1, gone: null },
      pricing: { input: '1' },
      status: 'beta',
    } as const;
    given()
      .when([upsert(model), upsert(model)])
      .then(
        [
          withFields(
            { family: 'gpt', extra: { a: 1, gone: null }, status: 'beta' },
            { pricing: { input: '1' } },
          ),
        ],
        ['no_change'],
      );
  });

  test('what the source does not say goes', () => {
    given(withFields({ family: 'gpt', capabilities: ['tools'], extra: { a: 1, b: 2 } }))
      .when(upsert({ name: 'New', extra: { b: 2, c: 3 } }))
      .then([updated({ name: 'New', family: null, capabilities: null, extra: { a: null, c: 3 } })]);
  });

  test('but prices are only changed by what is named', () => {
    given(modelAdded(id, { pricing: { input: '1', output: '2' } }))
      .when(upsert())
      .thenNothing();
    given(modelAdded(id, { pricing: { input: '1', output: '2' } }))
      .when(upsert({ pricing: { output: '3' } }))
      .then([priceChanged(id, { input: '1', output: '3' })]);
    given(modelAdded(id), priceChanged(id, { input: '9' }, day(3)))
      .when(upsert({ pricing: { input: '1' } }))
      .then([priceChanged(id, { input: '1' })], ['later_price_stands']);
  });

  test('the status follows, and then stays', () => {
    const standing = modelAdded(id);
    const beta = modelAdded(id, { status: 'beta' });
    const deprecated = [standing, modelDeprecated(id, { sunsetAt: day(9) })];
    const retired = modelAdded(id, { status: 'retired' });

    given(standing)
      .when([upsert({ status: 'beta' }), upsert({ status: 'beta' })])
      .then([updated({ status: 'beta' })], ['no_change']);
    given(beta)
      .when(upsert())
      .then([updated({ status: 'active' })]);
    given(standing)
      .when([upsert({ status: 'deprecated' }), upsert({ status: 'deprecated' })])
      .then([modelDeprecated(id)], ['no_change']);
    given(...deprecated)
      .when(upsert({ status: 'deprecated' }))
      .thenNothing();
    given(...deprecated)
      .when([upsert(), upsert()])
      .then([modelReinstated(id)], ['no_change']);
    given(...deprecated)
      .when(upsert({ status: 'beta' }))
      .then([modelReinstated(id), updated({ status: 'beta' })]);
    given(retired)
      .when(upsert({ status: 'retired' }))
      .thenNothing();
    given(retired)
      .when([upsert({ status: 'deprecated' }), upsert({ status: 'deprecated' })])
      .then([modelDeprecated(id)], ['no_change']);
    given(retired)
      .when(upsert({ name: 'New' }))
      .then([modelReinstated(id), updated({ name: 'New' })]);
  });

  test('retired is a deprecation whose sunset is now, and keeps the successor', () => {
    const retire = upsert({ status: 'retired' });
    given(modelAdded(id))
      .when([retire, retire])
      .then([modelDeprecated(id, { sunsetAt: day(0) })], ['no_change']);
    given(
      modelAdded('openai/gpt-5'),
      modelAdded(id),
      modelDeprecated(id, { successor: 'openai/gpt-5', sunsetAt: day(9) }),
    )
      .when(retire)
      .then([modelDeprecated(id, { successor: 'openai/gpt-5', sunsetAt: day(0) })]);
    given(modelAdded(id), modelDeprecated(id, { sunsetAt: day(-1) }))
      .when(retire)
      .thenNothing();
  });
});
