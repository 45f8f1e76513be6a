/**
 * When and whom: the plan of a cycle's kills, and carrying them out.
 * In: a random stream; out: who was killed, at which moment, and how long nobody could write.
 * The two take turns in being first. Every third time or so the second strike does not wait until the first is overcome.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { KeptServer } from './kept-server.ts';
import type { Random } from './random.ts';
import { killDatabase, type VarvePlace } from './varve-process.ts';
import type { Load } from './writers.ts';

export interface Strike {
  readonly victim: 'server' | 'database';
  /** From the moment when writes flow, or with `isOnTop` from the strike before it. */
  readonly afterMs: number;
  readonly isOnTop: boolean;
}

export interface StrikeResult extends Strike {
  /** Until a write sent after the strike was acknowledged; absent when another strike came on top of it. */
  readonly recoveryMs?: number;
}

export interface StrikeTargets {
  readonly place: VarvePlace;
  readonly server: KeptServer;
  readonly load: Load;
}

/** Writes that come through after a recovery before the next strike, so that it meets a server at work. */
const flowing = 30;
const recoveryLimitMs = 60_000;
const findLimitMs = 10_000;

export function planCycle(cycle: number, random: Random, longestMs: number): readonly [Strike, Strike] {
  const victims = cycle % 2 === 1 ? (['server', 'database'] as const) : (['database', 'server'] as const);
  const [first, second] = victims;
  const isOnTop = random.chance(0.3);
  return [
    { victim: first, afterMs: Math.round(random.next() * longestMs), isOnTop: false },
    { victim: second, afterMs: Math.round(random.next() * longestMs), isOnTop },
  ];
}

/** Carries out a cycle; `leastWrites` come before its first strike. Throws when writes do not come back: that is a violation as well. */
export async function strikeAll(
  targets: StrikeTargets,
  strikes: readonly Strike[],
  leastWrites: number,
): Promise<readonly StrikeResult[]> {
  const results: StrikeResult[] = [];
  for (const [index, strike] of strikes.entries()) {
    const writes = index === 0 ? Math.max(leastWrites, flowing) : flowing;
    if (!strike.isOnTop) await targets.load.acknowledgedFromNow(writes, recoveryLimitMs);
    await sleep(strike.afterMs);
    await hit(targets, strike.victim);
    const struckAt = performance.now();
    if (strikes[index + 1]?.isOnTop === true) {
      results.push(strike);
      continue;
    }
    await targets.load.acknowledgedFromNow(1, recoveryLimitMs);
    results.push({ ...strike, recoveryMs: Math.round(performance.now() - struckAt) });
  }
  return results;
}

async function hit({ place, server }: StrikeTargets, victim: Strike['victim']): Promise<void> {
  if (victim === 'server') return server.kill();
  // While a server starts there may be no database for a moment: then the strike waits for one.
  const until = performance.now() + findLimitMs;
  while (!killDatabase(place)) {
    if (performance.now() > until) throw new Error('there is no database process to kill');
    await sleep(5);
  }
  server.databaseWasKilled();
}
