/** Slices: long computations let everything else have its turn, and each other theirs. */
import { expect, test } from 'vitest';
import { inSlices } from '../../src/ledger/in-slices.ts';

function* work(name: string, slices: number, log: string[]): Generator<void, string, void> {
  for (let slice = 1; slice < slices; slice++) {
    log.push(`${name}${slice}`);
    yield;
  }
  log.push(`${name}${slices}`);
  return name;
}

test('the first slice runs at once', async () => {
  const log: string[] = [];
  const result = inSlices(work('a', 2, log));
  expect(log).toStrictEqual(['a1']);
  expect(await result).toBe('a');
});

test('between two slices everything else has its turn, whoever computes', async () => {
  const log: string[] = [];
  let isOver = false;
  const goRound = () => {
    log.push('.');
    if (!isOver) setImmediate(goRound);
  };
  setImmediate(goRound);
  const results = await Promise.all([
    inSlices(work('a', 4, log)),
    inSlices(work('b', 3, log)),
    inSlices(work('c', 1, log)),
  ]);
  isOver = true;
  expect(results).toStrictEqual(['a', 'b', 'c']);
  const slices = log.filter((entry) => entry !== '.');
  // Their first slices are their callers'; from then on they take turns.
  expect(slices).toStrictEqual(['a1', 'b1', 'c1', 'a2', 'b2', 'a3', 'b3', 'a4']);
  expect(log.join('')).toMatch(/^a1b1c1(?:\.+[ab]\d)+\.*$/);
});

test('what a computation throws is thrown', async () => {
  const failing = function* (): Generator<void, never, void> {
    yield;
    throw new Error('broken');
  };
  await expect(inSlices(failing())).rejects.toThrow('broken');
});
