/**
 * Runs the rebuilds and verifications that were asked for, one at a time in the whole installation: who holds the lock
 * takes them up from the table `replays`, and goes on with what somebody began who is gone.
 * Kicks come in and cost nothing; what came of each stands in the table.
 */
import type pg from 'pg';
import type { ReplayOutcome } from '../domain/replay-questions.ts';
import { Failure } from '../failure.ts';
import type { Ledger } from '../ledger/ledger.ts';
import { errorFrames, errorText } from './error-text.ts';
import { isWorthRetrying } from './is-worth-retrying.ts';
import type { ProjectorLog } from './ledger-projector.ts';
import type { Projection } from './projection.ts';
import { type ProjectorLock, tryProjectorLock } from './projector-lock.ts';
import { createRate } from './rate.ts';
import { type ReplayOptions, rebuild } from './rebuild.ts';
import {
  finishReplay,
  forgetReplays,
  type ReplayRequest,
  requestOutdated,
  takeReplay,
  tellProgress,
} from './replay-requests.ts';
import { dropShadow } from './shadow.ts';
import { verify } from './verify.ts';

export interface ReplayRunnerOptions {
  /** May write read models (role varve_projector). */
  readonly pool: pg.Pool;
  /** The same with shadowSearchPath, for one run; ended by the runner. */
  readonly openShadowPool: () => pg.Pool;
  readonly ledger: Ledger;
  readonly projections: readonly Projection[];
  readonly log: ProjectorLog;
  /** Epoch milliseconds. */
  readonly now: () => number;
  readonly newId: () => string;
  /** Leaves to others what was asked for less than so many milliseconds ago; 0 when absent. */
  readonly minAgeMs?: number;
}

export interface ReplayRunner {
  /** Looks whether there is something to run, soon, and runs it. */
  kick(): void;
  /** Ends what runs between two batches; whoever is kicked next goes on with it. */
  stop(): Promise<void>;
}

/** Outages and crashes that one may meet before it is given up. */
const maxAttempts = 20;
const progressMs = 500;

export function createReplayRunner(options: ReplayRunnerOptions): ReplayRunner {
  const end = new AbortController();
  let running: Promise<void> | undefined;
  let isWanted = false;
  const runAll = async (): Promise<void> => {
    while (isWanted && !end.signal.aborted) {
      isWanted = false;
      await runWaiting(options, end.signal).catch((error: unknown) => {
        const fields = { error: errorText(error), frames: errorFrames(error) };
        options.log.warn(fields, 'a rebuild or verification waits');
      });
    }
  };
  return {
    kick() {
      isWanted = true;
      running ??= runAll().finally(() => {
        running = undefined;
      });
    },
    async stop() {
      end.abort();
      await running;
    },
  };
}

async function runWaiting(options: ReplayRunnerOptions, signal: AbortSignal): Promise<void> {
  const { pool, projections, newId, minAgeMs = 0 } = options;
  const lock = await tryProjectorLock(pool, 'replay');
  if (lock === undefined) return;
  try {
    await requestOutdated(pool, newId(), projections);
    await forgetReplays(pool);
    while (!signal.aborted) {
      const request = await takeReplay(pool, minAgeMs);
      if (request === undefined) return;
      await run(options, request, lock, signal);
    }
  } finally {
    await lock.release();
  }
}

/** Throws what may pass by itself; the request then stays begun. */
async function run(
  options: ReplayRunnerOptions,
  request: ReplayRequest,
  lock: ProjectorLock,
  signal: AbortSignal,
): Promise<void> {
  const { pool, log } = options;
  const { id, kind } = request;
  log.info({ replay: id, kind, projections: request.projections }, 'replaying the log');
  const shadowPool = options.openShadowPool();
  try {
    await replay({ ...options, shadowPool, signal, ...progressOf(options, id, lock) }, request);
    log.info({ replay: id, kind }, 'the log is replayed');
  } catch (error) {
    const mayPass = isWorthRetrying(error) || (error instanceof Failure && error.code === 'unavailable');
    if (mayPass && request.attempts < maxAttempts) throw error;
    log.error({ replay: id, kind, error: errorText(error), frames: errorFrames(error) }, 'a replay failed');
    await finishReplay(pool, id, { error: whyOf(error) });
    await dropShadow(pool);
  } finally {
    await shadowPool.end();
  }
}

async function replay(
  options: ReplayOptions & Pick<ReplayRunnerOptions, 'projections'>,
  { id, kind, projections }: ReplayRequest,
): Promise<void> {
  const { pool } = options;
  const wanted = options.projections.filter(({ name }) => projections.includes(name));
  if (wanted.length < projections.length) {
    throw new Failure('conflict', 'This server does not have all of these projections', {
      reason: 'unknown_projection',
    });
  }
  const plan = { purpose: id, projections: wanted };
  if (kind === 'rebuild') {
    const outcomeOf = (comparison: Awaited<ReturnType<typeof rebuild>>): ReplayOutcome => ({ comparison });
    const onSwap: Parameters<typeof rebuild>[0]['onSwap'] = (tx, comparison) =>
      finishReplay(tx, id, { outcome: outcomeOf(comparison) });
    await rebuild({ ...options, onSwap }, plan);
  } else {
    await finishReplay(pool, id, { outcome: { checks: await verify(options, plan) } });
  }
}

/** Keeps the request's row up with what is done; stops what has lost the lock. */
function progressOf(
  { pool, now }: ReplayRunnerOptions,
  id: string,
  lock: ProjectorLock,
): Pick<ReplayOptions, 'onProgress'> {
  const rate = createRate(now);
  let before = { phase: '', done: 0 };
  let toldAt = 0;
  return {
    onProgress(phase, done, total) {
      if (!lock.isHeld())
        throw new Failure('unavailable', 'The lock of replays was lost', { reason: 'interrupted' });
      if (phase === before.phase) rate.add(Math.max(0, done - before.done));
      const isNews = phase !== before.phase || now() >= toldAt + progressMs;
      before = { phase, done };
      if (!isNews) return;
      toldAt = now();
      // What is told too late or not at all is told again by the next.
      const progress = { phase, done, total, eventsPerSecond: rate.perSecond() };
      void tellProgress(pool, id, progress).catch(() => undefined);
    },
  };
}

/** Where a projection stopped is told without keys and values. */
function whyOf(error: unknown): string {
  const isPlain = error instanceof Failure && (error.code === 'corrupt' || error.code === 'conflict');
  return isPlain ? error.message : errorText(error);
}
