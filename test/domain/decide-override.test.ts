/** Overrides: what may be set and cleared, where, for how long, and when nothing changes. */
import { describe, test } from 'vitest';
import type { AnyChange } from '../../src/domain/change.ts';
import type { EventBody, ValueType } from '../../src/domain/event.ts';
import type { JsonValue } from '../../src/domain/json.ts';
import type { Scope } from '../../src/domain/scope.ts';
import { keyDefined, keyRetired, overrideCleared, overrideSet } from '../support/drafts.ts';
import { day, given } from '../support/specification.ts';

const key = 'app.greeting';
const defined = keyDefined(key);

interface Options {
  readonly scope?: Scope;
  readonly effectiveFrom?: string;
  readonly effectiveUntil?: string;
  readonly replaceScheduled?: boolean;
}

const set = (value: JsonValue, { scope = 'global', ...rest }: Options = {}): AnyChange => ({
  type: 'setOverride',
  key,
  scope,
  value,
  ...rest,
});
const clear = ({ scope = 'global', ...rest }: Options = {}): AnyChange => ({
  type: 'clearOverride',
  key,
  scope,
  ...rest,
});
const held = (value: JsonValue, interval = {}): EventBody => overrideSet(key, 'global', value, interval);
const cleared = (interval = {}): EventBody => overrideCleared(key, 'global', interval);

describe('where an override may stand', () => {
  test.each<Scope>(['global', 'tier:3', 'tenant:acme', 'user:u-17', 'user:a:b@c/d', 'tenant:ü'])(
    '%s',
    (scope) => {
      given(defined)
        .when(set('hello', { scope }))
        .then([overrideSet(key, scope, 'hello')]);
    },
  );

  test('not under a key that is not defined', () => {
    given().when(set('hello')).thenRefused('unknown_key');
    given().when(clear()).thenRefused('unknown_key');
  });

  test('not under a retired key', () => {
    given(defined, keyRetired(key)).when(set('hello')).thenRefused('retired_key');
    given(defined, keyRetired(key)).when(clear()).thenRefused('retired_key');
  });

  test('only in the kinds of scope that the definition allows', () => {
    const narrow = keyDefined(key, { scopes: ['tenant', 'global'] });
    given(narrow)
      .when(set('hello', { scope: 'tenant:acme' }))
      .then([overrideSet(key, 'tenant:acme', 'hello')]);
    given(narrow)
      .when(set('hello', { scope: 'user:u' }))
      .thenRefused('scope_not_allowed');
    given(narrow)
      .when(clear({ scope: 'tier:1' }))
      .thenRefused('scope_not_allowed');
  });
});

describe('what it may say', () => {
  test.each<[ValueType, JsonValue, boolean]>([
    ['string', '', true],
    ['string', 1, false],
    ['string', null, false],
    ['number', 1.5, true],
    ['number', '1.5', false],
    ['integer', -3, true],
    ['integer', 9_007_199_254_740_991, true],
    ['integer', 9_007_199_254_740_992, false],
    ['integer', 1.5, false],
    ['boolean', false, true],
    ['boolean', 0, false],
    ['object', {}, true],
    ['object', { a: [1] }, true],
    ['object', [1], false],
    ['object', null, false],
    ['secret', 'env:OPENAI_KEY', true],
    ['secret', 'vault:kv/data/openai#key', true],
    ['secret', 'file:/run/secrets/key', true],
    ['secret', 'aws-sm:arn:aws:1', true],
    ['secret', 'sk-live-1234567890', false],
    ['secret', 'env:', false],
    ['secret', 'env:A B', false],
    ['secret', 7, false],
  ])('%s: %j (%s)', (valueType, value, isTaken) => {
    const fallbacks: Record<ValueType, JsonValue> = {
      model: 'openai/gpt-4o',
      string: '',
      number: 0,
      integer: 0,
      boolean: true,
      object: { is: 'there' },
      secret: 'env:NONE',
    };
    const typed = keyDefined(key, { valueType, fallback: fallbacks[valueType] });
    if (isTaken)
      given(typed)
        .when(set(value))
        .then([held(value)]);
    else given(typed).when(set(value)).thenRefused('wrong_type');
  });

  test('no more than 65,536 characters of JSON', () => {
    const longest = 'x'.repeat(65_534);
    given(defined)
      .when(set(longest))
      .then([held(longest)]);
    given(defined)
      .when(set(`${longest}x`))
      .thenRefused('value_too_long');
  });

  test('what the schema of the key allows', () => {
    const ranged = keyDefined(key, {
      valueType: 'number',
      fallback: 1,
      schema: { type: 'number', minimum: 0, maximum: 2 },
    });
    given(ranged)
      .when(set(2))
      .then([held(2)]);
    given(ranged).when(set(2.1)).thenRefused('schema_violated');
  });

  test('a value or an allocation, exactly one of the two', () => {
    const allocation = { unit: 'user' as const, share: 1, arms: [{ name: 'a', value: 'x', weight: 1 }] };
    given(defined).when({ type: 'setOverride', key, scope: 'global' }).thenInvalid('changes.0.value');
    given(defined)
      .when({ type: 'setOverride', key, scope: 'global', value: 'x', allocation })
      .thenInvalid('changes.0.value');
  });
});

