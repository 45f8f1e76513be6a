/** Keys: a type for ever, definitions that may change as long as what stands still fits, retiring and coming back. */
import { describe, expect, test } from 'vitest';
import type { AnyChange, ChangeOf } from '../../src/domain/change.ts';
import type { JsonValue } from '../../src/domain/json.ts';
import {
  allocationSet,
  keyDefined,
  keyRetired,
  modelAdded,
  modelDeprecated,
  modelKeyDefined,
  overrideCleared,
  overrideSet,
} from '../support/drafts.ts';
import { day, given } from '../support/specification.ts';

const key = 'app.greeting';

const define = (definition: Partial<ChangeOf<'defineKey'>> = {}): AnyChange => ({
  type: 'defineKey',
  key,
  valueType: 'string',
  fallback: 'fallback',
  ...definition,
});
const retire: AnyChange = { type: 'retireKey', key };

describe('defining', () => {
  test('makes the definition just as it is said', () => {
    given()
      .when(define())
      .then([keyDefined(key)]);
    const whole = {
      description: 'Said at the door.\nEvery day.',
      scopes: ['user', 'global'] as const,
      schema: { maxLength: 9 },
    };
    given()
      .when(define({ ...whole, scopes: [...whole.scopes] }))
      .then([keyDefined(key, whole)]);
  });

  test('the same once more changes nothing', () => {
    given(keyDefined(key)).when(define()).thenNothing();
    given(keyDefined(key, { scopes: ['user', 'global'] }))
      .when(define({ scopes: ['global', 'user', 'user'] }))
      .thenNothing();
  });

  test('again replaces all of it but the type', () => {
    given(keyDefined(key, { description: 'old' }))
      .when(define({ fallback: 'new' }))
      .then([keyDefined(key, { fallback: 'new' })]);
  });

  test('another type is refused, for ever', () => {
    given(keyDefined(key))
      .when(define({ valueType: 'number', fallback: 1 }))
      .thenRefused('type_is_for_ever');
    given(keyDefined(key), keyRetired(key))
      .when(define({ valueType: 'number', fallback: 1 }))
      .thenRefused('type_is_for_ever');
  });

  test('a fallback is of the type and satisfies the schema', () => {
    given()
      .when(define({ fallback: 7 }))
      .thenRefused('wrong_type');
    given()
      .when(define({ fallback: null }))
      .thenRefused('wrong_type');
    given()
      .when(define({ valueType: 'secret', fallback: 'hunter2' }))
      .thenRefused('wrong_type');
    given()
      .when(define({ fallback: 'long', schema: { maxLength: 3 } }))
      .thenRefused('schema_violated');
  });

  test('a default provider only makes sense for models', () => {
    given()
      .when(define({ defaultProvider: 'openai' }))
      .thenRefused('no_model');
  });
});

describe('a fallback whose model is deprecated since', () => {
  const events = [
    modelAdded('openai/gpt-4o'),
    modelKeyDefined(key, { defaultProvider: 'openai' }),
    modelDeprecated('openai/gpt-4o'),
  ];
  const ofModels = { valueType: 'model', defaultProvider: 'openai', description: 'now described' } as const;

  test.each<[JsonValue]>([['openai/gpt-4o'], ['gpt-4o'], ['openai:gpt-4o']])(
    'may stay, spelled %s',
    (fallback) => {
      given(...events)
        .when(define({ ...ofModels, fallback }))
        .then([modelKeyDefined(key, { defaultProvider: 'openai', description: 'now described' })]);
    },
  );

  test('is refused where it was not the fallback before', () => {
    given(...events)
      .when({ ...define({ ...ofModels, fallback: 'gpt-4o' }), key: 'app.other' } as AnyChange)
      .thenRefused('deprecated_model');
  });
});

