/**
 * Rolling back again, and all of it: back to a point twice is once, undo of everything since is the way back; and what a
 * plan must not do when the ledger goes on meanwhile.
 */
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Reads } from '../../src/domain/reads.ts';
import { covered } from '../../src/domain/rollback/rollback-plan.ts';
import { planReturnTo, planUndoOf } from '../../src/http/rollback-plan-call.ts';
import { bindReads } from '../../src/queries/reads.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { anyChange, beginning, moments, stringKey } from '../support/random-histories.ts';
import { projectMore, steps, tellAndProject } from './rollback-story.ts';
import { answers, carriedOut, fieldsOf, momentsFrom, saidAt } from './rollback-truth.ts';

let database: TestDatabase;
let reads: Reads;
beforeAll(async () => {
  database = await createTestDatabase();
  reads = bindReads(database.pool, { waitTimeoutMs: 0 });
});
afterAll(() => database.drop());

const hourMs = 3_600_000;
const start = moments[0] ?? 0;
const wish = { where: {}, include: covered, resolve: {} };

describe('again and all', () => {
  test('back to a point twice is once', async () => {
    await fc.assert(
      fc.asyncProperty(
        steps(anyChange),
        fc.nat({ max: 1_000 }),
        fc.constantFrom(0, 1),
        async (drawn, where, later) => {
          const { ledger, events, end } = await tellAndProject(database.pool, drawn);
          const to = where % (events.length + 1);
          const now = end + later * hourMs;
          const first = await planReturnTo(reads, ledger, to, { asOf: events.length, at: now }, wish);
          const added = carriedOut(events, first, now);
          if (added === undefined || added.length === 0) return;
          await projectMore(database.pool, added);
          const after = [...events, ...added];
          const second = await planReturnTo(reads, ledger, to, { asOf: after.length, at: now }, wish);
          expect(carriedOut(after, second, now)).toEqual([]);
        },
      ),
      { numRuns: 40 },
    );
  }, 300_000);

  test('undo of everything since a point is the way back to it, down to the fields', async () => {
    await fc.assert(
      fc.asyncProperty(
        steps(anyChange),
        fc.nat({ max: 1_000 }),
        fc.constantFrom(0, 1, 2),
        async (drawn, where, later) => {
          const { ledger, events, end } = await tellAndProject(database.pool, drawn);
          const opening = beginning.changes.length;
          const to = opening + (where % (events.length - opening + 1));
          const now = end + later * hourMs;
          const moment = { asOf: events.length, at: now };
          const revisions = events.slice(to).map(({ revision }) => revision);
          if (revisions.length === 0) return;
          const selection = { revisions, where: {}, asOf: events.length };
          const undone = carriedOut(events, await planUndoOf(reads, ledger, selection, moment, wish), now);
          const returned = carriedOut(events, await planReturnTo(reads, ledger, to, moment, wish), now);
          if (undone === undefined || returned === undefined) {
            expect(undone).toEqual(returned);
            return;
          }
          expect(fieldsOf([...events, ...undone])).toEqual(fieldsOf([...events, ...returned]));
          for (const at of momentsFrom(now)) {
            expect(saidAt([...events, ...undone], at)).toEqual(saidAt([...events, ...returned], at));
          }
        },
      ),
      { numRuns: 40 },
    );
  }, 300_000);

  test('what a subject has become since the moment is never planned over', async () => {
    const { ledger, events, end } = await tellAndProject(database.pool, [
      {
        hours: 1,
        actor: 'alice',
        changes: [{ type: 'setOverride', key: stringKey, scope: 'global', value: 'a' }],
      },
      {
        hours: 1,
        actor: 'bob',
        changes: [{ type: 'setOverride', key: stringKey, scope: 'global', value: 'b' }],
      },
    ]);
    const moment = { asOf: events.length - 1, at: end - 1 };
    const selection = { actor: 'alice', where: {}, asOf: moment.asOf };
    await expect(planUndoOf(reads, ledger, selection, moment, wish)).rejects.toMatchObject({
      code: 'conflict',
      reason: 'subject_moved',
    });
  });

  test('a change that is over has no part in what a resolved undo brings back', async () => {
    const hours = (count: number) => new Date(start + count * hourMs).toISOString();
    const set = (value: string, more: object = {}) => [
      { type: 'setOverride' as const, key: stringKey, scope: 'global' as const, value, ...more },
    ];
    const { ledger, events, end } = await tellAndProject(database.pool, [
      { hours: 1, actor: 'bob', changes: set('base') },
      { hours: 1, actor: 'alice', changes: set('hers for an hour', { effectiveUntil: hours(3) }) },
      { hours: 2, actor: 'bob', changes: set('B') },
      { hours: 1, actor: 'alice', changes: set('hers') },
      { hours: 1, actor: 'bob', changes: set('C') },
    ]);
    const selection = { actor: 'alice', where: {}, asOf: events.length };
    const resolve = { [`override:${stringKey}@global`]: 'undo' } as const;
    const moment = { asOf: events.length, at: end };
    const plan = await planUndoOf(reads, ledger, selection, moment, { ...wish, resolve });
    const added = carriedOut(events, plan, end) ?? [];
    expect(answers([...events, ...added], end)[0]).toBe('B');
  });
});
