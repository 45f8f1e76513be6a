/**
 * What the tables say of the head about a later moment is what the live state answers when its clock stands there: on
 * random histories, for every moment from the head on.
 */
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { resolve } from '../../src/domain/resolve.ts';
import { stateAt } from '../../src/queries/state-at.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import {
  anyChange,
  beginning,
  contexts,
  historyOf,
  modelKey,
  moments,
  stringKey,
} from '../support/random-histories.ts';
import { foldTo, project, tell } from './ledger-story.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());

const keys = [stringKey, modelKey];

test('tables and live state read the same future', async () => {
  let told = 0;
  await fc.assert(
    fc.asyncProperty(historyOf(anyChange, 4), async (steps) => {
      told += 1;
      const ledger = `future-${told}`;
      let now = moments[0] ?? 0;
      const dated = [beginning, ...steps].map(({ hours, changes }) => {
        now += hours * 3_600_000;
        return { at: now, changes };
      });
      const events = tell(ledger, dated, true);
      await project(database.pool, events);
      const live = foldTo(events, events.length);
      for (const at of moments.filter((moment) => moment >= live.recordedAt)) {
        const known = await stateAt(database.pool, ledger, { asOf: events.length, at }, keys, contexts);
        for (const key of keys) {
          for (const context of contexts) {
            expect(resolve(known, key, context, at)).toEqual(resolve(live, key, context, at));
          }
        }
      }
    }),
    { numRuns: 15 },
  );
}, 120_000);
