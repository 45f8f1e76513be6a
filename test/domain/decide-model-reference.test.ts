/** Values of type model: every spelling comes to `provider/model`, and only what the catalogue offers is taken. */
import { describe, test } from 'vitest';
import type { AnyChange } from '../../src/domain/change.ts';
import type { EventBody } from '../../src/domain/event.ts';
import type { JsonValue } from '../../src/domain/json.ts';
import {
  modelAdded,
  modelDeprecated,
  modelKeyDefined,
  modelRemoved,
  overrideSet,
} from '../support/drafts.ts';
import { day, given } from '../support/specification.ts';

const key = 'ai.planner.model';
const catalogue = [
  modelAdded('openai/gpt-4o'),
  modelAdded('openai/gpt-4o:mini'),
  modelAdded('openrouter/deepseek/deepseek-r1:free'),
  modelAdded('vertex_ai.eu-1/gemini'),
];
const plain = [...catalogue, modelKeyDefined(key)];
const withDefault = [...catalogue, modelKeyDefined(key, { defaultProvider: 'openai' })];

const set = (value: JsonValue, allowUnlisted?: boolean): AnyChange => ({
  type: 'setOverride',
  key,
  scope: 'tier:3',
  value,
  ...(allowUnlisted === undefined ? {} : { allowUnlisted }),
});
const held = (id: string): EventBody => overrideSet(key, 'tier:3', id);

describe('spellings of a known provider', () => {
  test.each<[JsonValue, string]>([
    ['openai/gpt-4o', 'openai/gpt-4o'],
    ['openai:gpt-4o', 'openai/gpt-4o'],
    ['openai/gpt-4o:mini', 'openai/gpt-4o:mini'],
    ['openai:gpt-4o:mini', 'openai/gpt-4o:mini'],
    ['openrouter/deepseek/deepseek-r1:free', 'openrouter/deepseek/deepseek-r1:free'],
    ['openrouter:deepseek/deepseek-r1:free', 'openrouter/deepseek/deepseek-r1:free'],
    ['vertex_ai.eu-1:gemini', 'vertex_ai.eu-1/gemini'],
    [{ provider: 'openai', model: 'gpt-4o' }, 'openai/gpt-4o'],
    [{ provider: 'openrouter', model: 'deepseek/deepseek-r1:free' }, 'openrouter/deepseek/deepseek-r1:free'],
  ])('%j is %s, with a default provider or without', (spelling, id) => {
    given(...plain)
      .when(set(spelling))
      .then([held(id)]);
    given(...withDefault)
      .when(set(spelling))
      .then([held(id)]);
  });
});

describe('without a known provider', () => {
  test('a bare name belongs to the default provider', () => {
    given(...withDefault)
      .when(set('gpt-4o'))
      .then([held('openai/gpt-4o')]);
    given(...withDefault)
      .when(set('gpt-4o:mini'))
      .then([held('openai/gpt-4o:mini')]);
  });

  test('a bare name without a default provider is refused', () => {
    given(...plain)
      .when(set('gpt-4o'))
      .thenRefused('unclear_model');
    given(...plain)
      .when(set('gpt-4o:mini'))
      .thenRefused('unclear_model');
  });

  test('a slash behind an unknown provider is refused, also with a default provider', () => {
    given(...plain)
      .when(set('deepseek/deepseek-r1'))
      .thenRefused('unclear_model');
    given(...withDefault)
      .when(set('deepseek/deepseek-r1'))
      .thenRefused('unclear_model');
    given(...withDefault)
      .when(set('gpt-4o:mini/x'))
      .thenRefused('unclear_model');
    given(...withDefault)
      .when(set('deepseek/deepseek-r1', true))
      .thenRefused('unclear_model');
  });

  test('{ provider, model } is clear', () => {
    const parts = { provider: 'deepseek', model: 'deepseek-r1' };
    given(...plain)
      .when(set(parts))
      .thenRefused('unlisted_model');
    given(...plain)
      .when(set(parts, true))
      .then([held('deepseek/deepseek-r1')]);
  });

  test('a provider is known through its models that are not removed', () => {
    given(modelAdded('acme/one'), modelRemoved('acme/one'), ...plain)
      .when(set('acme/one'))
      .thenRefused('unclear_model');
    given(modelAdded('acme/one'), modelAdded('acme/two'), modelRemoved('acme/one'), ...plain)
      .when(set('acme:two'))
      .then([held('acme/two')]);
  });

  test('models of the same changeset count, added and removed', () => {
    const add: AnyChange = { type: 'addModel', model: { id: 'acme/one', name: 'One', contextWindow: 1 } };
    const added: EventBody = {
      type: 'ModelAdded',
      data: { id: 'acme/one', model: { name: 'One', contextWindow: 1, status: 'active' } },
    };
    given(...plain)
      .when([add, set('acme:one')])
      .then([added, held('acme/one')]);
    given(...plain)
      .when([add, { type: 'removeModel', id: 'acme/one' }, set('acme:one')])
      .thenRefused('unclear_model', 'changes.2');
    given(modelAdded('acme/one'), ...plain)
      .when([{ type: 'removeModel', id: 'acme/one' }, set('acme:one')])
      .thenRefused('unclear_model', 'changes.1');
  });
});

