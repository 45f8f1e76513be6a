/**
 * Which known contexts a change really concerns: those whose resolved values differ, at the moments at which it matters.
 * In: the states before and after the change, what is touched, and known contexts; out: how many were asked, how many
 * answer otherwise, and a sample. A context that no touched layer is about is not resolved at all.
 */
import { equal } from '../field-changes.ts';
import type { JsonValue } from '../json.ts';
import { valueAt } from '../resolve.ts';
import { type Context, type Scope, splitScope } from '../scope.ts';
import type { Pace } from './pace.ts';
import type { PatchedState } from './patched-state.ts';

/** A key that answers a context otherwise; null where the key is not defined. */
export interface ContextChange {
  readonly context: Context;
  readonly key: string;
  readonly before: JsonValue;
  readonly after: JsonValue;
  /** The first of the moments at which it does, epoch milliseconds. */
  readonly from: number;
}

/** Both sides of a change, and when to compare them. */
export interface Sides {
  readonly before: PatchedState;
  readonly after: PatchedState;
  /** Epoch milliseconds, ascending. */
  readonly moments: readonly number[];
}

/** Keys that may answer otherwise: for everybody, and for whoever is asked with an id. */
export interface AffectedKeys {
  readonly everybody: readonly string[];
  readonly user: ReadonlyMap<string, readonly string[]>;
  readonly tenant: ReadonlyMap<string, readonly string[]>;
  readonly tier: ReadonlyMap<string, readonly string[]>;
}

export interface ContextLimits {
  readonly contexts: number;
  /** Values that are resolved, on both sides together. */
  readonly evaluations: number;
  readonly sample: number;
}

export interface ChangedContexts {
  readonly checked: number;
  readonly changed: number;
  readonly sample: readonly ContextChange[];
}

/** Whom touched layers are about, by key; `everybody` names the keys that others than layers concern. */
export function affectedKeys(
  layers: readonly { readonly key: string; readonly scope: Scope | 'fallback' }[],
  everybody: readonly string[],
): AffectedKeys {
  const all = new Set(everybody);
  const byId = {
    user: new Map<string, string[]>(),
    tenant: new Map<string, string[]>(),
    tier: new Map<string, string[]>(),
  };
  for (const { key, scope } of layers) {
    if (scope === 'fallback' || scope === 'global') {
      all.add(key);
      continue;
    }
    const { kind, id } = splitScope(scope);
    if (kind === 'global') continue;
    const keys = byId[kind].get(id) ?? [];
    byId[kind].set(id, keys);
    keys.push(key);
  }
  return { everybody: [...all], ...byId };
}

/** Asks contexts in their order until one of the limits is reached. `undefined` among them is a pause. */
export function* changedContexts(
  sides: Sides,
  affected: AffectedKeys,
  known: Iterable<Context | undefined>,
  limits: ContextLimits,
  pace: Pace,
): Generator<void, ChangedContexts, void> {
  const sampled: (readonly ContextChange[])[] = [];
  const work: Work = { ...sides, isSame: createComparison(), pace, evaluations: 0 };
  let checked = 0;
  let changed = 0;
  for (const context of known) {
    if (context === undefined || pace.spend(1)) yield;
    if (context === undefined) continue;
    if (checked >= limits.contexts || work.evaluations >= limits.evaluations) break;
    checked++;
    const keys = keysOf(affected, context);
    if (keys.length === 0) continue;
    const isSampled = sampled.length < limits.sample;
    const changes = yield* changesOf(work, keys, context, isSampled ? limits.sample : 1);
    if (changes.length === 0) continue;
    changed++;
    if (isSampled) sampled.push(changes);
  }
  return { checked, changed, sample: inTurns(sampled).slice(0, limits.sample) };
}

interface Work extends Sides {
  readonly isSame: Comparison;
  readonly pace: Pace;
  evaluations: number;
}

/** Of each key the first moment at which it answers otherwise; ends after so many. */
function* changesOf(
  work: Work,
  keys: readonly string[],
  context: Context,
  most: number,
): Generator<void, readonly ContextChange[], void> {
  const changes: ContextChange[] = [];
  for (const key of keys) {
    if (work.pace.spend(work.moments.length * unitsAMoment)) yield;
    const change = firstChange(work, key, context);
    if (change === undefined) continue;
    changes.push(change);
    if (work.pace.spend(unitsAChange)) yield;
    if (changes.length >= most) break;
  }
  return changes;
}

/** Of two resolutions; where layers say very many things they take a multiple of it. */
const unitsAMoment = 6;
/** Two values that differ may be large. */
const unitsAChange = 64;

/** In one go: a function of its own is made fast, where a generator that goes on is not. */
function firstChange(work: Work, key: string, context: Context): ContextChange | undefined {
  const { before, after, moments, isSame } = work;
  for (const from of moments) {
    const was = valueAt(before, key, context, from);
    const is = valueAt(after, key, context, from);
    work.evaluations += 2;
    if (!isSame(was, is)) return { context, key, before: was ?? null, after: is ?? null, from };
  }
  return undefined;
}

function keysOf({ everybody, user, tenant, tier }: AffectedKeys, context: Context): readonly string[] {
  // Ids are not empty.
  const byUser = user.get(context.user ?? '') ?? none;
  const byTenant = tenant.get(context.tenant ?? '') ?? none;
  const byTier = tier.get(context.tier ?? '') ?? none;
  if (byUser.length + byTenant.length + byTier.length === 0) return everybody;
  return [...new Set([...everybody, ...byUser, ...byTenant, ...byTier])];
}

const none: readonly string[] = [];

type Value = JsonValue | undefined;

type Comparison = (a: Value, b: Value) => boolean;

/** Whether two are the same. Remembers what it compared at length: one change gives the same two objects to very many. */
function createComparison(): Comparison {
  const compared = new WeakMap<object, WeakMap<object, boolean>>();
  return (a, b) => {
    if (a === b) return true;
    if (!isObject(a) || !isObject(b)) return false;
    const withOne = compared.get(a) ?? new WeakMap<object, boolean>();
    compared.set(a, withOne);
    const isSame = withOne.get(b) ?? equal(a, b);
    withOne.set(b, isSame);
    return isSame;
  };
}

function isObject(value: Value): value is Extract<JsonValue, object> {
  return typeof value === 'object' && value !== null;
}

/** The first of each, then the second of each: so that a sample shows many contexts before many keys of one. */
function inTurns<Item>(lists: readonly (readonly Item[])[]): readonly Item[] {
  const longest = Math.max(0, ...lists.map(({ length }) => length));
  return Array.from({ length: longest }, (_, turn) =>
    lists.flatMap((list) => list.slice(turn, turn + 1)),
  ).flat();
}
