/**
 * Pauses: what waits for the connection to come back keeps its process alive, what only reports does not.
 */
import { expect, test } from 'vitest';
import { createNap } from '../../src/sdk/nap.ts';
import { openVarve } from '../../src/sdk/open-varve.ts';
import { usualWaits } from '../../src/sdk/varve-parts.ts';

/** Timers that the process waits for. */
const timers = () => process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length;

test.each([
  [true, 1],
  [false, 0],
])('keepsAlive %s', async (keepsAlive, count) => {
  const nap = createNap({ keepsAlive });
  const before = timers();
  const end = nap.sleep(1_000_000);
  expect(timers() - before).toBe(count);
  nap.wake();
  await end;
  expect(timers()).toBe(before);
});

test('a client whose server is away keeps its process alive until it is closed', async () => {
  const waits = { ...usualWaits, retryMs: 1_000_000, maxRetryMs: 1_000_000 };
  const parts = { elapsed: () => 0, wallClock: () => 0, random: () => 1, newId: () => 'x', waits };
  const before = timers();
  const varve = openVarve({ url: 'http://127.0.0.1:1', apiKey: 'key' }, parts);
  await expect(varve.ready(50)).rejects.toMatchObject({ code: 'unavailable' });
  expect(timers()).toBe(before + 1);
  await varve.close();
  expect(timers()).toBe(before);
});
