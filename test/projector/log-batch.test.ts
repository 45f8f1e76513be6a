/**
 * Batches are whole changesets, and nothing behind what cannot be read.
 */
import { expect, test } from 'vitest';
import { encodeEvent } from '../../src/ledger/event-codec.ts';
import { createMemoryLedger } from '../../src/ledger/memory-ledger.ts';
import { readBatch, splitChangesets } from '../../src/projector/log-batch.ts';
import { appendHistory, inBites, logOf, testLedger } from '../support/read-models.ts';
import { overridesOf } from '../support/told-events.ts';

test('a batch ends where a changeset ends', async () => {
  const log = await logOf(overridesOf(20, 4));
  const batch = await readBatch(log, testLedger, 4, 10);
  expect(batch.events.map(({ revision }) => revision)).toEqual([5, 6, 7, 8, 9, 10, 11, 12]);
  expect(splitChangesets(batch.events).map((events) => events.length)).toEqual([4, 4]);
  expect(batch.broken).toBeUndefined();
});

test('a changeset that is larger than what is read at once comes whole', async () => {
  const log = await logOf(overridesOf(10, 10));
  const batch = await readBatch(inBites(log, 3), testLedger, 0, 3);
  expect(batch.events).toHaveLength(10);
});

test('the end of the ledger is an empty batch', async () => {
  const log = await logOf(overridesOf(4, 2));
  expect(await readBatch(log, testLedger, 4, 10)).toEqual({ events: [] });
  expect(await readBatch(createMemoryLedger(), testLedger, 0, 10)).toEqual({ events: [] });
});

test('what precedes an unreadable changeset is answered, and where that one breaks', async () => {
  const log = await logOf(overridesOf(4, 2));
  const [events] = overridesOf(2, 2, 5);
  const [whole, broken] = (events ?? []).map((event) => encodeEvent(event));
  if (whole === undefined || broken === undefined) throw new Error('two events were wanted');
  await log.append(testLedger, 4, [
    whole,
    { ...broken, bytes: broken.bytes.replace('OverrideSet', 'Unknown') },
  ]);
  const batch = await readBatch(log, testLedger, 0, 10);
  expect(batch.events.map(({ revision }) => revision)).toEqual([1, 2, 3, 4]);
  expect(batch.broken).toMatchObject({
    revision: 6,
    cause: { code: 'corrupt', reason: 'unknown_event_type' },
  });
});

test('changesets that run into each other are torn', async () => {
  const log = createMemoryLedger();
  const [first, second] = overridesOf(4, 2);
  // The end of the first is missing its mark.
  const unmarked = (first ?? []).map((event) => ({ ...event, last: false }));
  await appendHistory(log, [unmarked, second ?? []]);
  const batch = await readBatch(log, testLedger, 0, 10);
  expect(batch.events).toEqual([]);
  expect(batch.broken).toMatchObject({ revision: 3, cause: { reason: 'torn_changeset' } });
});

test('an event of another ledger is not taken', async () => {
  const log = createMemoryLedger();
  await log.append(
    'other',
    0,
    overridesOf(1)
      .flat()
      .map((event) => encodeEvent(event)),
  );
  const batch = await readBatch(log, 'other', 0, 10);
  expect(batch).toMatchObject({ events: [], broken: { revision: 1, cause: { reason: 'other_ledger' } } });
});

test('an outage of the log is thrown as it is', async () => {
  const outage = new Error('gone');
  const log = { ...createMemoryLedger(), read: () => Promise.reject(outage) };
  await expect(readBatch(log, testLedger, 0, 10)).rejects.toBe(outage);
});
