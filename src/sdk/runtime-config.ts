/**
 * The effective configuration of a request (design note 000, step 1): who is asking comes in, every key's value goes out.
 * A plain object, as the note has it, so that tests can write one down.
 */
import type { JsonValue } from '../domain/json.ts';
import { type Context, isScopeId } from '../domain/scope.ts';
import { Failure } from '../failure.ts';
import { readTogether } from './read-together.ts';
import type { Resolved, Varve } from './varve.ts';

/** Values by key; models are `provider/model`. */
export type RuntimeConfig = Readonly<Record<string, JsonValue>>;

type Id = string | number | null | undefined;

/** In the note's words; what is absent or null is not asked. Numbers are whole. */
export interface AskedFor {
  /** The tenant. */
  readonly orgId?: Id;
  readonly subscriptionTierId?: Id;
  readonly userId?: Id;
}

/**
 * Every key's value for a tenant, tier and user, at one revision and one moment; which ones, a pinned session tells.
 * It never waits: the values are in the process. Failures: unavailable (no values yet), invalid (no id).
 */
export function resolveEffectiveRuntimeConfig(varve: Varve, askedFor: AskedFor = {}): RuntimeConfig {
  return configOf(readTogether(varve, varve.keys(), contextOf(askedFor)).values);
}

/** Without a prototype: a key may be called `constructor`. */
export function configOf(values: ReadonlyMap<string, Pick<Resolved, 'value'>>): RuntimeConfig {
  const config: Record<string, JsonValue> = { __proto__: null };
  for (const [key, { value }] of values) config[key] = value;
  return Object.freeze(config);
}

function contextOf({ orgId, subscriptionTierId, userId }: AskedFor): Context {
  return {
    ...part('user', userId, 'userId'),
    ...part('tenant', orgId, 'orgId'),
    ...part('tier', subscriptionTierId, 'subscriptionTierId'),
  };
}

function part(name: keyof Context, id: Id, path: keyof AskedFor): Context {
  if (id === undefined || id === null) return {};
  const text = String(id);
  if (isScopeId(text) && (typeof id === 'string' || Number.isSafeInteger(id))) return { [name]: text };
  throw new Failure('invalid', `${path} is no id`, {
    reason: 'bad_id',
    details: [{ path, message: '1 to 200 characters without control characters, or a whole number' }],
  });
}
