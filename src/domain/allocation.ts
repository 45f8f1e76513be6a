/**
 * Allocations: which of several values a user or a tenant gets, by a stable hash alone.
 * An allocation and a unit's id come in from resolve, an arm (or none) goes out. Published vectors
 * (test/domain/allocation-vectors.json) hold it fixed for SDKs in other languages; it must never depend on anything
 * but the salt, the id, the share and the arms.
 */
import type { JsonValue } from './json.ts';

/** One of the values that are tried against each other. */
export interface Arm {
  readonly name: string;
  readonly value: JsonValue;
  /** 1 to 10,000; the arm gets weight / sum of weights of the units that are in. */
  readonly weight: number;
}

export interface Allocation {
  /** Whose id decides; a context without it falls through to the next layer. */
  readonly unit: 'user' | 'tenant';
  /** How many of the units are in, in hundredths of a percent: 0 is nobody, 10,000 everybody. */
  readonly share: number;
  /** Makes this allocation's draw independent of others. */
  readonly salt: string;
  readonly arms: readonly Arm[];
}

const bucketCount = 10_000;

/**
 * The arm of a unit, or undefined if the unit is outside the share.
 * A larger share keeps everybody who is in, in the same arm; other weights, arms or another salt draw anew.
 */
export function chooseArm(allocation: Allocation, unitId: string): Arm | undefined {
  if (bucketOf(allocation.salt, unitId) >= allocation.share) return undefined;
  if (allocation.arms.length === 1) return allocation.arms[0];
  let total = 0;
  for (const arm of allocation.arms) total += arm.weight;
  let point = murmur3(`${allocation.salt}:arm:${unitId}`) % total;
  for (const arm of allocation.arms) {
    if (point < arm.weight) return arm;
    point -= arm.weight;
  }
  return undefined;
}

/** 0 to 9,999: the unit is in for every share above it. */
export function bucketOf(salt: string, unitId: string): number {
  return murmur3(`${salt}:${unitId}`) % bucketCount;
}

/**
 * MurmurHash3_x86_32 with seed 0 over the UTF-8 bytes of a text, 0 to 2^32 - 1 (half a surrogate pair counts as
 * U+FFFD, as encoders write it). Source: MurmurHash3.cpp of aappleby/smhasher.
 * The package `murmurhash3js` lost: it takes the low 8 bits of each character for its byte, so that 'ā' and '\u0001'
 * are the same to it, and needs 85 ns for 32 characters where this needs 60 ns (Node 20).
 */
export function murmur3(text: string): number {
  let hash = 0;
  let index = 0;
  // Most ids are ASCII, where four characters are a block of four bytes.
  for (; index + 3 < text.length; index += 4) {
    const a = text.charCodeAt(index);
    const b = text.charCodeAt(index + 1);
    const c = text.charCodeAt(index + 2);
    const d = text.charCodeAt(index + 3);
    if ((a | b | c | d) >= 0x80) break;
    hash = mix(hash, a | (b << 8) | (c << 16) | (d << 24));
  }
  let block = 0;
  let byteCount = index;
  for (; index < text.length; index += 1) {
    const point = text.codePointAt(index) ?? 0;
    if (point > 0xffff) index += 1;
    const bytes = utf8Bytes(point);
    const size = utf8Size(point);
    const filled = byteCount & 3;
    byteCount += size;
    block |= bytes << (filled * 8);
    if (filled + size >= 4) {
      hash = mix(hash, block);
      // What did not fit. An empty block leaves nothing over, where `>>> 32` would leave everything.
      block = filled === 0 ? 0 : bytes >>> (32 - filled * 8);
    }
  }
  return finish(hash ^ scramble(block) ^ byteCount);
}

function mix(hash: number, block: number): number {
  const mixed = hash ^ scramble(block);
  return (Math.imul((mixed << 13) | (mixed >>> 19), 5) + 0xe6546b64) | 0;
}

function utf8Size(point: number): number {
  if (point < 0x800) return point < 0x80 ? 1 : 2;
  return point < 0x10000 ? 3 : 4;
}

/** The UTF-8 bytes of a code point, the first one in the lowest 8 bits. */
function utf8Bytes(point: number): number {
  if (point < 0x80) return point;
  const last = 0x80 | (point & 0x3f);
  if (point < 0x800) return 0xc0 | (point >>> 6) | (last << 8);
  if (point >= 0xd800 && point <= 0xdfff) return 0xbdbfef;
  const second = 0x80 | ((point >>> 6) & 0x3f);
  if (point < 0x10000) return 0xe0 | (point >>> 12) | (second << 8) | (last << 16);
  const third = 0x80 | ((point >>> 12) & 0x3f);
  return 0xf0 | (point >>> 18) | (third << 8) | (second << 16) | (last << 24);
}

function scramble(block: number): number {
  const product = Math.imul(block, 0xcc9e2d51);
  return Math.imul((product << 15) | (product >>> 17), 0x1b873593);
}

function finish(mixed: number): number {
  let hash = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
