import { describe, expect, test } from 'vitest';
import { chooseArm } from '../../src/domain/allocation.ts';
import { forever } from '../../src/domain/assertion.ts';
import type { EventBody } from '../../src/domain/event.ts';
import { type Resolution, resolve } from '../../src/domain/resolve.ts';
import type { Context, Scope } from '../../src/domain/scope.ts';
import {
  allocationSet,
  keyDefined,
  keyRetired,
  modelAdded,
  modelDeprecated,
  modelKeyDefined,
  overrideCleared,
  overrideSet,
  overrideWithdrawn,
} from '../support/drafts.ts';
import { day, dayAt, fold, now } from '../support/specification.ts';

const key = 'app.greeting';
const everybody: Context = { user: 'u', tenant: 'acme', tier: '3' };
const scopes: readonly Scope[] = ['user:u', 'tenant:acme', 'tier:3', 'global'];

const answer = (events: readonly EventBody[], context: Context = {}, at: number = now, of: string = key) =>
  resolve(fold(...events), of, context, at);
const valueIn = (events: readonly EventBody[], context?: Context, at?: number) =>
  answer(events, context, at)?.value;

describe('the layers', () => {
  const all = [
    keyDefined(key),
    ...scopes.toReversed().map((scope) => overrideSet(key, scope, `of ${scope}`)),
  ];

  test('are asked from the user to the fallback; each answer says where it comes from', () => {
    const expected: readonly [Context, Resolution['scope'], Resolution['reason'], number][] = [
      [everybody, 'user:u', 'TARGETING_MATCH', 5],
      [{ tenant: 'acme', tier: '3' }, 'tenant:acme', 'TARGETING_MATCH', 4],
      [{ tier: '3' }, 'tier:3', 'TARGETING_MATCH', 3],
      [{}, 'global', 'STATIC', 2],
      [{ user: 'other', tenant: 'acme' }, 'tenant:acme', 'TARGETING_MATCH', 4],
      [{ user: 'acme', tenant: '3', tier: 'u' }, 'global', 'STATIC', 2],
    ];
    for (const [context, scope, reason, revision] of expected) {
      expect(answer(all, context)).toStrictEqual({
        key,
        value: `of ${scope}`,
        scope,
        reason,
        revision,
        validUntil: forever,
      });
    }
  });

  test('end with the fallback', () => {
    expect(answer([keyDefined(key)], everybody)).toStrictEqual({
      key,
      value: 'fallback',
      scope: 'fallback',
      reason: 'DEFAULT',
      revision: 1,
      validUntil: forever,
    });
  });

  test('that are cleared are passed over', () => {
    const cleared: EventBody[] = [...all];
    for (const [index, scope] of scopes.entries()) {
      expect(answer(cleared, everybody)?.scope).toBe(scope);
      cleared.push(overrideCleared(key, scope));
      expect(answer(cleared, everybody)?.scope).toBe(scopes[index + 1] ?? 'fallback');
    }
  });

  test('of no key, or of a retired one, answer nothing', () => {
    expect(answer([])).toBeUndefined();
    expect(answer([...all, keyRetired(key)], everybody)).toBeUndefined();
    expect(valueIn([...all, keyRetired(key), keyDefined(key)], everybody)).toBe('of user:u');
    expect(answer(all, everybody, now, 'constructor')).toBeUndefined();
  });

  test('null is not said by a value, but falsy values are', () => {
    const falsy = [keyDefined(key, { valueType: 'number', fallback: 1 }), overrideSet(key, 'global', 0)];
    expect(answer(falsy)).toMatchObject({ value: 0, scope: 'global' });
    expect(answer([keyDefined(key), overrideSet(key, 'user:u', '')], everybody)).toMatchObject({
      value: '',
      scope: 'user:u',
    });
  });
});

