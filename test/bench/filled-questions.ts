/**
 * Random questions about the world of fill-by-sql.ts, drawn as its events are: what is changed often is asked often.
 */
import type { Context } from '../../src/domain/scope.ts';
import {
  actorCount,
  busyScope,
  filledFrom,
  filledUntil,
  keyCount,
  tenantCount,
  tierCount,
  userCount,
} from './fill-by-sql.ts';
import type { Random } from './world.ts';

/** Finer than any of the world's numbers, and less than Random's 2³². */
const fine = 2 ** 31;

/** A number from 0 to below the limit; the higher the power, the more often a small one. */
export function skewed(random: Random, limit: number, power: number): number {
  return Math.floor(limit * (random(fine) / fine) ** power);
}

export function drawKey(random: Random): string {
  return `ai.feature_${skewed(random, keyCount, 2)}.setting`;
}

export function drawActor(random: Random): string {
  return `actor-${skewed(random, actorCount, 2)}`;
}

export function drawContext(random: Random): Context {
  return {
    user: `u-${skewed(random, userCount, 3)}`,
    tenant: `t-${skewed(random, tenantCount, 3)}`,
    tier: String(random(tierCount)),
  };
}

/** A time within the filled year, epoch milliseconds. */
export function drawTime(random: Random): number {
  return filledFrom + Math.floor((filledUntil - filledFrom) * (random(fine) / fine));
}

/** The context whose value of `busyKey` is changed by every twentieth event. */
export const busyContext: Context = { tenant: busyScope.slice(busyScope.indexOf(':') + 1) };
