/**
 * The laws of rolling back, over random histories in a database: back to a point, undo, and undo of the undo.
 * What is expected is told by the slow truth (naive-resolver.ts) over the events themselves; a rollback acts from its own
 * moment on, and before it nothing changes.
 */
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { inForce } from '../../src/domain/assertion.ts';
import type { RecordedEvent } from '../../src/domain/event.ts';
import type { Reads } from '../../src/domain/reads.ts';
import { covered } from '../../src/domain/rollback/rollback-plan.ts';
import { planReturnTo, planUndoOf } from '../../src/http/rollback-plan-call.ts';
import { bindReads } from '../../src/queries/reads.ts';
import { changesetIdOf } from '../queries/ledger-story.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { anyChange, modelIds, stringOverrideChange } from '../support/random-histories.ts';
import { projectMore, steps, tellAndProject } from './rollback-story.ts';
import {
  answers,
  carriedOut,
  laterChanges,
  momentsBefore,
  momentsFrom,
  priceList,
  pricesAt,
  saidAt,
  upTo,
  withoutThem,
} from './rollback-truth.ts';

let database: TestDatabase;
let reads: Reads;
beforeAll(async () => {
  database = await createTestDatabase();
  reads = bindReads(database.pool, { waitTimeoutMs: 0 });
});
afterAll(() => database.drop());

const hourMs = 3_600_000;
const wish = { where: {}, include: covered, resolve: {} };

describe('back to a point', () => {
  test('answers from now on as the point says, leaves the past, and its undo restores', async () => {
    let carried = 0;
    await fc.assert(
      fc.asyncProperty(
        steps(anyChange),
        fc.nat({ max: 1_000 }),
        fc.constantFrom(0, 1, 2),
        fc.boolean(),
        async (drawn, where, later, isPlannedEarlier) => {
          const { ledger, events, end } = await tellAndProject(database.pool, drawn);
          const to = where % (events.length + 1);
          const now = end + later * hourMs;
          const moment = { asOf: events.length, at: isPlannedEarlier ? end : now };
          const added = carriedOut(events, await planReturnTo(reads, ledger, to, moment, wish), now);
          if (added === undefined) return;
          carried += 1;
          const after = [...events, ...added];
          for (const at of momentsFrom(now)) {
            expect(answers(after, at)).toEqual(answers(upTo(events, to), at));
            expect(pricesAt(after, at)).toEqual(pricesAt(upTo(events, to), at));
          }
          for (const at of momentsBefore(now)) {
            expect(saidAt(after, at)).toEqual(saidAt(events, at));
            expect(pricesAt(after, at)).toEqual(pricesAt(events, at));
          }
          await expectUndone(ledger, events, added, now + later * hourMs);
        },
      ),
      { numRuns: 40 },
    );
    expect(carried).toBeGreaterThan(25);
  }, 300_000);
});

/** Undo of a rollback answers from then on as if it had not been. */
async function expectUndone(
  ledger: string,
  events: readonly RecordedEvent[],
  added: readonly RecordedEvent[],
  now: number,
): Promise<void> {
  if (added.length === 0) return;
  const after = [...events, ...added];
  await projectMore(database.pool, added);
  const selection = { changesets: [changesetIdOf(900)], where: {}, asOf: after.length };
  const plan = await planUndoOf(reads, ledger, selection, { asOf: after.length, at: now }, wish);
  expect(plan.conflicts).toEqual([]);
  const back = carriedOut(after, plan, now);
  if (back === undefined) throw new Error('an undo of a rollback was refused');
  const restored = [...after, ...back];
  for (const at of momentsFrom(now)) {
    expect(answers(restored, at)).toEqual(answers(events, at));
    expect(pricesAt(restored, at)).toEqual(pricesAt(events, at));
  }
  for (const at of momentsBefore(now)) expect(saidAt(restored, at)).toEqual(saidAt(after, at));
}

describe('undo', () => {
  test('of overrides answers as the history without them, and tells every later change of their time', async () => {
    await fc.assert(
      fc.asyncProperty(
        steps(stringOverrideChange),
        fc.array(fc.boolean(), { minLength: 40, maxLength: 40 }),
        fc.constantFrom(0, 1, 2),
        async (drawn, taken, later) => {
          const { ledger, events, end } = await tellAndProject(database.pool, drawn);
          const now = end + later * hourMs;
          const selected = events.filter(
            ({ revision, subject }) =>
              subject.startsWith('override:') && taken[revision % taken.length] === true,
          );
          if (selected.length === 0) return;
          const revisions = selected.map(({ revision }) => revision);
          const selection = { revisions, where: {}, asOf: events.length };
          const plan = await planUndoOf(reads, ledger, selection, { asOf: events.length, at: now }, wish);
          const added = carriedOut(events, plan, now);
          if (added === undefined) throw new Error('an undo of plain overrides was refused');
          const without = events.filter((event) => !revisions.includes(event.revision));
          const after = [...events, ...added];
          for (const at of momentsFrom(now)) expect(saidAt(after, at)).toEqual(withoutThem(without, at));
          for (const at of momentsBefore(now)) expect(saidAt(after, at)).toEqual(saidAt(events, at));
          const by = plan.conflicts.map(({ detail }) => (detail['by'] as { revision: number }).revision);
          expect(by.toSorted((a, b) => a - b)).toEqual(laterChanges(events, new Set(revisions), now));
          await expectUndone(ledger, events, added, now + later * hourMs);
        },
      ),
      { numRuns: 40 },
    );
  }, 300_000);

  test('of everything somebody did: what nobody touched later goes, models and prices too', async () => {
    let carried = 0;
    await fc.assert(
      fc.asyncProperty(steps(anyChange), fc.constantFrom(0, 1, 2), async (drawn, later) => {
        const { ledger, events, end } = await tellAndProject(database.pool, drawn);
        const now = end + later * hourMs;
        const selection = { actor: 'alice', where: {}, asOf: events.length };
        const moment = { asOf: events.length, at: now };
        const plan = await planUndoOf(reads, ledger, selection, moment, wish);
        const added = carriedOut(events, plan, now);
        if (added === undefined) return;
        carried += 1;
        const after = [...events, ...added];
        const isHers = ({ actor }: RecordedEvent) => actor.id === 'alice';
        for (const id of modelIds) {
          const prices = priceList(events, id);
          const hers = new Set(events.filter(isHers).map(({ revision }) => revision));
          const corrections = new Set(
            events
              .filter((event) => isHers(event) && event.type === 'ModelPriceCorrected')
              .map(({ revision }) => revision),
          );
          for (const at of momentsFrom(now)) {
            const expected = prices.filter(({ revision }) => !hers.has(revision));
            expect(inForce(priceList(after, id), at)?.pricing ?? {}).toEqual(
              inForce(expected, at)?.pricing ?? {},
            );
          }
          for (const at of momentsBefore(now)) {
            const expected = prices.filter(({ revision }) => !corrections.has(revision));
            expect(inForce(priceList(after, id), at)?.pricing ?? {}).toEqual(
              inForce(expected, at)?.pricing ?? {},
            );
          }
        }
        await expectUndone(ledger, events, added, now + later * hourMs);
      }),
      { numRuns: 40 },
    );
    expect(carried).toBeGreaterThan(15);
  }, 300_000);
});
