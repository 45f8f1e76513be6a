/**
 * Which contexts resolve which keys differently in two worlds.
 * Two states with their moments, keys and contexts come in, the differing pairs go out, in order of contexts and keys.
 * Swapping the worlds swaps the answer: there is no side that is looked at first.
 */
import { equal } from '../diff.ts';
import { type Resolution, type ResolutionSource, resolve } from '../resolve.ts';
import type { Context } from '../scope.ts';

/** A state and the moment at which it is asked, epoch milliseconds. */
export interface Place {
  readonly state: ResolutionSource;
  readonly at: number;
}

export interface ValueDifference {
  readonly context: Context;
  readonly key: string;
  /** Undefined where the key is not defined, or retired. */
  readonly left: Resolution | undefined;
  readonly right: Resolution | undefined;
}

/** The keys whose values differ; that another event or scope says the same is no difference. */
export function valueDifferences(
  left: Place,
  right: Place,
  keys: readonly string[],
  contexts: readonly Context[],
): readonly ValueDifference[] {
  const differences: ValueDifference[] = [];
  for (const context of contexts) {
    for (const key of keys) {
      const onLeft = resolve(left.state, key, context, left.at);
      const onRight = resolve(right.state, key, context, right.at);
      if (!equal(onLeft?.value, onRight?.value)) {
        differences.push({ context, key, left: onLeft, right: onRight });
      }
    }
  }
  return differences;
}
