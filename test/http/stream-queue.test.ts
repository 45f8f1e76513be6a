/**
 * What waits to be told: batches in order and bounded, words once for each lens.
 */
import { expect, test } from 'vitest';
import type { StreamLens, Telling } from '../../src/http/stream-frames.ts';
import { StreamQueue } from '../../src/http/stream-queue.ts';

const all: StreamLens = { view: 'events' };
const values: StreamLens = { view: 'values' };

function telling(revision: number | undefined): Telling {
  return ({ view }) => [{ ...(revision === undefined ? {} : { revision }), text: `${revision} ${view};` }];
}

test('what waits together is told together, in order, changesets and turns', () => {
  const queue = new StreamQueue();
  queue.add(telling(4), 3, 4);
  queue.add(telling(undefined), 0, 0);
  queue.add(telling(5), 5, 5);
  const [batch] = queue.take();
  expect([batch?.first, batch?.last]).toEqual([3, 5]);
  expect(batch?.words(all).bytes.toString()).toBe('4 events;undefined events;5 events;');
  expect(batch?.words(values).frames.map(({ revision }) => revision)).toEqual([4, undefined, 5]);
  expect([queue.isEmpty, queue.take()]).toEqual([true, []]);
});

test('turns alone move nobody on', () => {
  const queue = new StreamQueue();
  queue.add(telling(undefined), 0, 0);
  const [batch] = queue.take();
  expect([batch?.first, batch?.last]).toEqual([Number.POSITIVE_INFINITY, 0]);
});

test('words are made once for each lens, however many clients look through it', () => {
  const queue = new StreamQueue();
  const asked: StreamLens[] = [];
  const noted: Telling = (lens) => {
    asked.push(lens);
    return telling(1)(lens);
  };
  queue.add(noted, 1, 1);
  const [batch] = queue.take();
  const first = batch?.words(all).bytes;
  for (let n = 0; n < 100; n += 1) expect(batch?.words(all).bytes).toBe(first);
  batch?.words(values);
  expect(asked).toEqual([all, values]);
});

test('a batch ends after a hundred events, and never inside a changeset', () => {
  const queue = new StreamQueue();
  for (let n = 1; n <= 250; n += 1) queue.add(telling(n), n, n);
  queue.add(telling(1_250), 251, 1_250);
  expect(queue.take().map(({ first, last }) => [first, last])).toEqual([
    [1, 100],
    [101, 200],
    [201, 1_250],
  ]);
});

test('two thousand events wait at most; a single changeset always fits', () => {
  const queue = new StreamQueue();
  expect(queue.add(telling(20_000), 1, 20_000)).toBe(true);
  expect(queue.add(telling(20_001), 20_001, 20_001)).toBe(false);
  queue.take();
  expect(queue.add(telling(21_999), 20_001, 21_999)).toBe(true);
  expect(queue.add(telling(22_000), 22_000, 22_000)).toBe(true);
  expect(queue.add(telling(22_001), 22_001, 22_001)).toBe(false);
  queue.clear();
  expect([queue.add(telling(1), 1, 2_000), queue.take()[0]?.last]).toEqual([true, 2_000]);
});
