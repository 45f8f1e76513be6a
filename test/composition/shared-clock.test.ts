/** The shared clock between its readings: never ahead, not moved by slow answers, on its own while nobody answers. */
import { afterEach, expect, test } from 'vitest';
import { type SharedClock, startSharedClock } from '../../src/composition/shared-clock.ts';

/** A database whose clock and whose answers' way are told, and a counter that is moved by hand. */
function world() {
  const state = { elapsed: 1_000, ahead: 1_700_000_000_000, there: 0, back: 0, isAway: false };
  const read = async (): Promise<number> => {
    state.elapsed += state.there;
    const time = state.elapsed + state.ahead;
    state.elapsed += state.back;
    if (state.isAway) throw new Error('away');
    return time;
  };
  return { state, start: () => startSharedClock({ read, elapsed: () => state.elapsed, everyMs: 1e9 }) };
}

const trueTime = ({ elapsed, ahead }: { readonly elapsed: number; readonly ahead: number }): number =>
  elapsed + ahead;

let clock: SharedClock | undefined;
afterEach(() => clock?.stop());

test('goes on from the database’s clock by elapsed time alone', async () => {
  const { state, start } = world();
  clock = await start();
  expect(clock.now()).toBe(trueTime(state));
  state.elapsed += 3_600_000;
  expect(clock.now()).toBe(trueTime(state));
});

test('is never ahead, and behind by no more than the answer took', async () => {
  const { state, start } = world();
  state.there = 30;
  state.back = 70;
  clock = await start();
  expect(trueTime(state) - clock.now()).toBe(70);
});

test('a slow answer does not spoil what a quick one told, until that is old', async () => {
  const { state, start } = world();
  clock = await start();
  state.back = 500;
  await clock.read();
  expect(clock.now()).toBe(trueTime(state));
  state.elapsed += 600_000;
  await clock.read();
  expect(trueTime(state) - clock.now()).toBe(500);
});

test('follows the database when that is set anew', async () => {
  const { state, start } = world();
  clock = await start();
  state.ahead -= 5_000;
  await clock.read();
  expect(clock.now()).toBe(trueTime(state));
});

test('goes on while nobody answers; a start needs an answer', async () => {
  const { state, start } = world();
  clock = await start();
  state.isAway = true;
  await expect(clock.read()).rejects.toThrow('away');
  state.elapsed += 60_000;
  expect(clock.now()).toBe(trueTime(state));
  await expect(start()).rejects.toThrow('away');
});
