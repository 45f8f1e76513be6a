/**
 * The world that benches ask about: twenty keys (the eleven that every ledger has, and nine of text), overrides over
 * all four layers, and random contexts. A size and a seed come in, the same overrides and contexts go out every time.
 * A key and context of it are answered by a user in about a quarter of the cases, by a tenant in three eighths, by a
 * tier in three tenths, and for the rest by global or the fallback.
 */
import type { ChangeOf } from '../../src/domain/change.ts';
import type { Context, Scope } from '../../src/domain/scope.ts';
import { seedKeys } from '../../src/seed/keys.ts';
import { seedCatalogue } from '../../src/seed/seed-catalogue.ts';

export type SetOverride = ChangeOf<'setOverride'>;

export interface World {
  readonly keys: readonly string[];
  /** Defines the keys that a fresh ledger does not have. */
  readonly definitions: readonly ChangeOf<'defineKey'>[];
  readonly overrideCount: number;
  overrides(): Iterable<SetOverride>;
  /** A new context; none of its strings is shared with an override. */
  context(random: Random): Required<Context>;
}

/** A number from 0 to below the limit. */
export type Random = (limit: number) => number;

const tierCount = 40;
const askedTiers = 50;
const globalKeys = 18;
const keysOfTenant = 10;
const keysOfUser = 5;
const tenantShare = 0.35;

/** Smallest size: below it there would be no users. */
export const smallestWorld = 2_000;

const definitions: readonly ChangeOf<'defineKey'>[] = Array.from({ length: 9 }, (_, index) => ({
  type: 'defineKey' as const,
  key: `ai.text_${index}.instructions`,
  valueType: 'string' as const,
  fallback: 'Answer briefly.',
}));

const keys: readonly string[] = [...seedKeys.map(({ key }) => key), ...definitions.map(({ key }) => key)];
const models = seedCatalogue.filter(({ deprecated }) => deprecated === undefined).map(({ id }) => id);

export function createWorld(overrideCount: number): World {
  const shared = globalKeys + tierCount * keys.length;
  const tenants = Math.floor(((overrideCount - shared) * tenantShare) / keysOfTenant);
  const users = Math.floor((overrideCount - shared - tenants * keysOfTenant) / keysOfUser);
  return {
    keys,
    definitions,
    overrideCount: shared + tenants * keysOfTenant + users * keysOfUser,
    *overrides() {
      for (let key = 0; key < globalKeys; key++) yield override(key, 'global', key);
      for (let tier = 0; tier < tierCount; tier++) {
        for (let key = 0; key < keys.length; key++) yield override(key, `tier:${tier}`, tier + key);
      }
      yield* ofMany(tenants, keysOfTenant, (index) => `tenant:${tenantId(index)}`);
      yield* ofMany(users, keysOfUser, (index) => `user:${userId(index)}`);
    },
    context: (random) => ({
      user: flat(userId(random(users))),
      tenant: flat(tenantId(random(tenants))),
      tier: flat(String(random(askedTiers))),
    }),
  };
}

/** Mulberry32: the same numbers for the same seed. */
export function createRandom(seed: number): Random {
  let state = seed;
  return (limit) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % limit;
  };
}

function* ofMany(
  count: number,
  keysOfEach: number,
  scopeOf: (index: number) => Scope,
): Iterable<SetOverride> {
  const step = keys.length / keysOfEach;
  for (let index = 0; index < count; index++) {
    for (let place = 0; place < keysOfEach; place++) {
      yield override((index * 7 + place * step) % keys.length, scopeOf(index), index + place);
    }
  }
}

function override(key: number, scope: Scope, variant: number): SetOverride {
  const name = keys[key] ?? '';
  const value =
    key < seedKeys.length ? models[variant % models.length] : `Answer like number ${variant % 500}.`;
  return { type: 'setOverride', key: name, scope, value: value ?? '' };
}

function userId(index: number): string {
  return `u-${scattered(index)}${scattered(~index)}`;
}

function tenantId(index: number): string {
  return `org-${scattered(index)}`;
}

/** Eight hexadecimal digits in no order, one text an index. */
function scattered(index: number): string {
  return (Math.imul(index, 0x9e3779b1) >>> 0).toString(16).padStart(8, '0');
}

/** One string of its own, as one that has just come from a socket: no rope, no known hash. */
function flat(text: string): string {
  return Buffer.from(text, 'latin1').toString('latin1');
}
