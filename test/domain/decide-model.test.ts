/** The catalogue: adding, adding again, updating. */
import { describe, test } from 'vitest';
import type { AnyChange, ChangeOf } from '../../src/domain/change.ts';
import type { DataOf, EventBody } from '../../src/domain/event.ts';
import { modelAdded, modelDeprecated, modelRemoved, priceChanged } from '../support/drafts.ts';
import { day, given } from '../support/specification.ts';

const id = 'openai/gpt-4o';
type ModelInput = ChangeOf<'addModel'>['model'];

const add = (model: Partial<ModelInput> = {}, rest: Partial<ChangeOf<'addModel'>> = {}): AnyChange => ({
  type: 'addModel',
  model: { id, name: id, contextWindow: 128_000, ...model },
  ...rest,
});
const update = (
  updates: ChangeOf<'updateModel'>['updates'],
  rest: Partial<ChangeOf<'updateModel'>> = {},
): AnyChange => ({
  type: 'updateModel',
  id,
  updates,
  ...rest,
});
const updated = (updates: DataOf<'ModelUpdated'>['updates']): EventBody => ({
  type: 'ModelUpdated',
  data: { id, updates },
});
const withFields = (fields: Partial<DataOf<'ModelAdded'>['model']>, more = {}): EventBody => ({
  type: 'ModelAdded',
  data: { id, model: { name: id, contextWindow: 128_000, status: 'active', ...fields }, ...more },
});

describe('adding', () => {
  test('keeps every field that is said', () => {
    const fields = {
      family: 'gpt',
      description: 'Sees.\nHears.',
      outputLimit: 16_384,
      modalities: { input: ['text', 'image'], output: ['text'] },
      capabilities: ['tools'],
      extra: { knowledge: '2023-10', constructor: { nested: [null] } },
    };
    given()
      .when(
        add({ ...fields, status: 'beta', pricing: { input: '2.50', output: '10' } }, { observedAt: day(-9) }),
      )
      .then([
        withFields(
          { ...fields, status: 'beta' },
          { pricing: { input: '2.5', output: '10' }, observedAt: day(-9) },
        ),
      ]);
  });

  test('a pricing that says nothing is none', () => {
    given()
      .when(add({ pricing: {} }))
      .then([modelAdded(id)]);
    given()
      .when(add({ pricing: { input: null } }))
      .then([modelAdded(id)]);
  });

  test('what is there already is refused, deprecated or retired too', () => {
    given(modelAdded(id)).when(add()).thenRefused('model_exists');
    given(modelAdded(id), modelDeprecated(id)).when(add()).thenRefused('model_exists');
    given(modelAdded(id, { status: 'retired' }))
      .when(add())
      .thenRefused('model_exists');
    given().when([add(), add()]).thenRefused('model_exists', 'changes.1');
  });

  test('what was removed may be added again', () => {
    given(modelAdded(id), modelRemoved(id))
      .when(add())
      .then([modelAdded(id)]);
  });

  test.each<[Partial<ModelInput>, string]>([
    [{ id: 'gpt-4o', provider: 'openai' }, 'openai/gpt-4o'],
    [{ id: 'openai/gpt-4o', provider: 'openai' }, 'openai/gpt-4o'],
    [{ id: 'openai:gpt-4o', provider: 'openai' }, 'openai/gpt-4o'],
    [{ id: 'openai:gpt-4o' }, 'openai/gpt-4o'],
    [{ id: 'llama3:8b', provider: 'ollama' }, 'ollama/llama3:8b'],
    [{ id: 'openrouter/deepseek/r1:free' }, 'openrouter/deepseek/r1:free'],
    [{ id: 'openrouter/deepseek/r1:free', provider: 'openrouter' }, 'openrouter/deepseek/r1:free'],
  ])('%j is %s', (model, expected) => {
    given()
      .when(add({ name: 'x', ...model }))
      .then([
        {
          type: 'ModelAdded',
          data: { id: expected, model: { name: 'x', contextWindow: 128_000, status: 'active' } },
        },
      ]);
  });

  test('an id of another provider, or of none, is refused', () => {
    given()
      .when(add({ id: 'openai/gpt-4o', provider: 'anthropic' }))
      .thenRefused('other_provider');
    given(modelAdded(id))
      .when(add({ id: 'openai:x', provider: 'anthropic' }))
      .thenRefused('other_provider');
    given()
      .when(add({ id: 'gpt-4o' }))
      .thenRefused('unclear_model');
    given()
      .when(add({ id: 'OpenAI/gpt-4o' }))
      .thenRefused('unclear_model');
    given()
      .when(add({ id: 'openai/' }))
      .thenRefused('unclear_model');
    given()
      .when(add({ id: 'openai/gpt 4o' }))
      .thenRefused('unclear_model');
  });
});

