/**
 * Restoring: given events, when subjects are to be what a plan wants, then exactly these events, or this refusal.
 * Overrides, and values whose model is gone; models, keys and prices stand in decide-restore-models.test.ts.
 */
import { describe, expect, test } from 'vitest';
import type { RestoreTarget } from '../../../src/domain/rollback/restore.ts';
import {
  keyDefined,
  keyRetired,
  modelAdded,
  modelDeprecated,
  modelKeyDefined,
  modelRemoved,
  overrideCleared,
  overrideSet,
  overrideWithdrawn,
} from '../../support/drafts.ts';
import { day } from '../../support/specification.ts';
import { cleared, eventsOf, id, key, override, refusalOf, restoring, scope, value } from './restore-stand.ts';

describe('an override', () => {
  const defined = keyDefined(key);

  test('is set to what held, endless', () => {
    const given = [defined, overrideSet(key, scope, 'new')];
    expect(eventsOf(given, override(1, value('old', -1)))).toStrictEqual([overrideSet(key, scope, 'old')]);
  });

  test('is cleared where nothing was said', () => {
    const given = [defined, overrideSet(key, scope, 'new')];
    expect(eventsOf(given, override(1))).toStrictEqual([overrideCleared(key, scope)]);
  });

  test('that says so already is not said again', () => {
    const given = [defined, overrideSet(key, scope, 'same')];
    expect(restoring(given, [override(1, value('same', -1))])).toStrictEqual({
      events: [],
      warnings: [['no_change', 'changes.0']],
    });
    expect(eventsOf([defined, overrideCleared(key, scope)], override(1))).toStrictEqual([]);
    expect(eventsOf([defined], override(0, cleared(-1)))).toStrictEqual([]);
  });

  test('of which nothing is selected is told apart from what is done already', () => {
    expect(restoring([defined], [])).toStrictEqual({
      events: [],
      warnings: [['nothing_selected', 'changes.0']],
    });
  });

  test('keeps what was temporary above what it gives way to', () => {
    const given = [defined, overrideSet(key, scope, 'new')];
    const wanted = [value('base', -2), value('for a while', -1, 3)];
    expect(eventsOf(given, override(1, ...wanted))).toStrictEqual([
      overrideSet(key, scope, 'base'),
      overrideSet(key, scope, 'for a while', { effectiveUntil: day(3) }),
    ]);
  });

  test('that was temporary over nothing does not let today come back after it', () => {
    const given = [defined, overrideSet(key, scope, 'new')];
    expect(eventsOf(given, override(1, value('for a while', -1, 3)))).toStrictEqual([
      overrideCleared(key, scope),
      overrideSet(key, scope, 'for a while', { effectiveUntil: day(3) }),
    ]);
  });

  test('takes back what is scheduled and schedules what was', () => {
    const given = [defined, overrideSet(key, scope, 'later', { effectiveFrom: day(2) })];
    expect(eventsOf(given, override(1, value('sooner', 1)))).toStrictEqual([
      overrideWithdrawn(key, scope, 2),
      overrideSet(key, scope, 'sooner', { effectiveFrom: day(1) }),
    ]);
  });

  test('leaves a schedule that is wanted, unless one that it gives way to has to come first', () => {
    const until = { effectiveFrom: day(2), effectiveUntil: day(5) };
    const given = [defined, overrideSet(key, scope, 'later', until)];
    expect(eventsOf(given, override(1, value('later', 2, 5)))).toStrictEqual([]);
    // One that never holds is not said.
    expect(eventsOf(given, override(1, value('below', 2, 4, 1), value('later', 2, 5)))).toStrictEqual([]);
    expect(eventsOf(given, override(1, value('below', 2, undefined, 1), value('later', 2, 5)))).toStrictEqual(
      [
        overrideWithdrawn(key, scope, 2),
        overrideSet(key, scope, 'below', { effectiveFrom: day(2) }),
        overrideSet(key, scope, 'later', until),
      ],
    );
  });

  test('of a version that has moved is a conflict that names it', () => {
    const failure = refusalOf([defined, overrideSet(key, scope, 'new')], [override(0)]);
    expect(failure).toMatchObject({ code: 'conflict', reason: 'subject_moved' });
    expect(failure.details.map(({ path }) => path)).toStrictEqual([`changes.0.override:${key}@${scope}`]);
  });

  test('of a scope that is not allowed any more is refused; of a retired key it is told', () => {
    const narrowed = keyDefined(key, { scopes: ['global'] });
    expect(refusalOf([narrowed], [override(0, value('old', -1))]).reason).toBe('scope_not_allowed');
    const { events, warnings } = restoring([defined, keyRetired(key)], [override(0, value('old', -1))]);
    expect(events).toStrictEqual([overrideSet(key, scope, 'old')]);
    expect(warnings).toStrictEqual([['retired_key', `override:${key}@${scope}`]]);
  });
});

describe('a model that is gone', () => {
  const target: RestoreTarget = {
    kind: 'override',
    subject: 'override:ai.model@global',
    version: 0,
    key: 'ai.model',
    scope: 'global',
    wanted: [value('acme/gone', -1)],
  };
  const given = [
    modelAdded(id),
    modelKeyDefined('ai.model'),
    modelAdded('acme/gone'),
    modelRemoved('acme/gone'),
  ];

  test('is refused as a value, all of them named at once', () => {
    const other = { ...target, subject: 'override:ai.model@tier:1', scope: 'tier:1' } as const;
    const failure = refusalOf(given, [target, other]);
    expect(failure).toMatchObject({ code: 'refused', reason: 'removed_model' });
    expect(failure.details).toHaveLength(2);
  });

  test('comes back with a warning where that is asked', () => {
    const { events, warnings } = restoring(given, [target], true);
    expect(events).toStrictEqual([overrideSet('ai.model', 'global', 'acme/gone')]);
    expect(warnings).toStrictEqual([['removed_model', 'override:ai.model@global']]);
  });

  test('a deprecated one comes back and is told', () => {
    const deprecated = [
      modelAdded(id),
      modelKeyDefined('ai.model'),
      modelAdded('acme/gone'),
      modelDeprecated('acme/gone'),
    ];
    const { warnings } = restoring(deprecated, [target]);
    expect(warnings).toStrictEqual([['deprecated_model', 'override:ai.model@global']]);
  });

  test('comes back by itself before the value that names it', () => {
    const model: RestoreTarget = {
      kind: 'model',
      subject: 'model:acme/gone',
      version: 2,
      id: 'acme/gone',
      wanted: {
        id: 'acme/gone',
        provider: 'acme',
        model: 'gone',
        name: 'acme/gone',
        contextWindow: 128_000,
        status: 'active',
      },
    };
    expect(eventsOf(given, target, model)).toStrictEqual([
      modelAdded('acme/gone'),
      overrideSet('ai.model', 'global', 'acme/gone'),
    ]);
  });
});
