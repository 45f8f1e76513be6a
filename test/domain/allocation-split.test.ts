/**
 * A million units over shares, arms and salts: the counts stay within what chance would do.
 * Ids and salts are fixed, so the counts are too: the bounds (4.5 standard deviations, once in 150,000) hold or fail for
 * good. The vectors and the laws of the draw are in allocation.test.ts.
 */
import { describe, expect, test } from 'vitest';
import { type Allocation, bucketOf, chooseArm } from '../../src/domain/allocation.ts';

const unitCount = 1_000_000;
const shares = [1, 10, 100, 1_000, 2_500, 5_000, 9_000, 9_999];

/** As people number their users, and as machines do. */
const kindsOfIds: readonly [string, (index: number) => string][] = [
  ['names', (index) => `user-${index}@example.com`],
  [
    'UUIDs',
    (index) =>
      `0198c0de-${(index % 65_536).toString(16).padStart(4, '0')}-7000-8000-${String(index).padStart(12, '0')}`,
  ],
];

/** How far a count is from what is expected of so many tries, in standard deviations. */
function deviation(count: number, tries: number, probability: number): number {
  return Math.abs(count - tries * probability) / Math.sqrt(tries * probability * (1 - probability));
}

describe.each(kindsOfIds)('of a million %s', (_, idOf) => {
  test('each share gets its part', () => {
    const inBucket = new Uint32Array(10_000);
    for (let index = 0; index < unitCount; index++) {
      const bucket = bucketOf('ai.planner.model', idOf(index));
      inBucket[bucket] = (inBucket[bucket] ?? 0) + 1;
    }
    for (const share of shares) {
      const inside = inBucket.subarray(0, share).reduce((sum, count) => sum + count, 0);
      expect(deviation(inside, unitCount, share / 10_000)).toBeLessThan(4.5);
    }
  });

  test('each arm gets its part of a share', () => {
    const weights = [1, 2, 7, 90];
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    const arms = weights.map((weight) => ({ name: `weight-${weight}`, value: weight, weight }));
    const allocation: Allocation = { unit: 'user', share: 3_000, salt: 'spring', arms };
    const counts = new Map<string, number>();
    for (let index = 0; index < unitCount; index++) {
      const name = chooseArm(allocation, idOf(index))?.name ?? 'outside';
      counts.set(name, (counts.get(name) ?? 0) + 1);
    }
    expect(deviation(counts.get('outside') ?? 0, unitCount, 0.7)).toBeLessThan(4.5);
    for (const { name, weight } of arms) {
      expect(deviation(counts.get(name) ?? 0, unitCount, (0.3 * weight) / total)).toBeLessThan(4.5);
    }
  });
});

test('two salts draw independently: who is in by one is in by the other as often as anybody', () => {
  const arms = [
    { name: 'a', value: 'a', weight: 1 },
    { name: 'b', value: 'b', weight: 3 },
  ];
  const [one, other] = ['spring', 'autumn'].map(
    (salt): Allocation => ({ unit: 'user', share: 4_000, salt, arms }),
  );
  if (one === undefined || other === undefined) throw new Error('two salts make two allocations');
  const both = new Map<string, number>();
  for (let index = 0; index < unitCount; index++) {
    const drawn = [one, other].map((allocation) => chooseArm(allocation, `user-${index}`)?.name ?? 'outside');
    both.set(drawn.join(), (both.get(drawn.join()) ?? 0) + 1);
  }
  const parts = { a: 0.1, b: 0.3, outside: 0.6 };
  for (const [first, p] of Object.entries(parts)) {
    for (const [second, q] of Object.entries(parts)) {
      expect(deviation(both.get(`${first},${second}`) ?? 0, unitCount, p * q)).toBeLessThan(4.5);
    }
  }
});
