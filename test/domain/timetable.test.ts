/**
 * The timetable with a hand-turned clock: by example, and the law that on random histories it tells just the moments at
 * which what holds is another statement than just before.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { forever, inForce } from '../../src/domain/assertion.ts';
import type { EventBody } from '../../src/domain/event.ts';
import { modelSubject, overrideSubject, subjectOf } from '../../src/domain/event.ts';
import { LiveState } from '../../src/domain/live-state.ts';
import { statusAt } from '../../src/domain/subject-state.ts';
import { fillTimetable, Timetable } from '../../src/domain/timetable.ts';
import {
  keyDefined,
  modelAdded,
  modelDeprecated,
  modelReinstated,
  overrideCleared,
  overrideSet,
  overrideWithdrawn,
  priceChanged,
} from '../support/drafts.ts';
import { anyChange, historyOf, modelKey, moments, play, stringKey } from '../support/random-histories.ts';
import { day, dayAt, fold, now } from '../support/specification.ts';

function filled(state: LiveState, at: number): Timetable {
  const timetable = new Timetable();
  for (const _ of fillTimetable(timetable, state, at));
  return timetable;
}

/** Everything that is due at a moment, in short. */
function due(timetable: Timetable, state: LiveState, at: number, limit = 100) {
  const told: (readonly unknown[])[] = [];
  for (;;) {
    const portion = timetable.take(at, (subject) => state.subject(subject), limit);
    if (portion === undefined) return told;
    for (const turn of portion.turns) {
      const by = turn.kind === 'sunset' ? turn.successor : turn.revision;
      told.push([portion.at, turn.kind, turn.subject, by]);
    }
  }
}

const key = 'a.b';
const sale = { effectiveFrom: day(1), effectiveUntil: day(3) };
const global = overrideSubject(key, 'global');
const gpt = modelSubject('openai/gpt');
const given = (...events: readonly EventBody[]) => fold(keyDefined(key), ...events);

describe('what is told', () => {
  test('starts and ends of overrides, when their moment has come and once', () => {
    const state = given(overrideSet(key, 'global', 'base'), overrideSet(key, 'global', 'sale', sale));
    const timetable = filled(state, now);
    expect(timetable.soonest).toBe(dayAt(1));
    expect(due(timetable, state, dayAt(1) - 1)).toEqual([]);
    expect(due(timetable, state, dayAt(1))).toEqual([[dayAt(1), 'activation', global, 3]]);
    expect(due(timetable, state, dayAt(2))).toEqual([]);
    expect(due(timetable, state, dayAt(9))).toEqual([[dayAt(3), 'expiry', global, 3]]);
    expect([timetable.soonest, timetable.size]).toEqual([forever, 0]);
  });

  test('sunsets with successors, and prices', () => {
    const state = fold(
      modelAdded('openai/gpt', { pricing: { input: '1' } }),
      modelAdded('openai/next'),
      modelDeprecated('openai/gpt', { successor: 'openai/next', sunsetAt: day(2) }),
      priceChanged('openai/gpt', { input: '2' }, day(2)),
    );
    expect(due(filled(state, now), state, dayAt(2))).toEqual([
      [dayAt(2), 'sunset', gpt, 'openai/next'],
      [dayAt(2), 'price', gpt, 4],
    ]);
  });

  test('in order of time, though all of it is late', () => {
    const scopes = ['user:c', 'user:a', 'user:b', 'tier:1'] as const;
    const state = given(
      ...scopes.map((scope, index) => overrideSet(key, scope, 'x', { effectiveFrom: day(4 - index) })),
    );
    const told = due(filled(state, now), state, dayAt(9), 1);
    expect(told.map(([at]) => at)).toEqual([1, 2, 3, 4].map(dayAt));
  });

  test('a plan that another one covers is not, nor one that gives way at the very moment', () => {
    const state = given(
      overrideSet(key, 'global', 'sale', sale),
      overrideSet(key, 'global', 'for good', { effectiveFrom: day(2) }),
      overrideSet(key, 'tier:1', 'a', { effectiveUntil: day(4) }),
      overrideSet(key, 'tier:1', 'b', { effectiveFrom: day(4) }),
      overrideCleared(key, 'tier:1', { effectiveFrom: day(4) }),
    );
    expect(due(filled(state, now), state, dayAt(9))).toEqual([
      [dayAt(1), 'activation', global, 2],
      [dayAt(2), 'activation', global, 3],
      [dayAt(4), 'activation', overrideSubject(key, 'tier:1'), 6],
    ]);
  });

  test('what was taken back or put off meanwhile is not, noted or not', () => {
    const before = [
      overrideSet(key, 'global', 'sale', sale),
      modelAdded('openai/gpt'),
      modelDeprecated('openai/gpt', { sunsetAt: day(1) }),
    ];
    const later = given(...before, overrideWithdrawn(key, 'global', 2), modelReinstated('openai/gpt'));
    expect(due(filled(given(...before), now), later, dayAt(9))).toEqual([]);
    const noted = filled(given(...before), now);
    for (const subject of [global, gpt]) noted.note(subject, later.subject(subject), now);
    expect(noted.soonest).toBe(dayAt(1));
    expect(due(noted, later, dayAt(9))).toEqual([]);
  });

  test('what is due already is told before what a change makes of it', () => {
    const first = given(overrideSet(key, 'global', 'a', { effectiveFrom: day(1) }));
    const timetable = filled(first, now);
    const then = given(
      overrideSet(key, 'global', 'a', { effectiveFrom: day(1) }),
      overrideSet(key, 'global', 'b', { effectiveFrom: day(5) }),
    );
    timetable.note(global, then.subject(global), dayAt(2));
    expect(due(timetable, then, dayAt(2))).toEqual([[dayAt(1), 'activation', global, 2]]);
    expect(timetable.soonest).toBe(dayAt(5));
  });
});

