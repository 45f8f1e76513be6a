/**
 * Waits until read models hold a revision: read your own writes.
 * In: names of projections and a revision; out: nothing, or Failure `unavailable` after the bound or when one
 * has stopped.
 * The fast path asks no database: a checkpoint that this process has seen does not go back.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { Failure } from '../failure.ts';
import { listProjections } from './list-projections.ts';
import type { Database } from './rows-of.ts';

export interface WaitOptions {
  /** 5,000 in production; 0 looks once. */
  readonly waitTimeoutMs: number;
  /** What this process knows of a checkpoint, perhaps too low; undefined when nothing. */
  readonly knownCheckpoint?: (ledger: string, projection: string) => number | undefined;
}

const firstPauseMs = 2;
const longestPauseMs = 50;

/**
 * Failures: `unavailable` with reason `projection_stopped` at once when a stopped one is behind,
 * `projection_behind` when the time is over.
 */
export async function waitFor(
  database: Database,
  options: WaitOptions,
  ledger: string,
  revision: number,
  projections: readonly string[],
): Promise<void> {
  let behind = projections.filter((name) => (options.knownCheckpoint?.(ledger, name) ?? 0) < revision);
  if (behind.length === 0 || revision <= 0) return;
  // A timer and not the clock, which only the composition root reads.
  let isOver = false;
  const timer = setTimeout(() => {
    isOver = true;
  }, options.waitTimeoutMs);
  try {
    for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(pauseMs * 2, longestPauseMs)) {
      behind = await stillBehind(database, ledger, revision, behind);
      if (behind.length === 0) return;
      if (isOver || options.waitTimeoutMs <= 0) throw behindFailure(behind, revision);
      await sleep(pauseMs);
    }
  } finally {
    clearTimeout(timer);
  }
}

async function stillBehind(
  database: Database,
  ledger: string,
  revision: number,
  names: readonly string[],
): Promise<string[]> {
  const statuses = new Map((await listProjections(database, ledger)).map((status) => [status.name, status]));
  const behind = names.filter((name) => (statuses.get(name)?.revision ?? 0) < revision);
  const stopped = behind.filter((name) => statuses.get(name)?.state === 'stopped');
  if (stopped.length === 0) return behind;
  throw new Failure(
    'unavailable',
    `The projection ${stopped.join(', ')} has stopped before revision ${revision}`,
    {
      reason: 'projection_stopped',
      retryAfterSeconds: 1,
    },
  );
}

function behindFailure(behind: readonly string[], revision: number): Failure {
  return new Failure(
    'unavailable',
    `The projection ${behind.join(', ')} has not reached revision ${revision} yet`,
    {
      reason: 'projection_behind',
      retryAfterSeconds: 1,
    },
  );
}