describe('a schema', () => {
  test.each<[string, JsonValue]>([
    ['no object', true],
    ['an unknown type', { type: 'text' }],
    ['another document', { $ref: 'https://example.com/schema.json' }],
    ['a pattern that does not parse', { pattern: '(' }],
    ['a pattern that may take for ever', { pattern: '(a+)+$' }],
    ['a deep pattern that may take for ever', { properties: { default: { pattern: '(a+)+$' } } }],
    ['property names that may take for ever', { patternProperties: { '(a+)+$': {} } }],
    ['a reference to itself', { $ref: '#' }],
    ['more than 32,768 characters', { description: 'x'.repeat(32_768) }],
  ])('is refused for %s', (_, schema) => {
    given().when(define({ schema })).thenRefused('bad_schema');
  });

  test('may hold data and names that look like keywords', () => {
    const schema = {
      type: 'object',
      default: { type: 'json_schema', pattern: '(' },
      enum: [{ type: 'text', pattern: '(' }],
      properties: { type: { type: 'string' }, pattern: { const: { type: 'x' } } },
    };
    const fallback = { type: 'text', pattern: '(' };
    const loose = { ...schema, properties: {} };
    given()
      .when(define({ valueType: 'object', fallback, schema: loose }))
      .then([keyDefined(key, { valueType: 'object', fallback, schema: loose })]);
    given()
      .when(define({ valueType: 'object', fallback, schema }))
      .thenRefused('schema_violated');
  });

  test('that leads in circles only for some values is refused with them', () => {
    const schema = { properties: { deep: { $ref: '#/$defs/a' } }, $defs: { a: { $ref: '#/$defs/a' } } };
    const circular = keyDefined(key, { valueType: 'object', fallback: {}, schema });
    given(circular)
      .when({ type: 'setOverride', key, scope: 'global', value: { deep: 1 } })
      .thenRefused('bad_schema');
  });
});

describe('what stands under a new definition', () => {
  const events = [keyDefined(key), overrideSet(key, 'user:u', 'long')];
  const short = { schema: { maxLength: 3 }, fallback: 'ok' };

  test('must fit its schema', () => {
    given(...events)
      .when(define(short))
      .thenRefused('overrides_do_not_fit');
    given(...events)
      .when(define({ schema: { maxLength: 4 }, fallback: 'ok' }))
      .then([keyDefined(key, { schema: { maxLength: 4 }, fallback: 'ok' })]);
  });

  test('must stand in an allowed kind of scope', () => {
    given(...events)
      .when(define({ scopes: ['tenant', 'global'] }))
      .thenRefused('overrides_do_not_fit');
    given(...events)
      .when(define({ scopes: ['user'] }))
      .then([keyDefined(key, { scopes: ['user'] })]);
  });

  test('counts also when it is scheduled or an arm', () => {
    given(keyDefined(key), overrideSet(key, 'global', 'long', { effectiveFrom: day(1) }))
      .when(define(short))
      .thenRefused('overrides_do_not_fit');
    const arms = [{ name: 'a', value: 'long', weight: 1 }];
    given(keyDefined(key), allocationSet(key, 'global', { unit: 'user', share: 0, salt: 's', arms }))
      .when(define(short))
      .thenRefused('overrides_do_not_fit');
  });

  test('does not count when it is cleared or over', () => {
    given(...events, overrideCleared(key, 'user:u'))
      .when(define(short))
      .then([keyDefined(key, short)]);
    given(keyDefined(key), overrideSet(key, 'user:u', 'long', { effectiveUntil: day(-1) }))
      .when(define(short))
      .then([keyDefined(key, short)]);
  });
});

describe('retiring', () => {
  test('ends a key, and says what is no longer asked', () => {
    given(keyDefined(key))
      .when(retire)
      .then([keyRetired(key)]);
    given(keyDefined(key), overrideSet(key, 'global', 'x'))
      .when(retire)
      .then([keyRetired(key)], ['overrides_stand']);
    given(keyDefined(key), overrideSet(key, 'global', 'x'), overrideCleared(key, 'global'))
      .when(retire)
      .then([keyRetired(key)]);
  });

  test('twice changes nothing; what is not defined is refused', () => {
    given(keyDefined(key), keyRetired(key)).when(retire).thenNothing();
    given().when(retire).thenRefused('unknown_key');
  });

  test('is undone by defining it again, and its overrides count again', () => {
    given(keyDefined(key), keyRetired(key))
      .when(define())
      .then([keyDefined(key)]);
    given(keyDefined(key), overrideSet(key, 'global', 'x'), overrideSet(key, 'user:u', 'y'), keyRetired(key))
      .when(define())
      .then([keyDefined(key)], ['overrides_return']);
    given(keyDefined(key), overrideSet(key, 'global', 'long'), keyRetired(key))
      .when(define({ schema: { maxLength: 3 }, fallback: 'ok' }))
      .thenRefused('overrides_do_not_fit');
  });

  test('tells how many', () => {
    const { warnings } = given(
      keyDefined(key),
      overrideSet(key, 'global', 'x'),
      overrideSet(key, 'tier:1', 'y'),
    )
      .when(retire)
      .decided();
    expect(warnings[0]?.message).toBe(`2 overrides of ${key} are no longer asked`);
  });
});