test('a portion looks at no more subjects than it may', () => {
  const state = given(
    ...Array.from({ length: 25 }, (_, index) => overrideSet(key, `user:${index}`, 'x', sale)),
  );
  const timetable = filled(state, now);
  const sizes: number[] = [];
  for (;;) {
    const portion = timetable.take(dayAt(1), (subject) => state.subject(subject), 10);
    if (portion === undefined) break;
    sizes.push(portion.turns.length);
  }
  expect(sizes).toEqual([10, 10, 5]);
});

test('a subject that is put off again and again does not pile up', () => {
  const timetable = new Timetable();
  for (let index = 0; index < 50_000; index++) {
    const assertion = { kind: 'value', value: 1, revision: 2, from: 0, until: now + 1 + index } as const;
    timetable.note(global, { version: 1, assertions: [assertion] }, now);
  }
  expect(timetable.size).toBeLessThan(5_000);
  expect(timetable.take(now + 49_999, () => undefined, 10_000)?.turns).toEqual([]);
});

test('a large state is looked at in slices', () => {
  const state = new LiveState();
  for (let index = 0; index < 10_000; index++) {
    const assertion = { kind: 'value', value: 1, revision: 2, from: 0, until: now + index } as const;
    state.put(overrideSubject(key, `user:${index}`), { version: 1, assertions: [assertion] });
  }
  const timetable = new Timetable();
  expect([...fillTimetable(timetable, state, now)]).toHaveLength(5);
  expect(timetable.size).toBe(9_999);
});

test('on random histories, filled at some time and kept up since, it tells where another statement holds', () => {
  fc.assert(
    fc.property(historyOf(anyChange, 4), fc.nat(6), (steps, changesetsBefore) => {
      const timetable = new Timetable();
      let place = 0;
      const { state, now: end } = play(steps, ({ events, overlay }, _, before) => {
        place += 1;
        if (place < changesetsBefore) return;
        if (place === changesetsBefore)
          for (const _slice of fillTimetable(timetable, before.state, before.now));
        due(timetable, before.state, before.now);
        for (const { body } of events) {
          const subject = subjectOf(body);
          timetable.note(subject, overlay.subject(subject), before.now);
        }
      });
      if (place < changesetsBefore) for (const _slice of fillTimetable(timetable, state, end));
      due(timetable, state, end);
      for (const at of moments.filter((moment) => moment > end)) {
        const told = due(timetable, state, at).map(([when, kind, subject]) =>
          [when, kind, subject].join(' '),
        );
        expect(told.sort()).toEqual([...turning(state, at)].sort());
      }
      expect(timetable.soonest).toBe(forever);
    }),
    { numRuns: 500 },
  );
});

function* turning(state: LiveState, at: number): Iterable<string> {
  for (const name of [stringKey, modelKey]) {
    for (const [scope, { assertions }] of state.overridesOf(name)) {
      const [before, after] = [inForce(assertions, at - 1), inForce(assertions, at)];
      if (before === after) continue;
      yield `${at} ${after?.from === at ? 'activation' : 'expiry'} ${overrideSubject(name, scope)}`;
    }
  }
  for (const model of state.models()) {
    const subject = modelSubject(model.id);
    if (statusAt(model, at - 1) !== statusAt(model, at)) yield `${at} sunset ${subject}`;
    if (inForce(model.prices, at - 1) !== inForce(model.prices, at)) yield `${at} price ${subject}`;
  }
}
