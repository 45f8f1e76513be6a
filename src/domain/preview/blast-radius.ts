/**
 * The blast radius of a changeset: what would resolve differently after it, now and at every boundary that it introduces
 * (product.md, "Rollback and comparison"). Start reading here.
 * In: the live state, the overlay that was decided on it, the contexts that were seen; out: moments, layers, contexts.
 * A generator, so that whoever drives it can let others have their turn; what it sees meanwhile is the state that it was
 * started on. It appends nothing and knows no clock.
 */

import type { LiveState } from '../live-state.ts';
import type { Overlay } from '../overlay.ts';
import { type Context, contextOfScope, type Scope } from '../scope.ts';
import type { ModelState } from '../subject-state.ts';
import { affectedKeys, type ChangedContexts, type ContextLimits, changedContexts } from './blast-contexts.ts';
import { type LayerStep, sunsetsOf, type TouchedLayer, touchedLayers } from './blast-layers.ts';
import { type Shields, shieldsOf } from './blast-shields.ts';
import { countKnown, eachKnown, namedContexts } from './known-contexts.ts';
import type { Pace } from './pace.ts';
import { holdState, PatchedState } from './patched-state.ts';

/** What a layer says otherwise from a moment on, and how many narrower overrides stand before it. */
export interface LayerChange extends LayerStep {
  readonly key: string;
  readonly scope: Scope | 'fallback';
  readonly shieldedBy: Shields;
}

export interface BlastRadius {
  /** Now and every boundary that the change introduces or takes away; epoch milliseconds, ascending. */
  readonly moments: readonly number[];
  /** How many later moments there are beyond the limit. */
  readonly momentsLeftOut: number;
  readonly layers: readonly LayerChange[];
  readonly layersLeftOut: number;
  /** `known` is how many contexts there are; when fewer are checked, a limit was reached. */
  readonly contexts: ChangedContexts & { readonly known: number };
}

export interface BlastLimits extends ContextLimits {
  readonly moments: number;
  readonly layers: number;
}

export const blastLimits: BlastLimits = {
  moments: 100,
  layers: 1_000,
  contexts: 100_000,
  evaluations: 2_000_000,
  sample: 20,
};

/**
 * To be started in the same turn of the event loop in which the overlay was decided: from its first step on it holds the
 * live state as it is (holdState), and it must be driven to its end or ended by `return()`.
 */
export function* blastRadius(
  live: LiveState,
  overlay: Overlay,
  now: number,
  seen: readonly Context[],
  pace: Pace,
  limits: BlastLimits = blastLimits,
): Generator<void, BlastRadius, void> {
  const models = changedModels(live, overlay);
  const held = holdState(live);
  try {
    const after = new PatchedState(held.state);
    for (const [subject, state] of overlay.touched()) after.put(subject, state);
    const layers = yield* touchedLayers(held.state, overlay.touched(), now, pace);
    const sunsets = models.flatMap((change) => sunsetsOf(change.before, change.after, now));
    const moments = momentsOf(layers, sunsets, now);
    const kept = moments.slice(0, limits.moments);
    const told = yield* tellLayers(after, layers, kept, limits.layers, pace);
    const everybody = models.some(({ isNamed }) => isNamed) ? yield* modelKeys(after, pace) : [];
    const sides = { before: held.state, after, moments: kept };
    const contexts = yield* tellContexts(sides, layers, everybody, seen, limits, pace);
    return { moments: kept, momentsLeftOut: moments.length - kept.length, ...told, contexts };
  } finally {
    held.release();
  }
}

interface ChangedModel {
  readonly before: ModelState | undefined;
  readonly after: ModelState;
  /** Whether a fallback, an override or a successor names it; otherwise nothing resolves to it or past it. */
  readonly isNamed: boolean;
}

/** The touched models in whose place another one may be answered than before. */
function changedModels(live: LiveState, overlay: Overlay): readonly ChangedModel[] {
  const changed: ChangedModel[] = [];
  for (const after of overlay.touched().values()) {
    if (!('prices' in after)) continue;
    const before = live.model(after.id);
    const isSame =
      before?.status === after.status &&
      before.successor === after.successor &&
      before.sunsetAt === after.sunsetAt;
    if (isSame) continue;
    const isNamed = live.namesOf(after.id) > 0 || overlay.namesOf(after.id) > 0;
    changed.push({ before, after, isNamed });
  }
  return changed;
}

function momentsOf(
  layers: readonly TouchedLayer[],
  sunsets: readonly number[],
  now: number,
): readonly number[] {
  const moments = new Set([now, ...sunsets]);
  for (const { boundaries, steps } of layers) {
    for (const at of boundaries) moments.add(at);
    for (const { at } of steps) moments.add(at);
  }
  return [...moments].sort((a, b) => a - b);
}

function* tellLayers(
  after: PatchedState,
  layers: readonly TouchedLayer[],
  moments: readonly number[],
  limit: number,
  pace: Pace,
): Generator<void, Pick<BlastRadius, 'layers' | 'layersLeftOut'>, void> {
  const last = moments.at(-1) ?? 0;
  const all = layers.flatMap(({ key, scope, steps }) =>
    steps.filter(({ at }) => at <= last).map((step) => ({ key, scope, ...step })),
  );
  const kept = all.slice(0, limit);
  const shields = yield* shieldsOf(after, kept, pace);
  const none = { user: 0, tenant: 0, tier: 0 };
  return {
    layers: kept.map((layer, index) => ({ ...layer, shieldedBy: shields[index] ?? none })),
    layersLeftOut: all.length - kept.length,
  };
}

/** The keys whose values are models: any of them may stand on one that changed. */
function* modelKeys(after: PatchedState, pace: Pace): Generator<void, readonly string[], void> {
  const keys: string[] = [];
  for (const key of after.slots.keys()) {
    if (pace.spend(4)) yield;
    const state = after.slots.get(key)?.definition;
    if (state?.definition.valueType === 'model' && !state.retired) keys.push(key);
  }
  return keys;
}

function* tellContexts(
  sides: Parameters<typeof changedContexts>[0],
  layers: readonly TouchedLayer[],
  everybody: readonly string[],
  seen: readonly Context[],
  limits: ContextLimits,
  pace: Pace,
): Generator<void, BlastRadius['contexts'], void> {
  const changing = layers.filter(({ steps }) => steps.length > 0);
  // Whom the touched layers are about come first, so that no limit misses them.
  const own = changing.map(({ scope }) => (scope === 'fallback' ? {} : contextOfScope(scope)));
  if (everybody.length > 0) own.push({});
  const named = yield* namedContexts(own, seen, pace);
  const known = eachKnown(named, sides.before, pace);
  const changed = yield* changedContexts(sides, affectedKeys(changing, everybody), known, limits, pace);
  return { known: yield* countKnown(named, sides.before, pace), ...changed };
}
