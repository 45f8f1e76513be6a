/**
 * Makes read models again beside the ones that are read, then swaps them in: fill, index, catch up, compare, swap.
 * The log and the projections come in; what was found goes out. Until the swap nothing that is read changes, and
 * interrupted anywhere it is gone on with by whoever begins it next under the same purpose. Checkpoints never go back.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { transaction } from '../database/pool.ts';
import type { Comparison, ReplayPhase } from '../domain/replay-questions.ts';
import { Failure } from '../failure.ts';
import { compareBeside, maxGapEvents } from './compare-beside.ts';
import type { LedgerProjectorOptions } from './ledger-projector.ts';
import type { ProjectionTransaction } from './projection.ts';
import {
  analyzeShadow,
  buildNextIndex,
  lockCheckpoints,
  openShadow,
  type ShadowPlan,
  swapIn,
  tablesOf,
} from './shadow.ts';
import { createFill, type FillOptions, type ShadowFill } from './shadow-fill.ts';
import { gapOf, type Standing, standingOf } from './standing.ts';

/** Both may write read models (role varve_projector). */
export interface ReplayOptions extends Omit<FillOptions, 'onFilled'>, Pick<LedgerProjectorOptions, 'pool'> {
  /** `done` of `total`: events of all ledgers, or indexes; told often. */
  readonly onProgress: (phase: ReplayPhase, done: number, total: number) => void;
}

export interface RebuildOptions extends ReplayOptions {
  /** Runs in the transaction of the swap: what it writes is there when the new rows are. */
  readonly onSwap?: (tx: ProjectionTransaction, comparison: Comparison) => Promise<void>;
}

/** Attempts to get a hold of the tables; with their pauses about ten minutes. */
const maxSwaps = 1_000;
const longestPauseMs = 600;

/**
 * Rebuilds projections, in every ledger, and answers how the new rows compared with the old ones; they are swapped in
 * all the same, because the log is the truth. Failures: `corrupt`, reason `projection_stopped`, when one cannot take an event;
 * `conflict`, reason `newer_version`, when newer code made the rows, or for another log's checkpoints; `unavailable`.
 */
export async function rebuild(options: RebuildOptions, plan: ShadowPlan): Promise<Comparison> {
  const { pool, onProgress } = options;
  refuseSuperseded(await standingOf(pool, plan));
  await openShadow(pool, plan, await options.ledger.identity());
  let phase: ReplayPhase = 'filling';
  const fill = createFill({ ...options, onFilled: (done, total) => onProgress(phase, done, total) }, plan);
  await fill.catchUp();
  await buildIndexes(options, plan);
  phase = 'catching up';
  await fill.catchUp();
  phase = 'comparing';
  onProgress(phase, 0, 0);
  const comparison = await compareBeside(options, plan, fill);
  phase = 'catching up';
  await fill.catchUp();
  phase = 'swapping';
  onProgress(phase, 0, 0);
  await swap(options, plan, fill, comparison);
  return comparison;
}

async function buildIndexes({ pool, onProgress, signal }: RebuildOptions, plan: ShadowPlan): Promise<void> {
  const tables = tablesOf(plan);
  for (let done = 0; ; done += 1) {
    const { built, missing } = await buildNextIndex(pool, tables, signal);
    if (built === null) break;
    onProgress('indexing', done + 1, done + 1 + missing);
  }
  await analyzeShadow(pool, tables, signal);
}

async function swap(
  options: RebuildOptions,
  plan: ShadowPlan,
  fill: ShadowFill,
  comparison: Comparison,
): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      await fill.catchUp();
      await trySwap(options, plan, fill, comparison);
      return;
    } catch (error) {
      const isBusy = error instanceof Failure && error.reason === 'busy';
      if (!isBusy || attempt === maxSwaps || options.signal?.aborted === true) throw error;
      await sleep(Math.min(20 * attempt, longestPauseMs));
    }
  }
}

/** Nobody moves the rows that are read while the new ones make up for the last events and take their place. */
async function trySwap(
  { pool, onSwap }: RebuildOptions,
  plan: ShadowPlan,
  fill: ShadowFill,
  comparison: Comparison,
): Promise<void> {
  const names = plan.projections.map(({ name }) => name);
  await transaction(pool, async (tx) => {
    await lockCheckpoints(tx, names);
    const standing = await standingOf(tx, plan);
    refuseSuperseded(standing);
    if (gapOf(fill, standing) > maxGapEvents) {
      throw new Failure('unavailable', 'The read models have gone ahead', { reason: 'busy' });
    }
    await fill.catchUpTo(standing.revisions);
    await onSwap?.(tx, comparison);
    await swapIn(tx, plan);
  });
}

function refuseSuperseded({ superseded }: Standing): void {
  if (superseded.length === 0) return;
  throw new Failure('conflict', `The rows of ${superseded.join(', ')} were made by newer code than this`, {
    reason: 'newer_version',
  });
}
