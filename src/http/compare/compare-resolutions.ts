/**
 * Which contexts resolve which keys differently in two open worlds: in slices, so that other requests get their turn.
 * In: worlds, keys and contexts; out: the first differences, how many more there are, and how many contexts were looked
 * at.
 */
import { setImmediate as turn } from 'node:timers/promises';
import { type ValueDifference, valueDifferences } from '../../domain/compare/compare-values.ts';
import type { Sides } from '../../domain/compare/world.ts';
import type { LiveState } from '../../domain/live-state.ts';
import type { Context } from '../../domain/scope.ts';
import type { OpenWorld } from './open-world.ts';

export interface ValuesComparison {
  readonly differences: readonly ValueDifference[];
  readonly leftOut: number;
  /** Contexts. */
  readonly checked: number;
}

/** The most keys times contexts that one comparison resolves. */
const maxPairs = 1_000_000;
/** Of them between two turns of other requests: about 10 ms. */
const slicePairs = 5_000;
const maxDifferences = 1_000;

export async function compareResolutions(
  { left, right }: Sides<OpenWorld>,
  keys: readonly string[],
  contexts: readonly Context[],
): Promise<ValuesComparison> {
  const checked = Math.min(contexts.length, Math.floor(maxPairs / Math.max(1, keys.length)));
  const size = Math.max(1, Math.floor(slicePairs / Math.max(1, keys.length)));
  const differences: ValueDifference[] = [];
  let found = 0;
  for (let start = 0; start < checked; start += size) {
    const slice = contexts.slice(start, Math.min(start + size, checked));
    const asked = new Map(keys.map((key) => [key, slice]));
    const [onLeft, onRight] = await Promise.all([left.excerptFor(asked), right.excerptFor(asked)]);
    const differing = valueDifferences(
      { state: onLeft, at: left.world.at },
      { state: onRight, at: right.world.at },
      keys,
      slice,
    );
    found += differing.length;
    differences.push(...differing.slice(0, maxDifferences - differences.length));
    await turn();
  }
  return { differences, leftOut: found - differences.length, checked };
}

/** Every key that the ledger ever had, or a draft defines: those that a world does not know resolve to nothing there. */
export function keysOfWorlds(state: LiveState, { left, right }: Sides<OpenWorld>): readonly string[] {
  const keys = new Set<string>();
  for (const { definition } of state.keys()) keys.add(definition.key);
  for (const { world } of [left, right]) {
    for (const touched of world.draft?.touched.values() ?? []) {
      if ('definition' in touched) keys.add(touched.definition.key);
    }
  }
  return [...keys].sort();
}
