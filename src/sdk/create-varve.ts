/**
 * The composition root of the SDK: clock, randomness and ids are made here and handed down.
 */
import { openVarve } from './open-varve.ts';
import type { Varve, VarveOptions } from './varve.ts';
import { usualWaits } from './varve-parts.ts';

/**
 * A client of a Varve server. It begins to load at once; `ready()` waits until there are values.
 * Its connection keeps the process alive until `close()`. Failures: invalid for options that are none.
 */
export function createVarve(options: VarveOptions): Varve {
  return openVarve(options, {
    elapsed: () => performance.now(),
    wallClock: () => Date.now(),
    random: () => Math.random(),
    newId: () => crypto.randomUUID(),
    waits: usualWaits,
  });
}
