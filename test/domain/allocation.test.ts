/** Allocations: published vectors of the hash and of Varve's own draw, and the laws of shares and weights. */
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { type Allocation, type Arm, bucketOf, chooseArm, murmur3 } from '../../src/domain/allocation.ts';

const unitCount = 200_000;
const arm = (name: string, weight: number): Arm => ({ name, value: name, weight });
const allocation = (share: number, arms: readonly Arm[], salt = 'ai.planner.model'): Allocation => ({
  unit: 'user',
  share,
  salt,
  arms,
});

describe('murmur3', () => {
  /** From SMHasher's table by Ian Boyd and from Wikipedia, seed 0, those that are UTF-8. */
  test.each<[string, number]>([
    ['', 0x00000000],
    ['\u0000', 0x514e28b7],
    ['\u0000\u0000', 0x30f4c306],
    ['\u0000\u0000\u0000', 0x85f0b427],
    ['\u0000\u0000\u0000\u0000', 0x2362f9de],
    ['!', 0x72661cf4],
    ['!C', 0xa0f7b07a],
    ['!Ce', 0x7e4a8634],
    ['test', 0xba6bd213],
    ['hello', 0x248bfa47],
    ['Hello, world!', 0xc0363e43],
    ['The quick brown fox jumps over the lazy dog', 0x2e4ff723],
  ])('of %j', (text, hash) => {
    expect(murmur3(text)).toBe(hash);
  });

  test('tells characters apart that share their low 8 bits', () => {
    expect(murmur3('ā')).not.toBe(murmur3('\u0001'));
  });

  test('is the hash of the UTF-8 bytes, broken Unicode included', () => {
    const unit = fc.oneof(
      fc.string({ unit: 'binary-ascii', maxLength: 1 }),
      fc.constantFrom('é', 'ß', '€', '東', '\uffff', '😀', '\u{10ffff}', '\ud800', '\udfff'),
    );
    fc.assert(
      fc.property(fc.string({ unit, maxLength: 24 }), (text) => {
        expect(murmur3(text)).toBe(murmur3OfBytes(new TextEncoder().encode(text)));
      }),
      { numRuns: 2_000 },
    );
  });
});

/** MurmurHash3_x86_32 as its author wrote it, in exact integers. */
function murmur3OfBytes(bytes: Uint8Array): number {
  const rotate = (word: bigint, by: bigint) => ((word << by) | (word >> (32n - by))) & 0xffffffffn;
  const scramble = (word: bigint) =>
    (rotate((word * 0xcc9e2d51n) & 0xffffffffn, 15n) * 0x1b873593n) & 0xffffffffn;
  let hash = 0n;
  for (let at = 0; at < bytes.length; at += 4) {
    const part = bytes.subarray(at, at + 4);
    hash ^= scramble(part.reduceRight((word, byte) => (word << 8n) | BigInt(byte), 0n));
    if (part.length === 4) hash = (rotate(hash, 13n) * 5n + 0xe6546b64n) & 0xffffffffn;
  }
  hash ^= BigInt(bytes.length);
  hash = ((hash ^ (hash >> 16n)) * 0x85ebca6bn) & 0xffffffffn;
  hash = ((hash ^ (hash >> 13n)) * 0xc2b2ae35n) & 0xffffffffn;
  return Number(hash ^ (hash >> 16n));
}

describe('the published vectors', () => {
  const published = z
    .strictObject({
      about: z.string(),
      arms: z.record(z.string(), z.array(z.strictObject({ name: z.string(), weight: z.number() }))),
      vectors: z.array(
        z.strictObject({
          salt: z.string(),
          unitId: z.string(),
          bucket: z.number(),
          arms: z.string(),
          arm: z.string(),
        }),
      ),
    })
    .parse(JSON.parse(readFileSync(new URL('./allocation-vectors.json', import.meta.url), 'utf8')));

  test('are many', () => {
    expect(published.vectors.length).toBeGreaterThanOrEqual(80);
  });

  test.each(published.vectors)('salt $salt, unit $unitId', (vector) => {
    const arms = (published.arms[vector.arms] ?? []).map(({ name, weight }) => arm(name, weight));
    expect(bucketOf(vector.salt, vector.unitId)).toBe(vector.bucket);
    expect(chooseArm(allocation(10_000, arms, vector.salt), vector.unitId)?.name).toBe(vector.arm);
    expect(chooseArm(allocation(vector.bucket + 1, arms, vector.salt), vector.unitId)?.name).toBe(vector.arm);
    expect(chooseArm(allocation(vector.bucket, arms, vector.salt), vector.unitId)).toBeUndefined();
  });
});

