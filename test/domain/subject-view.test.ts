/** What a subject says at a point: now, and what takes over by itself later. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { inForce } from '../../src/domain/assertion.ts';
import type { FieldView } from '../../src/domain/diff.ts';
import { type EventBody, subjectOf } from '../../src/domain/event.ts';
import type { JsonValue } from '../../src/domain/json.ts';
import type { OverrideAssertion, SubjectState } from '../../src/domain/subject-state.ts';
import { pointDifferences, pointViewOf } from '../../src/domain/subject-view.ts';
import {
  allocationSet,
  keyDefined,
  keyRetired,
  modelAdded,
  modelDeprecated,
  modelRemoved,
  overrideCleared,
  overrideSet,
  overrideWithdrawn,
  priceChanged,
} from '../support/drafts.ts';
import { anyChange, historyOf, moments, type Played, play } from '../support/random-histories.ts';
import { day, dayAt, firstRecordedAt, fold, now } from '../support/specification.ts';

const key = 'app.greeting';
const id = 'openai/gpt-4o';

/** The view of the last event's subject after all of these. */
function viewAt(at: number, ...events: readonly EventBody[]): FieldView {
  const last = events.at(-1);
  return pointViewOf(last === undefined ? undefined : fold(...events).subject(subjectOf(last)), at);
}

const set = (value: JsonValue, from?: number, until?: number): EventBody =>
  overrideSet(key, 'global', value, {
    ...(from === undefined ? {} : { effectiveFrom: day(from) }),
    ...(until === undefined ? {} : { effectiveUntil: day(until) }),
  });

describe('an override', () => {
  test('says its value, and nothing about the future when there is none', () => {
    expect(viewAt(now, set('a'))).toStrictEqual({ value: 'a' });
    expect(viewAt(firstRecordedAt - 1, set('a'))).toStrictEqual({
      scheduled: [{ effectiveFrom: new Date(firstRecordedAt).toISOString(), value: 'a' }],
    });
    expect(viewAt(now, set('a'), overrideCleared(key, 'global'))).toStrictEqual({});
    expect(pointViewOf(undefined, now)).toStrictEqual({});
  });

  test('that ends says the same over "not set here" and over nothing', () => {
    expect(viewAt(now, overrideCleared(key, 'global'), set('a', 0, 5))).toStrictEqual(
      viewAt(now, set('a', 0, 5)),
    );
  });

  test('says what starts later, in order, and not what was taken back', () => {
    const events = [set('a'), set('c', 5, 6), set('b', 2), set('d', 7)];
    const scheduled = [
      { effectiveFrom: day(2), value: 'b' },
      { effectiveFrom: day(5), effectiveUntil: day(6), value: 'c' },
      { effectiveFrom: day(6), value: 'b' },
      { effectiveFrom: day(7), value: 'd' },
    ];
    expect(viewAt(now, ...events)).toStrictEqual({ value: 'a', scheduled });
    expect(viewAt(now, ...events, overrideWithdrawn(key, 'global', 4))).toStrictEqual({
      value: 'a',
      scheduled: scheduled.slice(0, 3),
    });
    expect(viewAt(dayAt(5), ...events)).toStrictEqual({
      value: 'c',
      effectiveUntil: day(6),
      scheduled: scheduled.slice(2),
    });
  });

  test('tells what a temporary one gives way to', () => {
    const temporary = set('t', -1, 1);
    const over = (base: EventBody) => viewAt(now, base, temporary);
    expect(over(set('a'))).toStrictEqual({
      value: 't',
      effectiveUntil: day(1),
      scheduled: [{ effectiveFrom: day(1), value: 'a' }],
    });
    expect(viewAt(now, temporary)).toStrictEqual({ value: 't', effectiveUntil: day(1) });
    expect(pointDifferences(over(set('a')), over(set('b'))).map(({ field }) => field)).toStrictEqual([
      'scheduled',
    ]);
  });

  test('tells of allocations and of clearing what is to come', () => {
    const allocation = {
      unit: 'user',
      share: 1,
      salt: 's',
      arms: [{ name: 'a', value: 'x', weight: 1 }],
    } as const;
    const interval = { effectiveFrom: day(1), effectiveUntil: day(2) };
    expect(
      viewAt(
        now,
        allocationSet(key, 'global', allocation),
        overrideCleared(key, 'global', interval),
        allocationSet(key, 'global', { ...allocation, share: 2 }, { effectiveFrom: day(3) }),
      ),
    ).toStrictEqual({
      allocation,
      scheduled: [
        { effectiveFrom: day(1), effectiveUntil: day(2), cleared: true },
        { effectiveFrom: day(2), allocation },
        { effectiveFrom: day(3), allocation: { ...allocation, share: 2 } },
      ],
    });
  });

  test('tells the next 64 changes of hands', () => {
    const many = Array.from({ length: 70 }, (_, index) => set(index, index + 1));
    const { scheduled } = viewAt(now, ...many);
    expect(scheduled).toHaveLength(64);
    expect(scheduled).toMatchObject({ 63: { effectiveFrom: day(64), value: 63 } });
  });
});

