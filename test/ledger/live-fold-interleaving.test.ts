/** The fold: own appends and what others wrote, however they interleave, are told once, in order and whole. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { LiveState } from '../../src/domain/live-state.ts';
import { encodeEvent } from '../../src/ledger/event-codec.ts';
import type { Ledger } from '../../src/ledger/ledger.ts';
import { createMemoryLedger } from '../../src/ledger/memory-ledger.ts';
import { histories } from '../support/histories.ts';
import { append, changesetsOf, groupOf, openFold } from './fold-stand.ts';
import { contentOf } from './writer-stand.ts';

/** Pages as short as the test wants, cut wherever that is: fewer than the limit is allowed "for the bytes". */
const inPagesOf = (log: Ledger, size: () => number): Ledger => ({
  ...log,
  read: (ledger, after, limit) => log.read(ledger, after, Math.min(limit, size())),
});

describe('however own appends, others’ and catching up interleave', () => {
  const sizes = fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 4 });
  // Weighed so that pages often end in the middle of an own group whose append is still to be answered.
  const what = fc.constantFrom('own', 'own', 'own', 'catchUp', 'catchUp', 'catchUp', 'other', 'wait');
  const steps = fc.array(fc.record({ what, sizes }), { maxLength: 16, size: 'max' });

  test('every changeset is told once, in order and whole, and the state is the replay’s', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.scheduler(),
        steps,
        fc.infiniteStream(fc.integer({ min: 1, max: 3 })),
        async (scheduler, wantedSteps, lengths) => {
          const inner = createMemoryLedger();
          const paged = inPagesOf(inner, () => lengths.next().value);
          // What is asked reaches the log, and what it answers reaches us, when the scheduler says so.
          const slow: Ledger = {
            ...paged,
            async read(...call) {
              await scheduler.schedule(Promise.resolve(), 'read is sent');
              const page = await paged.read(...call);
              await scheduler.schedule(Promise.resolve(), 'read is answered');
              return page;
            },
            async head(...call) {
              await scheduler.schedule(Promise.resolve(), 'head is asked');
              const head = await paged.head(...call);
              await scheduler.schedule(Promise.resolve(), 'head is answered');
              return head;
            },
            async append(...call) {
              await scheduler.schedule(Promise.resolve(), 'append is sent');
              const result = await paged.append(...call);
              await scheduler.schedule(Promise.resolve(), 'append is answered');
              return result;
            },
          };
          const { fold, told } = openFold(slow);
          const other = openFold(inner);
          const own = async (sizesOfOwn: readonly number[]) => {
            const base = fold.state.revision;
            const group = groupOf(fold.state, sizesOfOwn, 'own');
            const result = await slow.append('default', base, group.stored);
            if (result.appended) fold.foldOwn(base, group);
            else await fold.catchUp();
          };
          // One group at a time, as the writer has it; others and catching up whenever.
          let writing = Promise.resolve();
          const work: Promise<unknown>[] = [];
          for (const { what: kind, sizes: wanted } of wantedSteps) {
            if (kind === 'own') writing = writing.then(() => own(wanted));
            else if (kind === 'catchUp') work.push(fold.catchUp());
            else if (kind === 'wait') await scheduler.waitIdle();
            else {
              await other.fold.catchUp();
              await append(inner, other.fold.state.revision, groupOf(other.fold.state, wanted, 'other'));
            }
          }
          work.push(writing);
          await scheduler.waitFor(Promise.all(work));
          await scheduler.waitFor(fold.catchUp());

          const changesets = await changesetsOf(inner);
          expect(told).toEqual(changesets);
          const replay = new LiveState();
          for (const event of changesets.flat()) replay.apply(event);
          expect(contentOf(fold.state)).toEqual(contentOf(replay));
          expect(fold.idempotency.size).toBe(changesets.length);
          expect(fold.logRevision).toBe(replay.revision);
        },
      ),
      { numRuns: 100 },
    );
  });

  test('histories of every kind of event, in pages of any length, fold to what applying them one by one makes', async () => {
    await fc.assert(
      fc.asyncProperty(
        histories(15),
        fc.infiniteStream(fc.integer({ min: 1, max: 4 })),
        async (history, lengths) => {
          const log = createMemoryLedger();
          await log.append(
            'default',
            0,
            history.flat().map((event) => encodeEvent(event)),
          );
          const { fold, told, stops } = openFold(inPagesOf(log, () => lengths.next().value));
          await fold.catchUp();
          expect(told).toEqual(history);
          const replay = new LiveState();
          for (const event of history.flat()) replay.apply(event);
          expect(contentOf(fold.state)).toEqual(contentOf(replay));
          expect(stops).toEqual([]);
        },
      ),
      { numRuns: 50 },
    );
  });
});
