/** Pace: a slice ends when its units are spent, or by the clock where they take longer than they should. */
import { expect, test } from 'vitest';
import { createPace } from '../../../src/domain/preview/pace.ts';

test('a slice ends when its units are spent, and the next one begins', () => {
  const pace = createPace(() => 0, 10);
  const spent = [4, 4, 4, 4, 4, 4].map((units) => pace.spend(units));
  expect(spent).toStrictEqual([false, false, true, false, false, true]);
});

test('or when it takes longer than it should; what others do in between does not count', () => {
  let time = 1_000;
  const pace = createPace(() => time, 1_000_000);
  const work = (ms: number) => {
    const isOver = pace.spend(300);
    time += ms;
    return isOver;
  };
  expect([2, 2, 2].map(work)).toStrictEqual([false, false, true]);
  time += 1_000;
  expect([2, 2, 2].map(work)).toStrictEqual([false, false, true]);
});

test('the clock is not looked at for every unit', () => {
  let looks = 0;
  const pace = createPace(() => {
    looks++;
    return 0;
  });
  for (let count = 0; count < 4_000; count++) pace.spend(1);
  expect(looks).toBeGreaterThan(2);
  expect(looks).toBeLessThan(40);
});
