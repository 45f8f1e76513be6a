/**
 * Clock, randomness and ids: made here, handed down from the composition root, so that everything else is told
 * the time and can be run again with the same.
 */
import { randomBytes, randomFillSync } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { v7 } from 'uuid';

/** A clock for durations, milliseconds; never runs backwards. */
export const elapsed = (): number => performance.now();

const pool = new Uint8Array(4_096);
let used = pool.length;

/** A new id: UUIDv7, so that those of a later millisecond sort later. */
export const newId = (): string => v7({ rng: takeRandom });

/** 16 random bytes from a pool: asking the system for each id costs twice as much as making the rest of it. */
function takeRandom(): Uint8Array {
  if (used + 16 > pool.length) {
    randomFillSync(pool);
    used = 0;
  }
  used += 16;
  return pool.subarray(used - 16, used);
}

/** Resolves after so many milliseconds; does not keep the process alive. */
export const delay = (ms: number): Promise<void> => sleep(ms, undefined, { ref: false });

/** Random bytes for secrets. */
export const randomSecret = (bytes: number): Buffer => randomBytes(bytes);

/** 0 up to 1, for what only has to differ. */
export const random = (): number => Math.random();

const alphabet = 'abcdefghijklmnopqrstuvwxyz0123456789';

/** Random lower case letters and digits, about 5.17 bits each; without a bias, because bytes past 251 are thrown away. */
export function randomWord(length: number): string {
  let word = '';
  while (word.length < length) {
    for (const byte of randomBytes(length * 2)) {
      if (byte < 252 && word.length < length) word += alphabet[byte % alphabet.length];
    }
  }
  return word;
}