const anyArms = fc
  .array(fc.integer({ min: 1, max: 10_000 }), { minLength: 1, maxLength: 6 })
  .map((weights) => weights.map((weight, index) => arm(`arm-${index}`, weight)));

describe('a share', () => {
  test('that grows keeps everybody who is in, in the same arm', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 10_000 }),
        fc.integer({ min: 0, max: 10_000 }),
        anyArms,
        fc.string(),
        fc.string({ unit: 'grapheme' }),
        (one, other, arms, salt, unitId) => {
          const before = chooseArm(allocation(Math.min(one, other), arms, salt), unitId);
          const after = chooseArm(allocation(Math.max(one, other), arms, salt), unitId);
          if (before !== undefined) expect(after).toBe(before);
        },
      ),
      { numRuns: 1_000 },
    );
  });

  test('0 is nobody, 10,000 is everybody', () => {
    fc.assert(
      fc.property(anyArms, fc.string(), fc.string({ unit: 'grapheme' }), (arms, salt, unitId) => {
        expect(chooseArm(allocation(0, arms, salt), unitId)).toBeUndefined();
        expect(arms).toContain(chooseArm(allocation(10_000, arms, salt), unitId));
      }),
    );
  });

  /** Ids and salts are fixed, so the counts are too: the bounds (5 standard deviations) hold or fail for good. */
  test.each([1, 100, 1_000, 5_000, 9_900])(`of %d / 10,000 of ${unitCount} units`, (share) => {
    const arms = [arm('only', 1)];
    const inside = units().filter(
      (unitId) => chooseArm(allocation(share, arms), unitId) !== undefined,
    ).length;
    const rate = share / 10_000;
    expect(Math.abs(inside - unitCount * rate)).toBeLessThan(5 * Math.sqrt(unitCount * rate * (1 - rate)));
  });
});

describe('the split', () => {
  test.each<[string, readonly number[]]>([
    ['half and half', [1, 1]],
    ['1 : 3 : 6', [1, 3, 6]],
    ['by hundredths of a percent', [9_999, 1]],
    ['over ten arms', [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]],
    ['over a hundred arms', Array.from({ length: 100 }, () => 10_000)],
  ])('%s follows the weights (chi-square)', (_, weights) => {
    const arms = weights.map((weight, index) => arm(`arm-${index}`, weight));
    expect(chiSquare(allocation(10_000, arms), units())).toBeLessThan(chiSquareBound(arms.length - 1));
  });

  test('does not depend on the share: those in the first tenth are split as all are', () => {
    const tenth = allocation(1_000, [arm('a', 1), arm('b', 3)]);
    const inside = units().filter((unitId) => chooseArm(tenth, unitId) !== undefined);
    expect(chiSquare(tenth, inside)).toBeLessThan(chiSquareBound(1));
  });

  test('another salt draws independently', () => {
    const arms = [arm('a', 1), arm('b', 1)];
    const same = units().filter(
      (unitId) =>
        chooseArm(allocation(10_000, arms, 'x'), unitId) === chooseArm(allocation(10_000, arms, 'y'), unitId),
    ).length;
    expect(Math.abs(same - unitCount / 2)).toBeLessThan(5 * Math.sqrt(unitCount / 4));
  });
});

function units(): string[] {
  return Array.from({ length: unitCount }, (_, index) => `user-${index}`);
}

function chiSquare(over: Allocation, unitIds: readonly string[]): number {
  const counts = new Map<string | undefined, number>();
  for (const unitId of unitIds) {
    const name = chooseArm(over, unitId)?.name;
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  const total = over.arms.reduce((sum, { weight }) => sum + weight, 0);
  return over.arms.reduce((sum, { name, weight }) => {
    const expected = (unitIds.length * weight) / total;
    return sum + ((counts.get(name) ?? 0) - expected) ** 2 / expected;
  }, 0);
}

/** About the 99.9th percentile (Wilson and Hilferty's approximation). */
function chiSquareBound(degrees: number): number {
  const spread = 2 / (9 * degrees);
  return degrees * (1 - spread + 3.09 * Math.sqrt(spread)) ** 3;
}
