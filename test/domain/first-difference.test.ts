/**
 * Following a timeline by example: what an event changes, what time changes, and what both do in one millisecond.
 * (That it equals looking at every moment is a law in test/queries/first-difference.integration.test.ts.)
 */
import { describe, expect, test } from 'vitest';
import type { EventBody, RecordedEvent } from '../../src/domain/event.ts';
import { subjectOf } from '../../src/domain/event.ts';
import {
  type Divergence,
  type Following,
  follow,
  modelsNamedBy,
  modelsNamedIn,
  startTimeline,
} from '../../src/domain/first-difference.ts';
import { formatInstant } from '../../src/domain/instant.ts';
import { LiveState } from '../../src/domain/live-state.ts';

const start = Date.UTC(2026, 0, 1);
const later = (seconds: number): string => formatInstant(start + seconds * 1000);

/** An event so many seconds after the start. */
function recorded(revision: number, seconds: number, body: EventBody): RecordedEvent {
  return {
    ...body,
    ledger: 'default',
    revision,
    schemaVersion: 1,
    subject: subjectOf(body),
    version: revision,
    recordedAt: later(seconds),
    actor: { id: 'ann', kind: 'person' },
    reason: 'because',
    source: 'api',
    changesetId: `changeset-${revision}`,
    last: true,
    requestId: 'request',
  };
}

const set = (value: string, interval: object = {}): EventBody => ({
  type: 'OverrideSet',
  data: { key: 'k', scope: 'global', value, ...interval },
});

const define = (fallback: string): EventBody => ({
  type: 'KeyDefined',
  data: { key: 'k', valueType: 'string', fallback },
});

/** A timeline that starts after some events. */
function timelineAfter(...bodies: readonly EventBody[]) {
  const state = new LiveState();
  for (const [index, body] of bodies.entries()) state.apply(recorded(index + 1, 0, body));
  return startTimeline(state, 'k', { user: 'u' }, start);
}

/** Where it ends; `late` are the revisions that share their time with the one before them. */
function ended(following: Following, late: readonly number[] = []): Divergence | undefined {
  let told = false;
  for (;;) {
    const step = following.next(told);
    if (step.done === true) return step.value;
    told = step.value !== undefined && late.includes(step.value);
  }
}