describe('what names no model', () => {
  test.each<[JsonValue]>([
    [''],
    ['openai/'],
    ['openai:'],
    ['/gpt-4o'],
    [':gpt-4o'],
    ['openai/gpt 4o'],
    ['openai/a\u0000'],
  ])('%j', (spelling) => {
    given(...plain)
      .when(set(spelling, true))
      .thenRefused('unclear_model');
  });

  test.each<[JsonValue]>([
    [7],
    [null],
    [['openai', 'gpt-4o']],
    [{ provider: 'openai' }],
    [{ provider: 'openai', model: 4 }],
    [{ provider: 'openai', model: 'gpt-4o', version: 1 }],
  ])('%j', (value) => {
    given(...plain)
      .when(set(value, true))
      .thenRefused('wrong_type');
  });

  test.each<[string, string]>([
    ['OpenAI', 'gpt-4o'],
    ['', 'gpt-4o'],
    ['open ai', 'gpt-4o'],
    ['p'.repeat(65), 'gpt-4o'],
    ['openai', ''],
    ['openai', 'm'.repeat(200)],
  ])('provider %s, model %s', (provider, model) => {
    given(...plain)
      .when(set({ provider, model }, true))
      .thenRefused('unclear_model');
  });
});

describe('what the catalogue does not offer', () => {
  const cases: readonly [string, readonly EventBody[], string][] = [
    ['unknown', [], 'unlisted_model'],
    ['removed', [modelAdded('openai/gpt-3'), modelRemoved('openai/gpt-3')], 'unlisted_model'],
    ['deprecated', [modelAdded('openai/gpt-3'), modelDeprecated('openai/gpt-3')], 'deprecated_model'],
    [
      'deprecated with a sunset to come',
      [modelAdded('openai/gpt-3'), modelDeprecated('openai/gpt-3', { sunsetAt: day(1) })],
      'deprecated_model',
    ],
    [
      'past its sunset',
      [modelAdded('openai/gpt-3'), modelDeprecated('openai/gpt-3', { sunsetAt: day(0) })],
      'retired_model',
    ],
    ['retired', [modelAdded('openai/gpt-3', { status: 'retired' })], 'retired_model'],
  ];
  test.each(cases)('%s is refused, unless the change says allowUnlisted', (_, events, reason) => {
    given(...plain, ...events)
      .when(set('openai/gpt-3'))
      .thenRefused(reason);
    given(...plain, ...events)
      .when(set('openai/gpt-3', false))
      .thenRefused(reason);
    given(...plain, ...events)
      .when(set('openai/gpt-3', true))
      .then([held('openai/gpt-3')]);
  });

  test('beta is offered', () => {
    given(...plain, modelAdded('openai/gpt-5', { status: 'beta' }))
      .when(set('openai/gpt-5'))
      .then([held('openai/gpt-5')]);
  });

  test('fallbacks obey the same', () => {
    const define = (fallback: JsonValue, allowUnlisted = false): AnyChange => ({
      type: 'defineKey',
      key: 'ai.writer.model',
      valueType: 'model',
      fallback,
      defaultProvider: 'openai',
      allowUnlisted,
    });
    const definition = (fallback: string) =>
      modelKeyDefined('ai.writer.model', { defaultProvider: 'openai', fallback });
    given(...plain)
      .when(define('gpt-4o'))
      .then([definition('openai/gpt-4o')]);
    for (const [, events, reason] of cases) {
      given(...plain, ...events)
        .when(define('gpt-3'))
        .thenRefused(reason);
      given(...plain, ...events)
        .when(define('gpt-3', true))
        .then([definition('openai/gpt-3')]);
    }
    given(...plain)
      .when(define('deepseek/r1'))
      .thenRefused('unclear_model');
  });
});

describe('a deprecated model that stands', () => {
  const events = [
    ...withDefault,
    overrideSet(key, 'tier:3', 'openai/gpt-4o'),
    modelDeprecated('openai/gpt-4o', { sunsetAt: day(1) }),
  ];

  test('may be said again, since nothing changes', () => {
    given(...events)
      .when(set('openai:gpt-4o'))
      .thenNothing();
    given(...events)
      .when(set('gpt-4o'))
      .thenNothing();
  });

  test('is refused as a new value of another scope, or for longer', () => {
    given(...events)
      .when({ type: 'setOverride', key, scope: 'tier:4', value: 'gpt-4o' })
      .thenRefused('deprecated_model');
    given(...withDefault, overrideSet(key, 'tier:3', 'openai/gpt-4o', { effectiveUntil: day(1) }))
      .when([{ type: 'deprecateModel', id: 'openai/gpt-4o' }, set('gpt-4o')])
      .thenRefused('deprecated_model', 'changes.1');
  });
});
