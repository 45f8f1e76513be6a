/** Overrides that are still to start: they stand, are taken back, are bounded. */
import { describe, expect, test } from 'vitest';
import type { AnyChange } from '../../src/domain/change.ts';
import { maxAssertions } from '../../src/domain/decide-override.ts';
import type { EventBody } from '../../src/domain/event.ts';
import type { JsonValue } from '../../src/domain/json.ts';
import {
  keyDefined,
  keyRetired,
  overrideCleared,
  overrideSet,
  overrideWithdrawn,
} from '../support/drafts.ts';
import { day, given } from '../support/specification.ts';

const key = 'app.greeting';
const defined = keyDefined(key);

interface Options {
  readonly effectiveFrom?: string;
  readonly effectiveUntil?: string;
  readonly replaceScheduled?: boolean;
}

const set = (value: JsonValue, options: Options = {}): AnyChange => ({
  type: 'setOverride',
  key,
  scope: 'global',
  value,
  ...options,
});
const clear = (options: Options = {}): AnyChange => ({
  type: 'clearOverride',
  key,
  scope: 'global',
  ...options,
});
const without = ({ replaceScheduled: _, ...interval }: Options) => interval;
const withdraw = (revision: number): AnyChange => ({ type: 'withdrawOverride', revision });
const held = (value: JsonValue, interval = {}): EventBody => overrideSet(key, 'global', value, interval);
const cleared = (interval = {}): EventBody => overrideCleared(key, 'global', interval);
const withdrawn = (revision: number): EventBody => overrideWithdrawn(key, 'global', revision);

describe('what is scheduled', () => {
  const later = held('later', { effectiveFrom: day(5) });

  test('stands, and is told of', () => {
    given(defined, later)
      .when(set('a'))
      .then([held('a')], ['scheduled_stands']);
    given(defined, held('a'), later).when(clear()).then([cleared()], ['scheduled_stands']);
    given(defined, held('a'), later).when(set('a')).thenNothing(['no_change', 'scheduled_stands']);
    given(defined, later).when(clear()).thenNothing(['no_change', 'scheduled_stands']);
  });

  test('is not told of when it starts outside the interval', () => {
    given(defined, later)
      .when(set('a', { effectiveUntil: day(5) }))
      .then([held('a', { effectiveUntil: day(5) })]);
    given(defined, later)
      .when(set('a', { effectiveFrom: day(4), effectiveUntil: day(5) }))
      .then([held('a', { effectiveFrom: day(4), effectiveUntil: day(5) })]);
    given(defined, held('started', { effectiveFrom: day(-10) }))
      .when(set('a'))
      .then([held('a')]);
  });

  test('does not stand when the wish starts with it: that takes over', () => {
    given(defined, later)
      .when(set('a', { effectiveFrom: day(5) }))
      .then([held('a', { effectiveFrom: day(5) })], ['takes_over']);
    given(defined, later)
      .when(set('later', { effectiveFrom: day(5) }))
      .thenNothing();
  });

  test('is taken back in the same changeset by replaceScheduled', () => {
    given(defined, later, held('much later', { effectiveFrom: day(7) }))
      .when(set('a', { replaceScheduled: true }))
      .then([withdrawn(2), withdrawn(3), held('a')]);
    given(defined, held('a'), later)
      .when(clear({ replaceScheduled: true }))
      .then([withdrawn(3), cleared()]);
    given(defined, later, held('much later', { effectiveFrom: day(7) }))
      .when(set('a', { effectiveFrom: day(1), effectiveUntil: day(7), replaceScheduled: true }))
      .then([withdrawn(2), held('a', { effectiveFrom: day(1), effectiveUntil: day(7) })]);
  });

  test('is taken back alone when the wish holds without it', () => {
    given(defined, held('a'), later)
      .when(set('a', { replaceScheduled: true }))
      .then([withdrawn(3)]);
    given(defined, later)
      .when(clear({ replaceScheduled: true }))
      .then([withdrawn(2)]);
  });

  test('is replaced by its own value for another time', () => {
    given(defined, later)
      .when(set('later', { effectiveFrom: day(5), effectiveUntil: day(6), replaceScheduled: true }))
      .then([withdrawn(2), held('later', { effectiveFrom: day(5), effectiveUntil: day(6) })]);
    given(defined, later)
      .when(set('later', { effectiveFrom: day(4), replaceScheduled: true }))
      .then([withdrawn(2), held('later', { effectiveFrom: day(4) })]);
  });

  test('is left when it is the very wish', () => {
    given(defined, later)
      .when(set('later', { effectiveFrom: day(5), replaceScheduled: true }))
      .thenNothing();
    given(defined, later, held('much later', { effectiveFrom: day(7) }))
      .when(set('later', { effectiveFrom: day(5), replaceScheduled: true }))
      .then([withdrawn(3)]);
  });

  test('nothing scheduled, nothing taken back', () => {
    given(defined, held('a', { effectiveFrom: day(0) }))
      .when(set('b', { replaceScheduled: true }))
      .then([held('b')]);
    given(defined, held('a'))
      .when(set('b', { replaceScheduled: true }))
      .then([held('b')]);
  });

  test(`is not more than ${maxAssertions}`, () => {
    const one = (index: number) =>
      held(`${index}`, { effectiveFrom: day(index + 1), effectiveUntil: day(index + 2) });
    const full = given(defined, ...Array.from({ length: maxAssertions }, (_, index) => one(index)));
    const next = { effectiveFrom: day(maxAssertions + 1) };
    full.when(set('x', next)).thenRefused('too_many_assertions');
    full.when(set('x')).thenRefused('too_many_assertions');
    full.when(clear({ effectiveFrom: day(1) })).thenRefused('too_many_assertions');
    expect(full.when(set('x', { replaceScheduled: true })).decided().events).toHaveLength(maxAssertions + 1);
    full.when([withdraw(2), set('x', next)]).then([withdrawn(2), held('x', next)]);
  });

  test('a scope that is full of what a new value ends is not full', () => {
    const temporaries = Array.from({ length: maxAssertions }, (_, index) =>
      held(`${index}`, { effectiveUntil: day(2 * maxAssertions - index) }),
    );
    given(defined, ...temporaries)
      .when(set('x'))
      .then([held('x')]);
    given(defined, ...temporaries)
      .when(set('x', { effectiveUntil: day(1) }))
      .thenRefused('too_many_assertions');
  });
});

