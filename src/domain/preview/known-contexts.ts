/**
 * Known contexts: those that were seen, and every scope that has an override, asked for alone (product.md, "Rollback and
 * comparison"). In: a state and the contexts that are named beside it; out: each once, and how many there are.
 * A million scopes are never held together: they are walked through, and counted without being copied.
 */

import type { Context } from '../scope.ts';
import type { Pace } from './pace.ts';
import type { OverridesById, PatchedState } from './patched-state.ts';

/** From few to many, so that a bound cuts off what there is most of. */
const kinds = ['tier', 'tenant', 'user'] as const;
type Kind = (typeof kinds)[number];

/** Contexts, each once, and the ids among them that are asked for alone. */
export interface NamedContexts {
  readonly contexts: readonly Context[];
  readonly alone: Readonly<Record<Kind, ReadonlySet<string>>>;
  readonly hasEmpty: boolean;
}

/** `first` before `seen`, of which the former have one id at most; those of `seen` are each there once. */
export function* namedContexts(
  first: readonly Context[],
  seen: readonly Context[],
  pace: Pace,
): Generator<void, NamedContexts, void> {
  const contexts: Context[] = [];
  const alone = { tier: new Set<string>(), tenant: new Set<string>(), user: new Set<string>() };
  let hasEmpty = false;
  for (const context of [...first, ...seen]) {
    if (pace.spend(1)) yield;
    const told = kinds.filter((one) => context[one] !== undefined);
    const [kind] = told;
    if (kind === undefined) {
      if (hasEmpty) continue;
      hasEmpty = true;
    } else if (told.length === 1) {
      const id = context[kind] ?? '';
      if (alone[kind].has(id)) continue;
      alone[kind].add(id);
    }
    contexts.push(context);
  }
  return { contexts, alone, hasEmpty };
}

/** All known contexts, each once: the named ones first. `undefined` in between is a pause. */
export function* eachKnown(
  named: NamedContexts,
  state: PatchedState,
  pace: Pace,
): Generator<Context | undefined, void, void> {
  yield* named.contexts;
  if (!named.hasEmpty && hasGlobal(state)) yield {};
  for (const kind of kinds) {
    const alone = named.alone[kind];
    for (const id of eachId(overridesIn(state, kind), pace)) {
      if (id === undefined) yield undefined;
      else if (!alone.has(id)) yield contextOf(kind, id);
    }
  }
}

/** Each id once: those of the largest, of which no list is kept, and then what others have beside it. */
function* eachId(
  [largest, ...others]: readonly OverridesById[],
  pace: Pace,
): Generator<string | undefined, void, void> {
  if (largest === undefined) return;
  for (const [id] of largest) {
    if (pace.spend(1)) yield undefined;
    yield id;
  }
  yield* idsBeside(largest, others, pace);
}

function contextOf(kind: Kind, id: string): Context {
  // Spelled out: an object with a computed name takes five times as long.
  if (kind === 'user') return { user: id };
  return kind === 'tenant' ? { tenant: id } : { tier: id };
}

/**
 * The ids that have overrides of other keys only, each once. A set of all ids would take most of a second and 40 MB for a
 * million; mostly one key has nearly all of them.
 */
function* idsBeside(
  largest: OverridesById,
  others: readonly OverridesById[],
  pace: Pace,
): Generator<string | undefined, void, void> {
  const told = new IdSet();
  for (const overrides of others) {
    for (const [id] of overrides) {
      if (pace.spend(2)) yield undefined;
      if (largest.get(id) === undefined && told.add(id)) yield id;
    }
  }
}

/** How many known contexts there are. */
export function* countKnown(
  named: NamedContexts,
  state: PatchedState,
  pace: Pace,
): Generator<void, number, void> {
  let known = named.contexts.length + (hasGlobal(state) && !named.hasEmpty ? 1 : 0);
  for (const kind of kinds) known += yield* countIds(overridesIn(state, kind), named.alone[kind], pace);
  return known;
}

/** How many ids have overrides, without those that are named already. */
function* countIds(
  [largest, ...others]: readonly OverridesById[],
  named: ReadonlySet<string>,
  pace: Pace,
): Generator<void, number, void> {
  if (largest === undefined) return 0;
  let count = largest.size;
  for (const id of named) {
    if (pace.spend(1)) yield;
    if (largest.get(id) !== undefined) count--;
  }
  for (const id of idsBeside(largest, others, pace)) {
    if (id === undefined) yield;
    else if (!named.has(id)) count++;
  }
  return count;
}

/** By key, the largest first. */
function overridesIn(state: PatchedState, kind: Kind): readonly OverridesById[] {
  const found: { readonly size: number; readonly overrides: OverridesById }[] = [];
  for (const key of state.slots.keys()) {
    const overrides = state.slots.get(key)?.[kind];
    if (overrides !== undefined) found.push({ size: overrides.size, overrides });
  }
  return found.sort((a, b) => b.size - a.size).map(({ overrides }) => overrides);
}

function hasGlobal(state: PatchedState): boolean {
  for (const key of state.slots.keys()) if (state.slots.get(key)?.global !== undefined) return true;
  return false;
}

const shardCount = 64;

/** A set of ids in parts: growing one set of a million holds everything up for 25 ms, growing a part of it for less than 1. */
class IdSet {
  readonly #shards = Array.from({ length: shardCount }, () => new Set<string>());

  /** Whether it is new. */
  add(id: string): boolean {
    const shard = this.#shardOf(id);
    const { size } = shard;
    return shard.add(id).size > size;
  }

  #shardOf(id: string): Set<string> {
    const { length } = id;
    const mixed = length + id.charCodeAt(length - 1) + 7 * id.charCodeAt(length >> 1);
    return this.#shards[mixed % shardCount] ?? new Set();
  }
}
