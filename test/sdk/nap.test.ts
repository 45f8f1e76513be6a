/**
 * Pauses: what waits for the connection to come back keeps its process alive, what only reports does not. That a whole client
 * does is shown in a process of its own (create-varve.test.ts).
 */
import { expect, test } from 'vitest';
import { createNap } from '../../src/sdk/nap.ts';

/** Timers that the process waits for. */
const timers = () => process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length;

test.each([
  [true, 1],
  [false, 0],
])('keepsAlive %s', async (keepsAlive, count) => {
  const nap = createNap({ keepsAlive });
  const before = timers();
  const end = nap.sleep(1_000_000);
  const during = timers();
  nap.wake();
  expect([during - before, timers() - before]).toEqual([count, 0]);
  await end;
});
