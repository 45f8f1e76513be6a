/**
 * The difference of two points is that of two replays that are cut off there, for random pairs of points of random
 * histories, in pages of any size, and both ways round.
 */
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { AnyChange } from '../../src/domain/change.ts';
import type { Difference, DiffQuestion } from '../../src/domain/diff-questions.ts';
import { betweenPoints, differingSubjects } from '../../src/queries/differing-subjects.ts';
import { listDifferences } from '../../src/queries/list-differences.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { anyChange, historyOf } from '../support/random-histories.ts';
import { pointIn, replayedDifferences } from '../support/replayed-differences.ts';
import { allPages } from './all-pages.ts';
import { project, type Step, tell } from './ledger-story.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());

const start = Date.UTC(2026, 0, 1);
const hour = 3_600_000;

const opening: Step = {
  at: start,
  changes: [
    { type: 'addModel', model: { id: 'openai/a', name: 'a', contextWindow: 1, extra: { tier: 1 } } },
    { type: 'addModel', model: { id: 'openai/b', name: 'b', contextWindow: 1, pricing: { input: '1' } } },
    { type: 'defineKey', key: 'app.greeting', valueType: 'string', fallback: 'fallback' },
    { type: 'defineKey', key: 'ai.planner.model', valueType: 'model', fallback: 'openai/a' },
    { type: 'createApiKey', id: 'one', name: 'One', role: 'operator', trusted: false },
    { type: 'createLedger', name: 'second' },
  ],
};
const closing: AnyChange = { type: 'revokeApiKey', id: 'one' };

async function differencesOf(
  ledger: string,
  { from, to }: Pick<DiffQuestion, 'from' | 'to'>,
  limit = 1_000,
): Promise<readonly Difference[]> {
  const question = { from, to, filter: {}, isOpen: false };
  return allPages((page) => listDifferences(database.pool, ledger, question, page), limit);
}

const swapped = (items: readonly Difference[]): readonly Difference[] =>
  items.map(({ before, after, ...item }) => ({ ...item, before: after, after: before }));

test('equals the diff of two replays, in pages of any size, and its own inverse', async () => {
  let told = 0;
  let passedInSilence = 0;
  await fc.assert(
    fc.asyncProperty(
      historyOf(anyChange, 3),
      fc.array(fc.tuple(fc.nat(), fc.nat(), fc.nat({ max: 30 }), fc.nat({ max: 30 })), {
        minLength: 8,
        maxLength: 8,
      }),
      fc.integer({ min: 1, max: 7 }),
      async (drawn, pairs, limit) => {
        told += 1;
        const ledger = `story-${told}`;
        let at = start;
        const steps = drawn.map(({ hours, changes }): Step => {
          at += hours * hour;
          return { at, changes };
        });
        const events = tell(ledger, [opening, ...steps, { at, changes: [closing] }], true);
        await project(database.pool, events);
        for (const [one, other, later, muchLater] of pairs) {
          const from = pointIn(events, one % (events.length + 1), later * hour);
          const to = pointIn(events, other % (events.length + 1), muchLater * hour);
          const wanted = replayedDifferences(events, { from, to });
          passedInSilence += wanted.filter((item) => item.events.length === 0).length;
          expect(await differencesOf(ledger, { from, to }, limit)).toEqual(wanted);
          expect(await differencesOf(ledger, { from: to, to: from })).toEqual(swapped(wanted));
          expect(await differencesOf(ledger, { from, to: from })).toEqual([]);
          const question = { between: betweenPoints(from, to), filter: {}, from: 'k', limit: 5 };
          const among = (manyEvents: number) =>
            differingSubjects(database.pool, ledger, { ...question, manyEvents });
          expect(await among(0)).toEqual(await among(events.length));
        }
      },
    ),
    { numRuns: 30 },
  );
  expect(passedInSilence).toBeGreaterThan(0);
}, 300_000);