describe('updating', () => {
  const full = withFields({
    family: 'gpt',
    outputLimit: 4_096,
    capabilities: ['tools'],
    extra: { a: 1, b: { c: 2 } },
  });

  test('records only what really changes', () => {
    given(full)
      .when(update({ name: 'GPT-4o', family: 'gpt', outputLimit: 4_096, capabilities: ['tools', 'vision'] }))
      .then([updated({ name: 'GPT-4o', capabilities: ['tools', 'vision'] })]);
    given(full)
      .when(update({ family: 'gpt', capabilities: ['tools'], extra: { b: { c: 2 } } }))
      .thenNothing();
    given(full).when(update({})).thenNothing();
  });

  test('null removes, once', () => {
    given(full)
      .when(update({ family: null, outputLimit: null }))
      .then([updated({ family: null, outputLimit: null })]);
    given(full)
      .when(update({ description: null, modalities: null }))
      .thenNothing();
    given(full)
      .when([update({ family: null }), update({ family: null })])
      .then([updated({ family: null })], ['no_change']);
  });

  test('extra is merged name by name', () => {
    given(full)
      .when(update({ extra: { a: 2, b: { c: 2 }, d: true } }))
      .then([updated({ extra: { a: 2, d: true } })]);
    given(full)
      .when(update({ extra: { a: null, x: null } }))
      .then([updated({ extra: { a: null } })]);
    given(full)
      .when(update({ extra: null }))
      .then([updated({ extra: null })]);
    given(modelAdded(id))
      .when(update({ extra: null }))
      .thenNothing();
    given(modelAdded(id))
      .when(update({ extra: { toString: null } }))
      .thenNothing();
  });

  test('a pricing inside becomes a price change of its own', () => {
    given(full)
      .when(update({ name: 'GPT-4o', pricing: { input: '3' } }, { observedAt: day(-2) }))
      .then([
        { type: 'ModelUpdated', data: { id, updates: { name: 'GPT-4o' }, observedAt: day(-2) } },
        { type: 'ModelPriceChanged', data: { id, pricing: { input: '3' }, observedAt: day(-2) } },
      ]);
    given(full, priceChanged(id, { input: '3' }))
      .when(update({ pricing: { input: '3.0' } }))
      .thenNothing();
    given(full, priceChanged(id, { input: '9' }, day(3)))
      .when(update({ pricing: { input: '3' } }))
      .then([priceChanged(id, { input: '3' })], ['later_price_stands']);
  });

  test('the status only between active and beta', () => {
    given(modelAdded(id))
      .when(update({ status: 'beta' }))
      .then([updated({ status: 'beta' })]);
    given(modelAdded(id, { status: 'beta' }))
      .when(update({ status: 'active' }))
      .then([updated({ status: 'active' })]);
    given(modelAdded(id))
      .when(update({ status: 'active' }))
      .thenNothing();
    given(modelAdded(id), modelDeprecated(id))
      .when(update({ status: 'active' }))
      .thenRefused('not_current');
    given(modelAdded(id, { status: 'retired' }))
      .when(update({ status: 'beta' }))
      .thenRefused('not_current');
  });

  test('any spelling of the id', () => {
    given(modelAdded(id))
      .when(update({ name: 'x' }, { id: 'openai:gpt-4o' }))
      .then([updated({ name: 'x' })]);
  });

  test('what is not there is refused', () => {
    given()
      .when(update({ name: 'x' }))
      .thenRefused('unknown_model');
    given(modelAdded(id), modelRemoved(id))
      .when(update({ name: 'x' }))
      .thenRefused('removed_model');
  });
});
