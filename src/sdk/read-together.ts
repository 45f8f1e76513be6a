/**
 * Several values of one context at one revision and one moment.
 * Varve.resolve reads the clock at each call; a boundary that is crossed between two of them must not be seen in halves.
 */
import type { JsonValue } from '../domain/json.ts';
import type { Context } from '../domain/scope.ts';
import { Failure } from '../failure.ts';
import type { Resolved, Varve } from './varve.ts';

export interface ReadTogether {
  /** Of the ledger. */
  readonly revision: number;
  /** Epoch milliseconds; every value answers for this moment. */
  readonly at: number;
  /** Keys that are not defined are left out. */
  readonly values: ReadonlyMap<string, Resolved>;
}

/** Ends of values that are crossed lie milliseconds apart, a round takes microseconds. */
const maxRounds = 16;

/**
 * Which keys were found not to be defined at a revision of a client. Being told so takes 50 times as long as a value, and
 * before the first user is configured most keys of a user context are not defined.
 */
const undefinedKeys = new WeakMap<Varve, { readonly revision: number; readonly keys: Set<string> }>();

/**
 * Of this context alone: nothing of the running request's comes in. Synchronous, so nothing is applied in between.
 * Failures: unavailable, invalid.
 */
export function readTogether(varve: Varve, keys: readonly string[], context: Context): ReadTogether {
  const values = new Map<string, Resolved>();
  const { state, revision } = varve.status();
  if (state === 'starting' || state === 'closed') {
    const message = state === 'closed' ? 'the client is closed' : 'there are no values yet';
    throw new Failure('unavailable', message, { reason: state });
  }
  const at = read(varve, keys, context, undefinedAt(varve, revision), values);
  return { revision, at, values };
}

/** Reads until there is a moment at which all that was read is in force, and answers it. */
function read(
  varve: Varve,
  keys: readonly string[],
  context: Context,
  missing: Set<string>,
  values: Map<string, Resolved>,
): number {
  let at = 0;
  let unread = keys;
  for (let round = 0; round < maxRounds; round++) {
    for (const key of unread) {
      if (missing.has(key)) continue;
      const resolved = varve.resolve<JsonValue>(key, context, { fallback: null });
      if (resolved.failure === undefined) values.set(key, resolved);
      else if (resolved.failure.code === 'not_found') missing.add(key);
      else throw resolved.failure;
      at = Math.max(at, resolved.at);
    }
    unread = keys.filter((key) => endsBy(values.get(key), at));
    if (unread.length === 0) return at === 0 ? varve.now() : at;
  }
  // Only a clock that is put back in this very moment leads here.
  throw new Failure('unavailable', 'the values end faster than they are read', { reason: 'no_moment' });
}

function undefinedAt(varve: Varve, revision: number): Set<string> {
  const known = undefinedKeys.get(varve);
  if (known?.revision === revision) return known.keys;
  const keys = new Set<string>();
  undefinedKeys.set(varve, { revision, keys });
  return keys;
}

function endsBy(resolved: Resolved | undefined, at: number): boolean {
  return resolved !== undefined && resolved.validUntil !== null && resolved.validUntil <= at;
}
