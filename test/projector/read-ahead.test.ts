/** Reading ahead changes what is asked when, and never what is answered. */
import { expect, test } from 'vitest';
import type { Ledger } from '../../src/ledger/ledger.ts';
import { createMemoryLedger } from '../../src/ledger/memory-ledger.ts';
import { readingAhead } from '../../src/projector/read-ahead.ts';
import { appendHistory, inBites, testLedger } from '../support/read-models.ts';
import { overridesOf } from '../support/told-events.ts';

async function readAll(log: Ledger, limit: number, after = 0): Promise<readonly number[]> {
  const revisions: number[] = [];
  for (let at = after; ; at = revisions.at(-1) ?? at) {
    const page = await log.read(testLedger, at, limit);
    if (page.length === 0) return revisions;
    revisions.push(...page.map(({ revision }) => revision));
  }
}

test('the pages are the same, in order, with one on its way', async () => {
  const log = createMemoryLedger();
  await appendHistory(log, overridesOf(25));
  const asked: number[] = [];
  const ahead = readingAhead({
    ...log,
    read: (ledger, after, limit) => {
      asked.push(after);
      return log.read(ledger, after, limit);
    },
  });
  const first = await ahead.read(testLedger, 0, 10);
  expect([first.length, asked]).toEqual([10, [0, 10]]);
  expect(await readAll(ahead, 10, 10)).toEqual(Array.from({ length: 15 }, (_, index) => index + 11));
});

test('what is appended after the end was seen is read', async () => {
  const log = createMemoryLedger();
  const ahead = readingAhead(inBites(log, 7));
  await appendHistory(log, overridesOf(5));
  expect(await readAll(ahead, 10)).toHaveLength(5);
  await appendHistory(log, overridesOf(12, 1, 6));
  expect(await readAll(ahead, 10, 5)).toEqual(Array.from({ length: 12 }, (_, index) => index + 6));
});

test('a page that fails ahead fails where it is asked for, and is read anew', async () => {
  const log = createMemoryLedger();
  await appendHistory(log, overridesOf(4));
  let isOut = false;
  const ahead = readingAhead({
    ...log,
    read: async (...page) => {
      if (isOut) throw new Error('away');
      return log.read(...page);
    },
  });
  const first = ahead.read(testLedger, 0, 2);
  await Promise.resolve();
  isOut = true;
  await first.catch(() => undefined);
  await expect(ahead.read(testLedger, 2, 2)).rejects.toThrow('away');
  isOut = false;
  expect(await readAll(ahead, 2, 2)).toEqual([3, 4]);
});