describe('a plan that meets another one takes over, and says so', () => {
  const later = { effectiveFrom: day(5) };
  const sale = { effectiveFrom: day(5), effectiveUntil: day(9) };

  test.each<[string, readonly EventBody[], Options]>([
    ['scheduled over scheduled', [held('later', later)], { effectiveFrom: day(6) }],
    ['scheduled over scheduled that ends', [held('sale', sale)], { effectiveFrom: day(6) }],
    ['temporary within temporary', [held('sale', sale)], { effectiveFrom: day(6), effectiveUntil: day(7) }],
    ['scheduled over temporary in force', [held('now', { effectiveUntil: day(9) })], later],
    [
      'temporary over temporary in force',
      [held('now', { effectiveUntil: day(9) })],
      { effectiveUntil: day(1) },
    ],
    ['over a clearing that is to end', [held('a'), cleared(sale)], { effectiveFrom: day(6) }],
  ])('%s', (_, events, options) => {
    given(defined, ...events)
      .when(set('b', options))
      .then([held('b', without(options))], ['takes_over']);
    given(defined, ...events)
      .when(clear(options))
      .then([cleared(without(options))], ['takes_over']);
  });

  test('names what it takes over from, and until when', () => {
    const warnings = (options: Options) =>
      given(defined, held('sale', sale)).when(set('b', options)).decided().warnings;
    expect(warnings({ effectiveFrom: day(6) })).toEqual([
      {
        code: 'takes_over',
        message:
          'takes over at 2026-03-07T12:00:00.000Z from revision 2, which holds for app.greeting at global from 2026-03-06T12:00:00.000Z to 2026-03-10T12:00:00.000Z',
        path: 'changes.0',
      },
    ]);
    expect(warnings({ effectiveFrom: day(6), effectiveUntil: day(7) })[0]?.message).toMatch(
      /^takes over at 2026-03-07T12:00:00.000Z until 2026-03-08T12:00:00.000Z from revision 2/,
    );
  });

  test('beside what still starts within it', () => {
    given(defined, held('sale', sale), held('later', { effectiveFrom: day(8) }))
      .when(set('b', { effectiveFrom: day(6) }))
      .then([held('b', { effectiveFrom: day(6) })], ['takes_over', 'scheduled_stands']);
  });

  test.each<[string, readonly EventBody[], Options]>([
    ['what holds without end gives way to what is new', [held('a')], {}],
    ['what holds without end gives way to a plan', [held('a')], sale],
    ['a plan begins where another one has ended', [held('sale', sale)], { effectiveFrom: day(9) }],
    ['what is new ends what is temporary', [held('now', { effectiveUntil: day(9) })], {}],
    ['what is met is hidden', [held('sale', sale), held('later', { effectiveFrom: day(-1) })], {}],
  ])('not when %s', (_, events, options) => {
    const told = given(defined, ...events)
      .when(set('b', options))
      .decided().warnings;
    expect(told.map(({ code }) => code)).not.toContain('takes_over');
  });

  test('not when the other one is taken back in the same changeset, or nothing is said', () => {
    given(defined, held('sale', sale))
      .when(set('b', { ...later, replaceScheduled: true }))
      .then([withdrawn(2), held('b', later)]);
    given(defined, held('sale', sale)).when(set('sale', sale)).thenNothing();
  });
});

describe('withdrawing', () => {
  test('takes back what has not started', () => {
    given(defined, held('a', { effectiveFrom: day(1) }))
      .when(withdraw(2))
      .then([withdrawn(2)]);
    given(defined, cleared({ effectiveFrom: day(1) }))
      .when(withdraw(2))
      .then([withdrawn(2)]);
  });

  test('works under a retired key too', () => {
    given(defined, held('a', { effectiveFrom: day(1) }), keyRetired(key))
      .when(withdraw(2))
      .then([withdrawn(2)]);
  });

  test('works within one changeset', () => {
    const [early, late] = [{ effectiveFrom: day(1) }, { effectiveFrom: day(2) }];
    given(defined)
      .when([set('a', early), set('b', late), withdraw(2)])
      .then([held('a', early), held('b', late), withdrawn(2)], ['takes_over']);
  });

  test.each<[string, readonly EventBody[], number]>([
    ['what has started', [defined, held('a')], 2],
    ['what starts now', [defined, held('a', { effectiveFrom: day(0) })], 2],
    ['what is over', [defined, held('a', { effectiveUntil: day(-50) })], 2],
    ['what was taken back', [defined, held('a', { effectiveFrom: day(1) }), withdrawn(2)], 2],
    ['what is no override', [defined], 1],
    ['what is not there', [defined], 99],
  ])('is refused for %s', (_, events, revision) => {
    given(...events)
      .when(withdraw(revision))
      .thenRefused('not_scheduled');
  });

  test('twice in one changeset is refused', () => {
    given(defined, held('a', { effectiveFrom: day(1) }))
      .when([withdraw(2), withdraw(2)])
      .thenRefused('not_scheduled', 'changes.1');
  });
});
