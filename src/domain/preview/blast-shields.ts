/**
 * Shields: how many narrower overrides of a key stand before a layer, so that it does not reach those for whom they are.
 * In: the state after a change, and layers at moments; out: for each the number by kind of scope. An override shields
 * while it is in force and asserts something; an allocation counts as one, though it may let some through.
 */
import { forever, inForce } from '../assertion.ts';
import { type Scope, splitScope } from '../scope.ts';
import type { OverrideAssertion } from '../subject-state.ts';
import type { Pace } from './pace.ts';
import type { OverridesById, PatchedState } from './patched-state.ts';

export interface Shields {
  readonly user: number;
  readonly tenant: number;
  readonly tier: number;
  /** Of a fallback only: 1 where the key has a global override. */
  readonly global?: number;
}

export interface ShieldedLayer {
  readonly key: string;
  readonly scope: Scope | 'fallback';
  /** Epoch milliseconds. */
  readonly at: number;
}

const narrowerKinds = {
  user: [],
  tenant: ['user'],
  tier: ['user', 'tenant'],
  global: ['user', 'tenant', 'tier'],
  fallback: ['user', 'tenant', 'tier'],
} as const;

type Kind = 'user' | 'tenant' | 'tier';

/** The shields of each layer, in their order; the overrides of a key are looked through once. */
export function* shieldsOf(
  after: PatchedState,
  layers: readonly ShieldedLayer[],
  pace: Pace,
): Generator<void, readonly Shields[], void> {
  const wanted = new Map<string, Map<Kind, Map<number, number>>>();
  for (const { key, scope, at } of layers) {
    const ofKey = wanted.get(key) ?? new Map<Kind, Map<number, number>>();
    wanted.set(key, ofKey);
    for (const kind of narrowerKinds[kindOf(scope)]) {
      ofKey.set(kind, (ofKey.get(kind) ?? new Map<number, number>()).set(at, 0));
    }
  }
  for (const [key, ofKey] of wanted) {
    const slots = after.slots.get(key);
    if (slots === undefined) continue;
    for (const [kind, counts] of ofKey) yield* countAsserting(slots[kind], counts, pace);
  }
  return layers.map(({ key, scope, at }) => {
    const kinds: readonly Kind[] = narrowerKinds[kindOf(scope)];
    const count = (kind: Kind) => (kinds.includes(kind) ? (wanted.get(key)?.get(kind)?.get(at) ?? 0) : 0);
    const shields = { user: count('user'), tenant: count('tenant'), tier: count('tier') };
    if (scope !== 'fallback') return shields;
    const global = after.slots.get(key)?.global?.assertions ?? [];
    return { ...shields, global: asserts(inForce(global, at)) ? 1 : 0 };
  });
}

function kindOf(scope: Scope | 'fallback') {
  return scope === 'fallback' ? scope : splitScope(scope).kind;
}

/** How many assertions are looked at in a unit of work. */
const assertionsAUnit = 32;

/** Fills in how many assert something at each of the moments. */
function* countAsserting(
  overrides: OverridesById,
  counts: Map<number, number>,
  pace: Pace,
): Generator<void, void, void> {
  const moments = [...counts.keys()].sort((a, b) => a - b);
  const [first = 0] = moments;
  const changing = moments.map(() => 0);
  let always = 0;
  for (const [, { assertions }] of overrides) {
    if (pace.spend(1)) yield;
    const only = assertions[0];
    // Nearly every override is one assertion that has started and has no end: the same at every moment.
    if (assertions.length === 1 && only !== undefined && only.from <= first && only.until === forever) {
      if (asserts(only)) always++;
      continue;
    }
    if (pace.spend((moments.length * assertions.length) / assertionsAUnit)) yield;
    for (const [index, at] of moments.entries()) {
      if (asserts(inForce(assertions, at))) changing[index] = (changing[index] ?? 0) + 1;
    }
  }
  for (const [index, at] of moments.entries()) counts.set(at, always + (changing[index] ?? 0));
}

function asserts(assertion: OverrideAssertion | undefined): boolean {
  return assertion !== undefined && assertion.kind !== 'cleared';
}