describe('intervals', () => {
  test('a temporary override gives way to what its scope held before', () => {
    const events = [
      keyDefined(key),
      overrideSet(key, 'global', 'wide'),
      overrideSet(key, 'tier:3', 'before'),
      overrideSet(key, 'tier:3', 'for now', { effectiveFrom: day(1), effectiveUntil: day(2) }),
    ];
    const values = [0, 1, 2].map((days) => valueIn(events, everybody, dayAt(days)));
    expect(values).toStrictEqual(['before', 'for now', 'before']);
    expect(valueIn(events, everybody, dayAt(1) - 1)).toBe('before');
    expect(valueIn(events, everybody, dayAt(2) - 1)).toBe('for now');
  });

  test('and without that to the next layer', () => {
    const events = [
      keyDefined(key),
      overrideSet(key, 'global', 'wide'),
      overrideSet(key, 'tier:3', 'for now', { effectiveUntil: day(2) }),
    ];
    expect([0, 2].map((days) => valueIn(events, everybody, dayAt(days)))).toStrictEqual(['for now', 'wide']);
  });

  test('a temporary clear lets through for as long', () => {
    const events = [
      keyDefined(key),
      overrideSet(key, 'global', 'wide'),
      overrideSet(key, 'tier:3', 'narrow'),
      overrideCleared(key, 'tier:3', { effectiveFrom: day(1), effectiveUntil: day(2) }),
    ];
    expect([0, 1, 2].map((days) => valueIn(events, everybody, dayAt(days)))).toStrictEqual([
      'narrow',
      'wide',
      'narrow',
    ]);
  });

  test('a change made now leaves the scheduled one standing', () => {
    const events = [
      keyDefined(key),
      overrideSet(key, 'global', 'later', { effectiveFrom: day(1) }),
      overrideSet(key, 'global', 'now'),
    ];
    expect([0, 1].map((days) => valueIn(events, {}, dayAt(days)))).toStrictEqual(['now', 'later']);
    expect(valueIn([...events, overrideWithdrawn(key, 'global', 2)], {}, dayAt(1))).toBe('now');
  });

  test('of two that start together the higher revision wins, and the other comes back after it', () => {
    const events = [
      keyDefined(key),
      overrideSet(key, 'global', 'first', { effectiveFrom: day(1) }),
      overrideSet(key, 'global', 'second', { effectiveFrom: day(1), effectiveUntil: day(2) }),
    ];
    expect([0, 1, 2].map((days) => valueIn(events, {}, dayAt(days)))).toStrictEqual([
      'fallback',
      'second',
      'first',
    ]);
  });
});

describe('an allocation', () => {
  const arms = [
    { name: 'control', value: 'a', weight: 1 },
    { name: 'trial', value: 'b', weight: 1 },
  ];
  const at = (share: number, unit: 'user' | 'tenant' = 'user') => [
    keyDefined(key),
    overrideSet(key, 'global', 'wide'),
    allocationSet(key, 'tier:3', { unit, share, salt: 'spring', arms }),
  ];

  test('answers with the arm of the unit', () => {
    for (const user of ['u1', 'u2', 'u3', 'u4']) {
      const arm = chooseArm({ unit: 'user', share: 10_000, salt: 'spring', arms }, user);
      expect(answer(at(10_000), { user, tier: '3' })).toStrictEqual({
        key,
        value: arm?.value,
        scope: 'tier:3',
        reason: 'SPLIT',
        revision: 3,
        validUntil: forever,
        arm: arm?.name,
      });
    }
  });

  test('says SPLIT in every layer', () => {
    const whole = { unit: 'user', share: 10_000, salt: 'spring', arms } as const;
    for (const scope of scopes) {
      expect(answer([keyDefined(key), allocationSet(key, scope, whole)], everybody)).toMatchObject({
        scope,
        reason: 'SPLIT',
      });
    }
  });

  test('lets everybody else through to the next layer', () => {
    expect(valueIn(at(0), { user: 'u1', tier: '3' })).toBe('wide');
    expect(valueIn(at(10_000), { tier: '3' })).toBe('wide');
    expect(valueIn(at(10_000, 'tenant'), { user: 'u1', tier: '3' })).toBe('wide');
    expect(valueIn(at(10_000, 'tenant'), { tenant: 't', tier: '3' })).not.toBe('wide');
  });

  test('may have models as arms, which follow their successors', () => {
    const models = [
      modelAdded('openai/gpt-4o'),
      modelAdded('openai/old'),
      modelKeyDefined(key),
      allocationSet(key, 'global', {
        unit: 'user',
        share: 10_000,
        salt: 's',
        arms: [{ name: 'only', value: 'openai/old', weight: 1 }],
      }),
      modelDeprecated('openai/old', { successor: 'openai/gpt-4o', sunsetAt: day(1) }),
    ];
    expect(answer(models, { user: 'u' }, dayAt(1))).toMatchObject({
      value: 'openai/gpt-4o',
      arm: 'only',
      model: { id: 'openai/gpt-4o', followed: ['openai/old'] },
    });
  });
});
