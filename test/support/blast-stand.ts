/**
 * A blast radius to be tested: changes are decided on a state and their radius is worked out in one go, or with something
 * done at every pause. Nothing is asserted here.
 */

import type { AnyChange } from '../../src/domain/change.ts';
import { type DecidedChangeset, decideAll } from '../../src/domain/decide.ts';
import type { LiveState } from '../../src/domain/live-state.ts';
import {
  type BlastLimits,
  type BlastRadius,
  blastLimits,
  blastRadius,
} from '../../src/domain/preview/blast-radius.ts';
import { createPace } from '../../src/domain/preview/pace.ts';
import type { Context } from '../../src/domain/scope.ts';

export interface BlastOptions extends Partial<BlastLimits> {
  readonly seen?: readonly Context[];
  /** Units of work between two pauses (pace.ts). */
  readonly slice?: number;
  /** Called whenever the computation lets others have their turn. */
  readonly onPause?: () => void;
}

/** What these changes would do at that moment, and what was decided. */
export function radiusOf(
  state: LiveState,
  changes: readonly AnyChange[],
  now: number,
  { seen = [], slice, onPause, ...limits }: BlastOptions = {},
): { readonly radius: BlastRadius; readonly decided: DecidedChangeset } {
  const decided = decideAll(state, changes, now, 'api');
  const work = blastRadius(
    state,
    decided.overlay,
    now,
    seen,
    createPace(() => 0, slice),
    { ...blastLimits, ...limits },
  );
  for (;;) {
    const step = work.next();
    if (step.done === true) return { radius: step.value, decided };
    onPause?.();
  }
}
