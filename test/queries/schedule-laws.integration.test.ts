/**
 * The law of the schedule, on random histories: what it lists and does not call shadowed is just where layers, prices and
 * models turn by themselves, and what it says of before and after is what holds there.
 */
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Assertion, forever, inForce } from '../../src/domain/assertion.ts';
import { modelSubject, overrideSubject } from '../../src/domain/event.ts';
import type { LiveState } from '../../src/domain/live-state.ts';
import type { ScheduledTurn } from '../../src/domain/schedule-questions.ts';
import { nextTurn, turnsAt } from '../../src/domain/turns.ts';
import { listSchedule } from '../../src/queries/list-schedule.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { anyChange, beginning, historyOf, moments } from '../support/random-histories.ts';
import { allPages } from './all-pages.ts';
import { foldTo, project, tell } from './ledger-story.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());

test('on random histories it lists what the live state turns by itself, and what holds around it', async () => {
  let told = 0;
  await fc.assert(
    fc.asyncProperty(historyOf(anyChange, 4), async (steps) => {
      told += 1;
      const name = `story-${told}`;
      let at = moments[0] ?? 0;
      const dated = [beginning, ...steps].map(({ hours, changes }) => {
        at += hours * 3_600_000;
        return { at, changes };
      });
      const events = tell(name, dated, true);
      await project(database.pool, events);
      for (const asOf of new Set([Math.ceil(events.length / 2), events.length])) {
        const state = foldTo(events, asOf);
        const stretch = { after: state.recordedAt, until: forever };
        const listed = await allPages(
          (page) => listSchedule(database.pool, name, asOf, stretch, {}, page),
          7,
        );
        const turned = new Set(
          listed.flatMap((turn) => (isTurning(turn) ? [`${turn.at} ${subjectOf(turn)}`] : [])),
        );
        const real = [...turnsOf(state)];
        expect([...turned].sort()).toEqual(
          [...new Set(real.map(({ at: when, subject }) => `${when} ${subject}`))].sort(),
        );
        for (const turn of listed) {
          if (turn.kind === 'sunset') continue;
          const assertions = assertionsIn(state, subjectOf(turn));
          expect([turn.before ?? null, turn.after ?? null]).toEqual([
            inForce(assertions, turn.at - 1) ?? null,
            inForce(assertions, turn.at) ?? null,
          ]);
        }
      }
    }),
    { numRuns: 60 },
  );
}, 120_000);

const isTurning = (turn: ScheduledTurn): boolean => turn.kind === 'sunset' || !turn.isShadowed;

const subjectOf = (turn: ScheduledTurn): string =>
  'model' in turn ? modelSubject(turn.model) : overrideSubject(turn.key, turn.scope);

function assertionsIn(state: LiveState, subject: string): readonly Assertion[] {
  const held = state.subject(subject);
  if (held !== undefined && 'assertions' in held) return held.assertions;
  return held !== undefined && 'prices' in held ? held.prices : [];
}

function* turnsOf(state: LiveState) {
  const subjects = [...state.models()].map(({ id }) => modelSubject(id));
  for (const key of state.slots.keys()) {
    for (const [scope] of state.overridesOf(key)) subjects.push(overrideSubject(key, scope));
  }
  for (const subject of subjects) {
    const held = state.subject(subject);
    for (let at = nextTurn(held, state.recordedAt); at < forever; at = nextTurn(held, at)) {
      for (const turn of turnsAt(subject, held, at)) yield { at, ...turn };
    }
  }
}
