/**
 * Decider of rollbacks.
 */
import type { Circumstances, Decision } from './decision.ts';
import type { View } from './live-state.ts';
import type { RestoreChange } from './restore.ts';

export function decideRestore(_view: View, _change: RestoreChange, _circumstances: Circumstances): Decision {
  return { events: [], warnings: [] };
}
