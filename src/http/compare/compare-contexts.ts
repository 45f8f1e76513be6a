/**
 * Who is asked about in a comparison that names no contexts: those seen in usage, nobody in particular, and the scopes
 * that have an override, each alone. Bounded; how many are known is told beside how many are asked.
 */

import type { Sides } from '../../domain/compare/world.ts';
import { splitOverride } from '../../domain/live-state.ts';
import type { Reads } from '../../domain/reads.ts';
import { type Context, contextOfScope, type Scope } from '../../domain/scope.ts';
import type { OpenWorld } from './open-world.ts';

/** Of those seen, and of the overrides of each world. */
const maxOfEach = 1_000;
const prefix = 'override:';

/** Each context once. `subjects` are those that are known to differ, whose scopes come before other overrides. */
export async function knownContexts(
  reads: Pick<Reads, 'contextsSeen' | 'overrides'>,
  ledger: string,
  { left, right }: Sides<OpenWorld>,
  subjects: Iterable<string>,
): Promise<readonly Context[]> {
  const page = { limit: maxOfEach };
  const [seen, onLeft, onRight] = await Promise.all([
    reads.contextsSeen(ledger, maxOfEach),
    reads.overrides(ledger, left.world, {}, page),
    reads.overrides(ledger, right.world, {}, page),
  ]);
  const contexts = new Map<string, Context>();
  const add = (context: Context) => contexts.set(nameOf(context), context);
  add({});
  for (const context of seen) add(context);
  for (const subject of subjects) if (subject.startsWith(prefix)) add(contextOfScope(scopeOf(subject)));
  // Sorted, so that swapped worlds are asked about in the same order.
  const scopes = [...onLeft.items, ...onRight.items].map(({ scope }) => scope).sort();
  for (const scope of scopes) add(contextOfScope(scope));
  return [...contexts.values()];
}

function scopeOf(subject: string): Scope {
  return splitOverride(subject.slice(prefix.length))[1];
}

/** Ids hold no control characters, so that no two contexts share a name. */
function nameOf({ user = '', tenant = '', tier = '' }: Context): string {
  return `${user}\n${tenant}\n${tier}`;
}
