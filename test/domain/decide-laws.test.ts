/** Laws of deciding, on random histories: nothing for nothing, something for something, and replay is the truth. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { withAssertion } from '../../src/domain/assertion.ts';
import type { AnyChange } from '../../src/domain/change.ts';
import { type EventBody, subjectOf } from '../../src/domain/event.ts';
import { evolve, type Placed } from '../../src/domain/evolve.ts';
import { fieldChanges } from '../../src/domain/field-changes.ts';
import { formatInstant, parseInstant } from '../../src/domain/instant.ts';
import { LiveState } from '../../src/domain/live-state.ts';
import type { Scope } from '../../src/domain/scope.ts';
import type { OverrideAssertion, SubjectState } from '../../src/domain/subject-state.ts';
import { holdsAt, naiveResolve, saidIn } from '../support/naive-resolver.ts';
import {
  anyChange,
  contexts,
  historyOf,
  modelKey,
  moments,
  type Played,
  play,
  type Step,
  stringKey,
  stringOverrideChange,
} from '../support/random-histories.ts';

type OverrideChange = Extract<AnyChange, { type: 'setOverride' | 'clearOverride' }>;

describe('replay', () => {
  test('event by event comes to the states that the overlays came to', () => {
    fc.assert(
      fc.property(historyOf(anyChange, 4), (steps) => {
        const { events, state } = play(steps);
        const replayed = new LiveState();
        const states = new Map<string, SubjectState>();
        for (const event of events) {
          replayed.apply(event);
          states.set(subjectOf(event), evolve(states.get(subjectOf(event)), event));
        }
        expect(replayed.revision).toBe(state.revision);
        for (const [subject, expected] of states) {
          expect(state.subject(subject)).toStrictEqual(expected);
          expect(replayed.subject(subject)).toStrictEqual(expected);
        }
        expect([...state.models()]).toStrictEqual([...replayed.models()]);
        expect([...state.keys()]).toStrictEqual([...replayed.keys()]);
      }),
      { numRuns: 300 },
    );
  });

  test('a changeset comes to what its changes come to one by one', () => {
    fc.assert(
      fc.property(historyOf(anyChange), fc.array(anyChange, { maxLength: 8 }), (steps, changes) => {
        // Tags name what was before the changeset, so they differ.
        const single = changes
          .filter(({ type }) => type !== 'tagRevision')
          .map((change, index): Step => ({ hours: Number(index === 0), changes: [change] }));
        const accepted = new Set<Step>();
        const apart = play([...steps, ...single], (_, step) => accepted.add(step));
        const [first, ...rest] = single.filter((step) => accepted.has(step)).flatMap((step) => step.changes);
        fc.pre(first !== undefined);
        const together = play([...steps, { hours: 1, changes: [first, ...rest] }]);
        expect(together.events).toStrictEqual(apart.events);
      }),
      { numRuns: 150 },
    );
  });
});

describe('a change that is said to change nothing', () => {
  test('would change no answer at any moment from now on', () => {
    let looked = 0;
    fc.assert(
      fc.property(historyOf(stringOverrideChange), (steps) => {
        play(steps, (decided, step, before) => {
          const [change] = step.changes;
          if (decided.events.length > 0 || change === undefined) return;
          looked++;
          const done = [...before.events, ...asEvents(change as OverrideChange, before)];
          for (const at of moments.filter((moment) => moment >= before.now)) {
            for (const context of contexts) {
              const { revision: _, ...is } = naiveResolve(before.events, stringKey, context, at) ?? {
                revision: 0,
              };
              const { revision: __, ...wouldBe } = naiveResolve(done, stringKey, context, at) ?? {
                revision: 0,
              };
              expect(wouldBe).toStrictEqual(is);
            }
          }
        });
      }),
      { numRuns: 300 },
    );
    expect(looked).toBeGreaterThan(100);
  });
});

describe('an override that is decided', () => {
  test('changes what its scope says at some moment from now on, as far as nothing starts later', () => {
    fc.assert(
      fc.property(historyOf(stringOverrideChange), (steps) => {
        play(steps, (decided, _, { events, now }) => {
          const recorded = [...events];
          for (const { body, revision } of decided.events) {
            const event: Placed = { ...body, revision, recordedAt: formatInstant(now) };
            if (event.type === 'OverrideSet' || event.type === 'OverrideCleared')
              expectDifference(recorded, event);
            recorded.push(event);
          }
        });
      }),
      { numRuns: 200 },
    );
  });

  test('shows a field that changed, unless it clears above nothing but what is to come', () => {
    fc.assert(
      fc.property(historyOf(anyChange, 3), (steps) => {
        play(steps, (decided, _, { now }) => {
          for (const { body, revision, before, after } of decided.events) {
            const changes = fieldChanges(before, after, {
              ...body,
              revision,
              recordedAt: formatInstant(now),
            });
            if (body.type === 'OverrideSet') expect(changes).not.toStrictEqual([]);
            for (const change of changes) expect(change.after).not.toStrictEqual(change.before);
          }
        });
      }),
      { numRuns: 300 },
    );
  });

  test('never changes an answer of the past', () => {
    fc.assert(
      fc.property(historyOf(anyChange, 3), (steps) => {
        play(steps, (decided, _, { events, now }) => {
          const recordedAt = formatInstant(now);
          const done = [
            ...events,
            ...decided.events.map(({ body, revision }) => ({ ...body, revision, recordedAt })),
          ];
          const overridesOf = (all: readonly Placed[]) => all.filter(({ data }) => 'scope' in data);
          for (const at of moments.filter((moment) => moment < now)) {
            for (const scope of ['global', 'tier:1', 'tenant:t', 'user:u'] as const) {
              for (const key of [stringKey, modelKey]) {
                const is = holdsAt(saidIn(overridesOf(events), key, scope), at);
                expect(holdsAt(saidIn(overridesOf(done), key, scope), at)).toStrictEqual(is);
              }
            }
          }
        });
      }),
      { numRuns: 100 },
    );
  });
});

/** The events that a change wishes for, whether they are needed or not. */
function asEvents(change: OverrideChange, { events, now }: Played): readonly Placed[] {
  const { key, scope, effectiveFrom, effectiveUntil } = change;
  const interval = {
    ...(effectiveFrom === undefined ? {} : { effectiveFrom }),
    ...(effectiveUntil === undefined ? {} : { effectiveUntil }),
  };
  const bodies: EventBody[] = change.replaceScheduled === true ? [...withdrawals(events, change, now)] : [];
  if (change.type === 'clearOverride')
    bodies.push({ type: 'OverrideCleared', data: { key, scope, ...interval } });
  else if (change.allocation === undefined) {
    bodies.push({ type: 'OverrideSet', data: { key, scope, ...interval, value: change.value ?? null } });
  } else {
    const allocation = { ...change.allocation, salt: change.allocation.salt ?? key };
    bodies.push({ type: 'OverrideSet', data: { key, scope, ...interval, allocation } });
  }
  const recordedAt = formatInstant(now);
  return bodies.map((body, index) => ({ ...body, revision: events.length + index + 1, recordedAt }));
}