describe('following a timeline', () => {
  test('an event that says the same is passed, the first that says something else is told', () => {
    const timeline = timelineAfter(define('a'));
    const page = [recorded(2, 1, set('a')), recorded(5, 2, set('b')), recorded(6, 3, set('c'))];
    expect(ended(follow(timeline, page, start))).toEqual({ at: start + 2000, event: page[1] });
    expect(timeline.first).toMatchObject({ value: 'a', scope: 'fallback' });
  });

  test('it goes on from page to page, over the time between them', () => {
    const timeline = timelineAfter(define('a'));
    const temporary = set('a', { effectiveFrom: later(1), effectiveUntil: later(5) });
    expect(ended(follow(timeline, [recorded(2, 1, temporary)], start))).toBeUndefined();
    expect(ended(follow(timeline, [recorded(3, 2, define('b'))], start))).toBeUndefined();
    const found = ended(follow(timeline, [recorded(4, 9, set('c'))], start));
    expect(found).toEqual({ at: start + 5000, event: undefined });
  });

  test('time alone is followed to the end, the end included', () => {
    const scheduled = set('b', { effectiveFrom: later(10) });
    expect(ended(follow(timelineAfter(define('a'), scheduled), [], start + 9_999))).toBeUndefined();
    const found = ended(follow(timelineAfter(define('a'), scheduled), [], start + 10_000));
    expect(found).toEqual({ at: start + 10_000, event: undefined });
  });

  test('an event that undoes what starts in its own millisecond leaves nothing to see', () => {
    const timeline = timelineAfter(define('a'), set('b', { effectiveFrom: later(10) }));
    expect(ended(follow(timeline, [recorded(3, 10, set('a'))], start + 60_000))).toBeUndefined();
  });

  test('but the revision before it, of the same millisecond, was seen with what started', () => {
    const timeline = timelineAfter(define('a'), set('b', { effectiveFrom: later(10) }));
    const found = ended(follow(timeline, [recorded(4, 10, set('a'))], start + 60_000), [4]);
    expect(found).toEqual({ at: start + 10_000, event: undefined });
  });

  test('an event that only repeats what starts in its millisecond did not make the difference', () => {
    const scheduled = set('b', { effectiveFrom: later(10) });
    const again = recorded(3, 10, set('b'));
    const found = ended(follow(timelineAfter(define('a'), scheduled), [again], start + 60_000));
    expect(found).toEqual({ at: start + 10_000, event: undefined });
    const other = recorded(3, 10, set('c'));
    const made = ended(follow(timelineAfter(define('a'), scheduled), [other], start + 60_000));
    expect(made).toEqual({ at: start + 10_000, event: other });
  });

  test('a key that is not defined answers, too', () => {
    const defined = recorded(1, 1, define('a'));
    const unknown = startTimeline(new LiveState(), 'k', {}, start);
    expect(unknown.first).toBeUndefined();
    expect(ended(follow(unknown, [defined], start))).toEqual({ at: start + 1000, event: defined });
    const retired = recorded(2, 1, { type: 'KeyRetired', data: { key: 'k' } });
    const known = timelineAfter(define('a'));
    expect(ended(follow(known, [retired], start))).toEqual({ at: start + 1000, event: retired });
  });

  test('a model that retires gives way to its successor', () => {
    const added = (id: string): EventBody => ({
      type: 'ModelAdded',
      data: { id, model: { name: id, status: 'active' } },
    });
    const timeline = timelineAfter(added('acme/a'), added('acme/b'), {
      type: 'KeyDefined',
      data: { key: 'k', valueType: 'model', fallback: 'acme/a' },
    });
    const deprecated = recorded(4, 1, {
      type: 'ModelDeprecated',
      data: { id: 'acme/a', successor: 'acme/b', sunsetAt: later(30) },
    });
    expect(ended(follow(timeline, [deprecated], start + 60_000))).toEqual({
      at: start + 30_000,
      event: undefined,
    });
  });

  test('an event that is about no value is refused', () => {
    const tagged = recorded(2, 1, { type: 'RevisionTagged', data: { name: 'v1', revision: 1 } });
    expect(() => ended(follow(timelineAfter(define('a')), [tagged], start))).toThrow('not about a value');
  });
});

test('the models that a value may be: values, arms, fallback, successors', () => {
  const allocation = {
    unit: 'user' as const,
    share: 10_000,
    salt: 's',
    arms: [
      { name: 'one', value: 'acme/x', weight: 1 },
      { name: 'two', value: 'acme/y', weight: 1 },
    ],
  };
  const allocated: EventBody = { type: 'OverrideSet', data: { key: 'k', scope: 'user:u', allocation } };
  expect([...modelsNamedBy(timelineAfter(define('acme/f'), set('acme/v'), allocated))].sort()).toEqual([
    'acme/f',
    'acme/v',
    'acme/x',
    'acme/y',
  ]);
  const named = (body: EventBody) => modelsNamedIn(recorded(1, 0, body));
  expect(named(allocated)).toEqual(['acme/x', 'acme/y']);
  expect(named(set('acme/v'))).toEqual(['acme/v']);
  expect(named(define('acme/f'))).toEqual(['acme/f']);
  expect(named({ type: 'ModelDeprecated', data: { id: 'acme/a', successor: 'acme/b' } })).toEqual(['acme/b']);
  expect(named({ type: 'ModelDeprecated', data: { id: 'acme/a' } })).toEqual([]);
  expect(named({ type: 'ModelReinstated', data: { id: 'acme/a' } })).toEqual([]);
});
