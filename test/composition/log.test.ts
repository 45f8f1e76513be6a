/** Which log the settings choose, and the ledgers that a process follows which opens none. */
import { expect, test } from 'vitest';
import { followAll, ledgersOf } from '../../src/composition/log.ts';
import { createMemoryLedger } from '../../src/ledger/memory-ledger.ts';
import { storedEvents } from '../ledger/contract-events.ts';

test('the default ledger is there before it has events', async () => {
  const log = createMemoryLedger();
  expect(await ledgersOf(log)).toEqual(['default']);
  await log.append('default', 0, storedEvents(1, 1));
  await log.append('staging', 0, storedEvents(1, 1));
  expect(await ledgersOf(log)).toEqual(['default', 'staging']);
});

test('every ledger is followed, also one that begins later, and none once it is stopped', async () => {
  const log = createMemoryLedger();
  const woken: string[] = [];
  const following = followAll(log, (ledger) => woken.push(ledger));
  expect(await following.ledgers()).toEqual(['default']);
  await log.append('default', 0, storedEvents(1, 1));
  await expect.poll(() => woken).toEqual(['default']);
  await log.append('staging', 0, storedEvents(1, 1));
  expect(await following.ledgers()).toEqual(['default', 'staging']);
  await following.ledgers();
  await log.append('staging', 1, storedEvents(2, 1));
  await expect.poll(() => woken).toEqual(['default', 'staging']);
  following.stop();
  await log.append('default', 1, storedEvents(2, 1));
  await new Promise((resolve) => setImmediate(resolve));
  expect(woken).toEqual(['default', 'staging']);
});