function withdrawals(
  events: readonly Placed[],
  {
    key,
    scope,
    effectiveFrom,
    effectiveUntil,
  }: { key: string; scope: Scope; effectiveFrom?: string; effectiveUntil?: string },
  now: number,
): readonly EventBody[] {
  const from = parseInstant(effectiveFrom ?? '') ?? now;
  const until = parseInstant(effectiveUntil ?? '') ?? Number.POSITIVE_INFINITY;
  return saidIn(events, key, scope)
    .filter((one) => one.from > now && one.from >= from && one.from < until)
    .map(({ revision }) => ({ type: 'OverrideWithdrawn', data: { key, scope, revision } }));
}

function expectDifference(
  events: readonly Placed[],
  event: Extract<Placed, { type: 'OverrideSet' | 'OverrideCleared' }>,
): void {
  const { key, scope } = event.data;
  const said = saidIn(events, key, scope);
  const added = saidIn([event], key, scope)[0];
  if (added === undefined) throw new Error('the event asserts nothing');
  const earlier = said.filter(({ from }) => from <= added.from);
  const says = (list: readonly OverrideAssertion[], at: number) => {
    const holds = holdsAt(list, at);
    return holds === undefined || holds.kind === 'cleared'
      ? 'silence'
      : JSON.stringify([holds.kind, holds.value]);
  };
  // A long history ends behind the last of the moments.
  const differs = [added.from, ...moments].some(
    (at) => says(earlier, at) !== says(withAssertion(earlier, added), at),
  );
  expect(differs, `${JSON.stringify(event)} changes nothing in ${JSON.stringify(earlier)}`).toBe(true);
}