describe('a key', () => {
  test('says its definition, and that it is retired', () => {
    const definition = { key, valueType: 'string', fallback: 'fallback' };
    expect(viewAt(now, keyDefined(key))).toStrictEqual({ ...definition, retired: false });
    expect(viewAt(now, keyDefined(key), keyRetired(key))).toStrictEqual({ ...definition, retired: true });
  });
});

describe('a model', () => {
  const added = modelAdded(id, { pricing: { input: '1' } });
  const deprecated = modelDeprecated(id, { sunsetAt: day(1) });

  test('is retired from its sunset on, without an event', () => {
    const before = viewAt(dayAt(1) - 1, added, deprecated);
    const after = viewAt(dayAt(1), added, deprecated);
    expect(pointDifferences(before, after)).toStrictEqual([
      { field: 'status', before: 'deprecated', after: 'retired' },
    ]);
  });

  test('says the price of the moment and those that start later', () => {
    const events = [added, priceChanged(id, { input: '2' }, day(3))];
    expect(viewAt(now, ...events)).toMatchObject({
      pricing: { input: '1' },
      scheduledPricing: [{ effectiveFrom: day(3), pricing: { input: '2' } }],
    });
    expect(pointDifferences(viewAt(now, ...events), viewAt(dayAt(3), ...events))).toStrictEqual([
      { field: 'pricing.input', before: '1', after: '2' },
      {
        field: 'scheduledPricing',
        before: [{ effectiveFrom: day(3), pricing: { input: '2' } }],
        after: null,
      },
    ]);
  });

  test('that comes or goes is told without its empty parts, both ways', () => {
    const view = viewAt(now, modelAdded(id));
    const fields = ['contextWindow', 'id', 'model', 'name', 'provider', 'status'];
    expect(pointDifferences({}, view).map(({ field }) => field)).toStrictEqual(fields);
    expect(pointDifferences(view, {}).map(({ field }) => field)).toStrictEqual(fields);
    expect(viewAt(now, modelAdded(id), modelRemoved(id))).toStrictEqual({ status: 'removed' });
  });
});

/** What an override answers at a moment; undefined for "ask the next layer". */
function answerOf(state: SubjectState | undefined, at: number): OverrideAssertion['value'] | undefined {
  if (state === undefined || !('assertions' in state)) return undefined;
  const assertion = inForce(state.assertions, at);
  return assertion === undefined || assertion.kind === 'cleared' ? undefined : assertion.value;
}

test('on random histories, equal views are subjects that answer alike from then on', () => {
  let met = 0;
  fc.assert(
    fc.property(historyOf(anyChange), (steps) => {
      const states: (SubjectState | undefined)[] = [undefined];
      const played: Played = play(steps, ({ events }) => {
        for (const { body, after } of events) {
          if (subjectOf(body).startsWith('override:')) states.push(after);
        }
      });
      const at = played.now;
      for (const one of states) {
        for (const other of states) {
          if (pointDifferences(pointViewOf(one, at), pointViewOf(other, at)).length > 0) continue;
          met += one === other ? 0 : 1;
          for (const moment of moments.filter((each) => each >= at)) {
            expect(answerOf(one, moment)).toStrictEqual(answerOf(other, moment));
          }
        }
      }
    }),
    { numRuns: 200 },
  );
  expect(met).toBeGreaterThan(0);
});