describe('the interval', () => {
  test('from the recorded time on, unless it says later; without an end, unless it says one', () => {
    given(defined)
      .when(set('a', { effectiveFrom: day(1), effectiveUntil: day(2) }))
      .then([held('a', { effectiveFrom: day(1), effectiveUntil: day(2) })]);
    given(defined)
      .when(set('a', { effectiveUntil: day(2) }))
      .then([held('a', { effectiveUntil: day(2) })]);
    given(defined)
      .when(set('a', { effectiveFrom: day(0) }))
      .then([held('a', { effectiveFrom: day(0) })]);
  });

  test('is kept in UTC with milliseconds', () => {
    given(defined)
      .when(set('a', { effectiveFrom: '2027-01-01T01:00:00+01:00' }))
      .then([held('a', { effectiveFrom: '2027-01-01T00:00:00.000Z' })]);
  });

  test('starts in the past only in an import', () => {
    given(defined)
      .when(set('a', { effectiveFrom: day(-1) }))
      .thenRefused('starts_in_the_past');
    given(defined)
      .when(clear({ effectiveFrom: day(-1) }))
      .thenRefused('starts_in_the_past');
    given(defined)
      .when(set('a', { effectiveFrom: day(-1) }), { source: 'rollback' })
      .thenRefused('starts_in_the_past');
    given(defined)
      .when(set('a', { effectiveFrom: day(-1) }), { source: 'import' })
      .then([held('a', { effectiveFrom: day(-1) })]);
    given(defined)
      .when(set('a', { effectiveFrom: day(-2), effectiveUntil: day(-1) }), { source: 'import' })
      .then([held('a', { effectiveFrom: day(-2), effectiveUntil: day(-1) })]);
  });

  test('one millisecond is an interval, none is not', () => {
    const [start, after] = [day(1), day(1).replace('.000Z', '.001Z')];
    given(defined)
      .when(set('a', { effectiveFrom: start, effectiveUntil: after }))
      .then([held('a', { effectiveFrom: start, effectiveUntil: after })]);
    given(defined)
      .when(set('a', { effectiveFrom: start, effectiveUntil: start }))
      .thenRefused('empty_interval');
    given(defined)
      .when(set('a', { effectiveUntil: day(0) }))
      .thenRefused('empty_interval');
    given(defined)
      .when(set('a', { effectiveUntil: day(-1) }))
      .thenRefused('empty_interval');
    given(defined)
      .when(clear({ effectiveFrom: day(2), effectiveUntil: day(1) }))
      .thenRefused('empty_interval');
  });
});

describe('a change that would change nothing', () => {
  test('setting what is set already', () => {
    given(defined, held('a')).when(set('a')).thenNothing();
    given(defined, held('a'))
      .when(set('a', { effectiveFrom: day(3), effectiveUntil: day(4) }))
      .thenNothing();
    given(defined, held('a', { effectiveUntil: day(9) }))
      .when(set('a', { effectiveUntil: day(9) }))
      .thenNothing();
  });

  test('the members of an object in another order', () => {
    const ofObjects = keyDefined(key, { valueType: 'object', fallback: {} });
    given(ofObjects, held({ a: 1, b: [1, 2] }))
      .when(set({ b: [1, 2], a: 1 }))
      .thenNothing();
    given(ofObjects, held({ a: 1, b: [1, 2] }))
      .when(set({ b: [2, 1], a: 1 }))
      .then([held({ b: [2, 1], a: 1 })]);
  });

  test('what ends sooner than the wish is not enough', () => {
    given(defined, held('a', { effectiveUntil: day(9) }))
      .when(set('a'))
      .then([held('a')]);
  });

  test('several that say the same, one after the other, are', () => {
    given(defined, held('a'), held('b', { effectiveUntil: day(-50) }), held('a', { effectiveUntil: day(9) }))
      .when(set('a', { effectiveUntil: day(20) }))
      .thenNothing();
    given(defined, held('a'), held('b', { effectiveUntil: day(9) }), held('a', { effectiveUntil: day(5) }))
      .when(set('a'))
      .then([held('a')]);
  });

  test('the fallback said once more is an override all the same', () => {
    given(defined)
      .when(set('fallback'))
      .then([held('fallback')]);
  });

  test('the same in another scope is not the same', () => {
    given(defined, held('a'))
      .when(set('a', { scope: 'tier:1' }))
      .then([overrideSet(key, 'tier:1', 'a')]);
  });

  test('clearing what is not set, or cleared', () => {
    given(defined).when(clear()).thenNothing();
    given(defined, held('a', { effectiveUntil: day(-50) }))
      .when(clear())
      .thenNothing();
    given(defined, held('a'), cleared()).when(clear()).thenNothing();
    given(defined, cleared({ effectiveUntil: day(1) }))
      .when(clear())
      .thenNothing();
  });

  test('clearing for longer than it is cleared, above what would come back', () => {
    given(defined, held('a'), cleared({ effectiveUntil: day(1) }))
      .when(clear())
      .then([cleared()]);
    given(defined, held('a'), cleared({ effectiveUntil: day(1) }))
      .when(clear({ effectiveUntil: day(1) }))
      .thenNothing();
  });

  test('but an import of the past says what live state has forgotten', () => {
    given(defined, held('a'), held('b'), held('a'))
      .when(set('a', { effectiveFrom: day(-58), effectiveUntil: day(-57) }), { source: 'import' })
      .then([held('a', { effectiveFrom: day(-58), effectiveUntil: day(-57) })]);
    given(defined, held('a', { effectiveFrom: day(-100) }))
      .when(set('a', { effectiveFrom: day(-100) }), { source: 'import' })
      .thenNothing();
  });
});
