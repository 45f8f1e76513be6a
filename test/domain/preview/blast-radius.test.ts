/** The blast radius, rule by rule: moments, layers and their shields. Whom a change concerns is in blast-contexts.test.ts. */
import { describe, expect, test } from 'vitest';
import type { AnyChange } from '../../../src/domain/change.ts';
import type { EventBody } from '../../../src/domain/event.ts';
import { formatInstant } from '../../../src/domain/instant.ts';
import type { Scope } from '../../../src/domain/scope.ts';
import { type BlastOptions, radiusOf } from '../../support/blast-stand.ts';
import {
  allocationSet,
  apiKeyCreated,
  keyDefined,
  modelAdded,
  modelDeprecated,
  modelKeyDefined,
  overrideCleared,
  overrideSet,
} from '../../support/drafts.ts';
import { day, dayAt, fold, now } from '../../support/specification.ts';

const key = 'app.greeting';

function told(
  given: readonly EventBody[],
  change: AnyChange | readonly AnyChange[],
  options: BlastOptions = {},
) {
  return radiusOf(fold(...given), [change].flat(), now, options).radius;
}

function set(scope: Scope, value: string, interval: object = {}): AnyChange {
  return { type: 'setOverride', key, scope, value, ...interval };
}

const shields = (user = 0, tenant = 0, tier = 0) => ({ user, tenant, tier });

describe('shields', () => {
  const given = [
    keyDefined(key),
    overrideSet(key, 'user:1', 'u'),
    overrideSet(key, 'user:2', 'u'),
    overrideSet(key, 'user:3', 'u'),
    overrideCleared(key, 'user:4'),
    overrideSet(key, 'user:5', 'u', { effectiveUntil: day(-1) }),
    overrideSet(key, 'user:6', 'u', { effectiveFrom: day(1) }),
    overrideSet(key, 'tenant:1', 't'),
    overrideSet(key, 'tenant:2', 't'),
    overrideSet(key, 'tier:1', 's'),
    overrideSet('another.key', 'user:7', 'u'),
  ];

  test.each<[Scope, ReturnType<typeof shields>]>([
    ['global', shields(3, 2, 1)],
    ['tier:9', shields(3, 2)],
    ['tenant:9', shields(3)],
    ['user:9', shields()],
  ])('of %s are the narrower overrides that are in force and assert something', (scope, shieldedBy) => {
    const { layers } = told(given, set(scope, 'new'));
    expect(layers).toStrictEqual([{ key, scope, at: now, before: null, after: 'new', shieldedBy }]);
  });

  test('are counted at each moment, as they are after the change', () => {
    const changes = [set('global', 'new', { effectiveFrom: day(2) }), set('tenant:3', 't')];
    const { layers } = told(given, changes);
    expect(layers.map(({ scope, at, shieldedBy }) => ({ scope, at, shieldedBy }))).toStrictEqual([
      { scope: 'global', at: dayAt(2), shieldedBy: shields(4, 3, 1) },
      { scope: 'tenant:3', at: now, shieldedBy: shields(3) },
    ]);
  });

  test('an allocation counts as one', () => {
    const arms = [{ name: 'a', value: 'a', weight: 1 }];
    const allocated = allocationSet(key, 'user:1', { unit: 'user', share: 0, salt: 's', arms });
    expect(told([keyDefined(key), allocated], set('global', 'new')).layers[0]?.shieldedBy).toStrictEqual(
      shields(1),
    );
  });

  test('of a fallback are those of all layers, a global override too', () => {
    const change: AnyChange = { type: 'defineKey', key, valueType: 'string', fallback: 'other' };
    const layer = { key, scope: 'fallback', at: now, before: 'fallback', after: 'other' };
    expect(told(given, change).layers).toStrictEqual([
      { ...layer, shieldedBy: { ...shields(3, 2, 1), global: 0 } },
    ]);
    expect(told([...given, overrideSet(key, 'global', 'g')], change).layers).toStrictEqual([
      { ...layer, shieldedBy: { ...shields(3, 2, 1), global: 1 } },
    ]);
  });
});

