/** Resolution of models: what they say of themselves, sunsets to the millisecond, successors and their end. */
import { describe, expect, test } from 'vitest';
import { forever } from '../../src/domain/assertion.ts';
import type { EventBody } from '../../src/domain/event.ts';
import { maxSuccessors, resolve } from '../../src/domain/resolve.ts';
import type { Context } from '../../src/domain/scope.ts';
import {
  keyDefined,
  modelAdded,
  modelDeprecated,
  modelKeyDefined,
  modelReinstated,
  modelRemoved,
  overrideSet,
} from '../support/drafts.ts';
import { day, dayAt, fold, now } from '../support/specification.ts';

const key = 'app.greeting';

const answer = (events: readonly EventBody[], context: Context = {}, at: number = now) =>
  resolve(fold(...events), key, context, at);
const valueIn = (events: readonly EventBody[], context?: Context, at?: number) =>
  answer(events, context, at)?.value;

describe('models', () => {
  const [a, b] = ['openai/a', 'openai/b'] as const;
  const set = [
    modelAdded(a),
    modelAdded(b),
    modelKeyDefined(key, { fallback: b }),
    overrideSet(key, 'global', a),
  ];

  test('say what they are', () => {
    expect(answer(set)?.model).toStrictEqual({ id: a, provider: 'openai', model: 'a', status: 'active' });
    expect(answer([modelKeyDefined(key, { fallback: 'x/y/z' })])?.model).toStrictEqual({
      id: 'x/y/z',
      provider: 'x',
      model: 'y/z',
      status: 'unlisted',
    });
    expect(answer([...set, modelRemoved(a)])?.model).toMatchObject({ id: a, status: 'removed' });
  });

  test('only values of type model are models', () => {
    expect(answer([modelAdded(a), keyDefined(key), overrideSet(key, 'global', a)])).not.toHaveProperty(
      'model',
    );
  });

  test('that are deprecated keep resolving and say so', () => {
    const deprecated = [...set, modelDeprecated(a, { successor: b, sunsetAt: day(1) })];
    expect(answer(deprecated)).toStrictEqual({
      key,
      value: a,
      scope: 'global',
      reason: 'STATIC',
      revision: 4,
      validUntil: dayAt(1),
      model: {
        id: a,
        provider: 'openai',
        model: 'a',
        status: 'deprecated',
        successor: b,
        sunsetAt: dayAt(1),
      },
    });
  });

  test('are retired from their sunset on, and resolution follows the successor', () => {
    const deprecated = [...set, modelDeprecated(a, { successor: b, sunsetAt: day(1) })];
    expect(valueIn(deprecated, {}, dayAt(1) - 1)).toBe(a);
    expect(answer(deprecated, {}, dayAt(1))).toStrictEqual({
      key,
      value: b,
      scope: 'global',
      reason: 'STATIC',
      revision: 4,
      validUntil: forever,
      model: { id: b, provider: 'openai', model: 'b', status: 'active', followed: [a] },
    });
    expect(valueIn([...deprecated, modelReinstated(a)], {}, dayAt(1))).toBe(a);
  });

  test('without a successor are answered and marked retired', () => {
    const ended = [...set, modelDeprecated(a, { sunsetAt: day(1) })];
    expect(answer(ended, {}, dayAt(1))).toMatchObject({
      value: a,
      model: { id: a, status: 'retired' },
      validUntil: forever,
    });
    expect(answer([modelAdded(a, { status: 'retired' }), ...set.slice(1)])).toMatchObject({
      value: a,
      model: { status: 'retired' },
    });
  });

  test('whose successors are all retired, or gone, are answered and marked retired', () => {
    const both = [
      ...set,
      modelDeprecated(a, { successor: b, sunsetAt: day(1) }),
      modelDeprecated(b, { sunsetAt: day(2) }),
    ];
    expect(answer(both, {}, dayAt(1))).toMatchObject({ value: b, validUntil: dayAt(2) });
    expect(answer(both, {}, dayAt(2))).toMatchObject({
      value: a,
      model: { status: 'retired' },
      validUntil: forever,
    });
    const gone = [...set, modelDeprecated(a, { successor: 'openai/never', sunsetAt: day(1) })];
    expect(answer(gone, {}, dayAt(1))).toMatchObject({ value: a, model: { status: 'retired' } });
    const removed = [...set, modelDeprecated(a, { successor: b, sunsetAt: day(1) }), modelRemoved(b)];
    expect(answer(removed, {}, dayAt(1))).toMatchObject({ value: a, model: { status: 'retired' } });
  });

  test('of a fallback follow as well', () => {
    const fallback = [
      modelAdded(a),
      modelAdded(b),
      modelKeyDefined(key, { fallback: a }),
      modelDeprecated(a, { successor: b, sunsetAt: day(1) }),
    ];
    expect(answer(fallback, {}, dayAt(1))).toMatchObject({
      value: b,
      reason: 'DEFAULT',
      revision: 3,
      model: { followed: [a] },
    });
    expect(answer(fallback)?.validUntil).toBe(dayAt(1));
  });

  test(`follow ${maxSuccessors} successors and no more`, () => {
    const chain = (retired: number) => {
      const ids = Array.from({ length: retired + 1 }, (_, n) => `openai/m${n}`);
      const first = ids[0] ?? '';
      return {
        ids,
        events: [
          ...ids.map((id) => modelAdded(id)),
          modelKeyDefined(key, { fallback: first }),
          ...ids
            .slice(1)
            .map((successor, n) => modelDeprecated(ids[n] ?? '', { successor, sunsetAt: day(-1) })),
        ],
      };
    };
    const longest = chain(maxSuccessors);
    expect(answer(longest.events)).toMatchObject({
      value: longest.ids.at(-1),
      model: { status: 'active', followed: longest.ids.slice(0, -1) },
    });
    expect(answer(chain(maxSuccessors + 1).events)).toMatchObject({
      value: 'openai/m0',
      model: { status: 'retired' },
    });
  });

  test('in a circle, which no decider lets through, end all the same', () => {
    const circle = [
      ...set,
      modelDeprecated(a, { successor: b, sunsetAt: day(-1) }),
      modelDeprecated(b, { successor: a, sunsetAt: day(-1) }),
    ];
    expect(answer(circle)).toMatchObject({ value: a, model: { status: 'retired' }, validUntil: forever });
  });
});
