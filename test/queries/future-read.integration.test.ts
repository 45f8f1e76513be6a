/**
 * What the tables say of the head about a later moment is what the live state answers when its clock stands there: on
 * random histories, for every moment from the head on.
 */
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { formatInstant } from '../../src/domain/instant.ts';
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
import { foldTo, markScheduled, project, tell } from './ledger-story.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());

const keys = [stringKey, modelKey];
const start = Date.UTC(2026, 0, 1);

test.each([undefined, ['k']])(
  'what was taken back holds as of before that, and not after (keys: %s)',
  async (asked) => {
    const ledger = `withdrawn-${asked?.length ?? 'all'}`;
    const scheduled = { key: 'k', scope: 'global', effectiveFrom: formatInstant(start + 2000) } as const;
    const events = tell(ledger, [
      { at: start, changes: [{ type: 'defineKey', key: 'k', valueType: 'number', fallback: 0 }] },
      { at: start + 500, changes: [{ type: 'setOverride', ...scheduled, value: 2 }] },
      { at: start + 1000, changes: [{ type: 'withdrawOverride', revision: 2 }] },
    ]);
    expect(events).toHaveLength(3);
    await project(database.pool, events);
    await markScheduled(database.pool, ledger);
    const valueAsOf = async (asOf: number) => {
      const at = start + 3000;
      return resolve(await stateAt(database.pool, ledger, { asOf, at }, asked, [{}]), 'k', {}, at)?.value;
    };
    expect([await valueAsOf(1), await valueAsOf(2), await valueAsOf(3)]).toEqual([0, 2, 0]);
  },
);

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
