/**
 * The bell and the rate, which the projector waits and counts with.
 */
import { expect, test } from 'vitest';
import { createBell } from '../../src/projector/bell.ts';
import { createRate } from '../../src/projector/rate.ts';

test('ringing wakes the waiter; many rings are one', async () => {
  const bell = createBell();
  const waiting = bell.wait(60_000);
  bell.ring();
  bell.ring();
  expect(await waiting).toBe(true);
  expect(await bell.wait(1)).toBe(false);
});

test('a ring that nobody waited for is kept for the next wait', async () => {
  const bell = createBell();
  bell.ring();
  expect(await bell.wait(60_000)).toBe(true);
  expect(await bell.wait(0)).toBe(false);
});

test('the rate sees the last seconds and forgets', () => {
  let now = 1_000_000;
  const rate = createRate(() => now);
  expect(rate.perSecond()).toBe(0);
  for (let second = 0; second < 20; second += 1) {
    rate.add(100);
    now += 1_000;
  }
  expect(rate.perSecond()).toBeGreaterThanOrEqual(80);
  expect(rate.perSecond()).toBeLessThanOrEqual(120);
  now += 60_000;
  expect(rate.perSecond()).toBe(0);
});