describe('moments and layers', () => {
  const layersOf = (given: readonly EventBody[], change: AnyChange | readonly AnyChange[]) => {
    const { moments, layers } = told([keyDefined(key), ...given], change);
    return { moments, layers: layers.map(({ at, before, after }) => [at, before, after]) };
  };

  test('of a temporary override are now and its end, where the layer says again what it said', () => {
    const given = [overrideSet(key, 'global', 'old')];
    expect(layersOf(given, set('global', 'new', { effectiveUntil: day(2) }))).toStrictEqual({
      moments: [now, dayAt(2)],
      layers: [[now, 'old', 'new']],
    });
  });

  test('of a scheduled one are now and its start, from which on it says something else', () => {
    expect(
      layersOf([], set('global', 'new', { effectiveFrom: day(1), effectiveUntil: day(2) })),
    ).toStrictEqual({
      moments: [now, dayAt(1), dayAt(2)],
      layers: [[dayAt(1), null, 'new']],
    });
  });

  test('of a change beside a scheduled one end where that starts, which is no new boundary', () => {
    const given = [
      overrideSet(key, 'global', 'old'),
      overrideSet(key, 'global', 'later', { effectiveFrom: day(3) }),
    ];
    expect(layersOf(given, set('global', 'new'))).toStrictEqual({
      moments: [now],
      layers: [[now, 'old', 'new']],
    });
  });

  test('an older boundary is one where before and after first differ so', () => {
    const given = [
      overrideSet(key, 'global', 'old'),
      overrideSet(key, 'global', 'meanwhile', { effectiveUntil: day(3) }),
    ];
    expect(
      layersOf(given, { type: 'clearOverride', key, scope: 'global', effectiveUntil: day(5) }),
    ).toStrictEqual({
      moments: [now, dayAt(3), dayAt(5)],
      layers: [
        [now, 'meanwhile', null],
        [dayAt(3), 'old', null],
      ],
    });
  });

  test('an end that the change takes away is a moment as well', () => {
    const given = [overrideSet(key, 'global', 'brief', { effectiveUntil: day(3) })];
    expect(layersOf(given, set('global', 'brief'))).toStrictEqual({
      moments: [now, dayAt(3)],
      layers: [[dayAt(3), null, 'brief']],
    });
  });

  test('a clear says nothing, and to withdraw takes a start away', () => {
    expect(
      layersOf([overrideSet(key, 'global', 'old')], { type: 'clearOverride', key, scope: 'global' }),
    ).toStrictEqual({
      moments: [now],
      layers: [[now, 'old', null]],
    });
    const given = [overrideSet(key, 'global', 'later', { effectiveFrom: day(3) })];
    expect(layersOf(given, { type: 'withdrawOverride', revision: 2 })).toStrictEqual({
      moments: [now, dayAt(3)],
      layers: [[dayAt(3), 'later', null]],
    });
  });

  test('an allocation is told whole', () => {
    const arms = [{ name: 'a', value: 'a', weight: 1 }];
    const allocation = { unit: 'user' as const, share: 100, salt: 's', arms };
    const change: AnyChange = {
      type: 'setOverride',
      key,
      scope: 'global',
      allocation: { ...allocation, share: 200 },
    };
    expect(layersOf([allocationSet(key, 'global', allocation)], change).layers).toStrictEqual([
      [now, allocation, { ...allocation, share: 200 }],
    ]);
  });

  test('a key that is retired loses its fallback', () => {
    expect(layersOf([], { type: 'retireKey', key })).toStrictEqual({
      moments: [now],
      layers: [[now, 'fallback', null]],
    });
  });

  test.each<[string, AnyChange]>([
    ['no change', set('global', 'old')],
    ['a price', { type: 'changePrice', id: 'openai/a', pricing: { input: '2' }, effectiveFrom: day(3) }],
    ['a description', { type: 'updateModel', id: 'openai/a', updates: { description: 'other' } }],
    ['a new model', { type: 'addModel', model: { id: 'openai/new', name: 'New', contextWindow: 1 } }],
    ['a tag', { type: 'tagRevision', name: 'v1' }],
    ['an API key', { type: 'revokeApiKey', id: 'k' }],
    ['a webhook', { type: 'createWebhook', id: 'w', url: 'https://example.com/', types: ['*'] }],
    [
      'what a definition says beside the fallback',
      { type: 'defineKey', key, valueType: 'string', fallback: 'fallback', description: 'other' },
    ],
  ])('%s: now is the only moment, and nothing changes', (_, change) => {
    const given = [
      keyDefined(key),
      overrideSet(key, 'global', 'old'),
      overrideSet(key, 'user:1', 'old'),
      modelAdded('openai/a'),
      apiKeyCreated('k'),
    ];
    expect(told(given, change)).toStrictEqual({
      moments: [now],
      momentsLeftOut: 0,
      layers: [],
      layersLeftOut: 0,
      contexts: { known: 2, checked: 2, changed: 0, sample: [] },
    });
  });

  test('the earliest moments and the first layers are told, and how many are left out', () => {
    const changes = [5, 3, 4, 2].map((days) => set(`user:${days}`, 'new', { effectiveFrom: day(days) }));
    const { moments, momentsLeftOut, layers, layersLeftOut } = told([keyDefined(key)], changes, {
      moments: 4,
      layers: 2,
    });
    expect({ moments, momentsLeftOut }).toStrictEqual({
      moments: [now, dayAt(2), dayAt(3), dayAt(4)],
      momentsLeftOut: 1,
    });
    expect(layers.map(({ scope }) => scope)).toStrictEqual(['user:3', 'user:4']);
    expect(layersLeftOut).toBe(1);
  });
});

describe('models', () => {
  const planner = 'ai.planner.model';
  const given = [
    modelAdded('openai/gpt-4o'),
    modelAdded('openai/gpt-5'),
    modelKeyDefined(planner, { fallback: 'openai/gpt-5' }),
    overrideSet(planner, 'tenant:acme', 'openai/gpt-4o'),
  ];
  const changeOf = (context: object, from: number, before: string, after: string) => ({
    context,
    key: planner,
    before,
    after,
    from,
  });

  test('deprecated with a successor and a sunset change values at the sunset', () => {
    const change: AnyChange = {
      type: 'deprecateModel',
      id: 'openai/gpt-4o',
      successor: 'openai/gpt-5',
      sunsetAt: day(30),
    };
    const { moments, layers, contexts } = told(given, change, { seen: [{ user: 'x' }] });
    expect(moments).toStrictEqual([now, dayAt(30)]);
    expect(layers).toStrictEqual([]);
    expect(contexts).toStrictEqual({
      known: 3,
      checked: 3,
      changed: 1,
      sample: [changeOf({ tenant: 'acme' }, dayAt(30), 'openai/gpt-4o', 'openai/gpt-5')],
    });
  });

  test('reinstated keep them, and the sunset that is taken away is a moment', () => {
    const deprecated = modelDeprecated('openai/gpt-4o', { successor: 'openai/gpt-5', sunsetAt: day(30) });
    const radius = told([...given, deprecated], { type: 'reinstateModel', id: 'openai/gpt-4o' });
    expect(radius.moments).toStrictEqual([now, dayAt(30)]);
    expect(radius.contexts.sample).toStrictEqual([
      changeOf({ tenant: 'acme' }, dayAt(30), 'openai/gpt-5', 'openai/gpt-4o'),
    ]);
  });

  test('that stand behind a fallback concern whoever is asked with nothing', () => {
    const change: AnyChange = {
      type: 'deprecateModel',
      id: 'openai/gpt-5',
      successor: 'openai/gpt-4o',
      sunsetAt: formatInstant(now),
    };
    expect(told(given, change).contexts.sample).toStrictEqual([
      changeOf({}, now, 'openai/gpt-5', 'openai/gpt-4o'),
    ]);
  });

  test('in use are not removed, so there is nothing to preview', () => {
    expect(() => told(given, { type: 'removeModel', id: 'openai/gpt-4o' })).toThrow(/is used/);
  });
});
