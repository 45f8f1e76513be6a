/**
 * One ledger's projections on their way: reads the log behind their checkpoints and moves rows and checkpoints
 * together. Events come in from the Ledger port; rows, checkpoints and a status go out. Projections that stand at the
 * same revision share reading, decoding and transaction; one that fails is tried alone, then changeset by changeset, and
 * is stopped at the one that it cannot take. It must never skip an event.
 */
import type pg from 'pg';
import { transaction } from '../database/pool.ts';
import type { RecordedEvent } from '../domain/event.ts';
import { Failure } from '../failure.ts';
import type { Ledger } from '../ledger/ledger.ts';
import {
  addCheckpoints,
  type Checkpoint,
  markState,
  moveCheckpoints,
  type ProjectionState,
  readCheckpoints,
  takeUpEmpty,
} from './checkpoints.ts';
import { errorFrames, errorText } from './error-text.ts';
import { isWorthRetrying } from './is-worth-retrying.ts';
import { readBatch, splitChangesets } from './log-batch.ts';
import type { Projection } from './projection.ts';
import { createRate, type Rate } from './rate.ts';

/** The part of a pino logger that is used; fields never hold keys or values. */
export interface ProjectorLog {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

export interface LedgerProjectorOptions {
  /** May write read models (role varve_projector). */
  readonly pool: pg.Pool;
  readonly ledger: Ledger;
  readonly projections: readonly Projection[];
  readonly log: ProjectorLog;
  /** Epoch milliseconds. */
  readonly now: () => number;
  /** Called when a projection's rows stand at another revision than before, whoever moved them. */
  readonly onProgress: (ledger: string, projection: string, revision: number) => void;
  /** About the most events of one transaction; 2,000 when absent. */
  readonly batchEvents?: number;
  /** Transactions side by side that a batch is spread over, each with projections of its own; 1 when absent. */
  readonly lanes?: number;
}

export interface ProjectionProgress {
  readonly name: string;
  readonly version: number;
  readonly revision: number;
  readonly state: ProgressState;
  /** Why it stopped, without keys or values. */
  readonly error: string | null;
  /** Over the last seconds, by this server. */
  readonly eventsPerSecond: number;
}

interface Progress {
  readonly projection: Projection;
  readonly rate: Rate;
  revision: number;
  state: ProgressState;
  error: string | null;
}

/**
 * What this server makes of a checkpoint: also `outdated`, of older code (a rebuild beside makes the rows anew and swaps
 * them in), and `superseded`, of newer code than this server's (which leaves them to the server that swapped them in).
 */
export type ProgressState = ProjectionState | 'outdated' | 'superseded';

/**
 * About the most events of one transaction. Measured, this process and the database together, for changesets of 250:
 * 91 µs an event in batches of 250, 85 of 500, 79 of 1,000, 70 of 2,000; more would hold more memory and longer locks.
 */
const maxBatchEvents = 2_000;

export class LedgerProjector {
  readonly #options: LedgerProjectorOptions;
  readonly #name: string;
  readonly #progress: readonly Progress[];
  #logId = '';

  constructor(options: LedgerProjectorOptions, name: string) {
    this.#options = options;
    this.#name = name;
    this.#progress = options.projections.map((projection) => ({
      projection,
      rate: createRate(options.now),
      revision: 0,
      state: 'running',
      error: null,
    }));
  }

  /**
   * Failure `conflict`: a checkpoint belongs to another log (reason `other_log`), or this log ends before it (reason
   * `log_behind_checkpoint`); then the rows are not this log's.
   */
  async check(): Promise<readonly Checkpoint[]> {
    const { pool, ledger } = this.#options;
    this.#logId = await ledger.identity();
    const checkpoints = await readCheckpoints(pool, this.#name);
    if (checkpoints.some(({ logId }) => logId !== this.#logId)) {
      throw new Failure('conflict', `The read models of ledger ${this.#name} were made from another log`, {
        reason: 'other_log',
      });
    }
    const { revision: head } = await ledger.head(this.#name);
    if (checkpoints.some(({ revision }) => revision > head)) {
      throw new Failure('conflict', `The log of ledger ${this.#name} ends before what was made from it`, {
        reason: 'log_behind_checkpoint',
      });
    }
    return checkpoints;
  }

  /**
   * Takes up the checkpoints: makes missing ones. Rows of older or newer code stay as they are and are not moved.
   * `anew`: tries stopped ones again.
   */
  async open(anew: boolean): Promise<void> {
    const { pool, log, projections, now } = this.#options;
    const ledger = this.#name;
    const checkpoints = await this.check();
    for (const projection of projections) {
      const { name, version } = projection;
      const found = checkpoints.find((checkpoint) => checkpoint.projection === name);
      if (found === undefined) continue;
      if (found.version !== version) {
        const fields = { ledger, projection: name, version, found: found.version };
        log.info(fields, found.version < version ? 'read model is outdated' : 'read model is of newer code');
      } else if (anew && found.state === 'stopped') {
        await markState(pool, ledger, projection, 'running', null);
      }
    }
    await takeUpEmpty(pool, ledger, projections);
    await addCheckpoints(pool, { ledger, projections, logId: this.#logId, at: now() });
    await this.observe();
  }

  /** Reads the checkpoints as somebody moved them; picks up what was stopped, or of other code, and is to go on. */
  async observe(): Promise<void> {
    const checkpoints = await readCheckpoints(this.#options.pool, this.#name);
    for (const progress of this.#progress) {
      const { name, version } = progress.projection;
      const found = checkpoints.find(({ projection }) => projection === name);
      if (found === undefined) continue;
      progress.state = stateOf(found, version);
      progress.error = found.error;
      this.#reached(progress, found.revision);
    }
  }

  /**
   * Moves each projection by at most one batch, and not past `until`, which is where a changeset ends. Answers how many
   * events there were: 0 at the end of the log. Throws what is worth retrying.
   */
  async step(until = Number.POSITIVE_INFINITY): Promise<number> {
    const { batchEvents = maxBatchEvents } = this.#options;
    // From the furthest on: one that is made again must not hold up the others.
    const revisions = [...new Set(this.#moving().map(({ revision }) => revision))]
      .filter((revision) => revision < until)
      .sort((a, b) => b - a);
    let eventCount = 0;
    for (const [index, revision] of revisions.entries()) {
      const group = this.#moving().filter((progress) => progress.revision === revision);
      const ahead = revisions[index - 1];
      // Up to where the next ones stood, so that the groups become one.
      const limit = Math.min(batchEvents, (ahead ?? until) - revision);
      const { events, broken } = await readBatch(this.#options.ledger, this.#name, revision, limit);
      if (events.length > 0) await this.#projectTogether(group, events);
      if (broken !== undefined) {
        const reached = broken.revision - 1;
        // Those that stopped before it do not get there.
        const there = group.filter(({ state, revision: at }) => state !== 'stopped' && at <= reached);
        for (const progress of there) await this.#stop(progress, broken.revision, 'event', broken.cause);
      }
      eventCount += events.length;
    }
    return eventCount;
  }

  hasStopped(): boolean {
    return this.#progress.some(({ state }) => state === 'stopped');
  }

  /** Whether somebody else may set a projection going again that this one does not move. */
  isWaiting(): boolean {
    return this.#moving().length < this.#progress.length;
  }

  status(): readonly ProjectionProgress[] {
    return this.#progress.map(({ projection: { name, version }, revision, state, error, rate }) => {
      return { name, version, revision, state, error, eventsPerSecond: rate.perSecond() };
    });
  }

  #moving(): readonly Progress[] {
    return this.#progress.filter(({ state }) => state === 'running' || state === 'rebuilding');
  }

  async #projectTogether(group: readonly Progress[], events: readonly RecordedEvent[]): Promise<void> {
    const lanes = inLanes(group, this.#options.lanes ?? 1);
    const committed = await Promise.allSettled(lanes.map((lane) => this.#commit(lane, events)));
    for (const [index, settled] of committed.entries()) {
      if (settled.status === 'fulfilled') continue;
      if (isWorthRetrying(settled.reason)) throw settled.reason;
      for (const progress of lanes[index] ?? []) await this.#projectAlone(progress, events);
    }
  }

  /** Halves the batch until the one changeset is alone that cannot be projected; answers whether all of it was. */
  async #projectAlone(progress: Progress, events: readonly RecordedEvent[]): Promise<boolean> {
    try {
      await this.#commit([progress], events);
      return true;
    } catch (error) {
      if (isWorthRetrying(error)) throw error;
      const changesets = splitChangesets(events);
      const middle = changesets.length >> 1;
      if (middle === 0) {
        await this.#stop(progress, progress.revision + 1, events[0]?.type ?? 'event', error);
        return false;
      }
      const halves = [changesets.slice(0, middle).flat(), changesets.slice(middle).flat()] as const;
      return (
        (await this.#projectAlone(progress, halves[0])) && (await this.#projectAlone(progress, halves[1]))
      );
    }
  }

  /** Rows and checkpoints of all of them in one transaction; seven commits and seven statements less than one each. */
  async #commit(group: readonly Progress[], events: readonly RecordedEvent[]): Promise<void> {
    const { pool, now } = this.#options;
    const projections = group.map(({ projection }) => projection);
    const from = group[0]?.revision ?? 0;
    const to = events.at(-1)?.revision ?? from;
    await transaction(pool, async (tx) => {
      // The log is the truth: a tail of rows that a crash takes goes together with its checkpoint and is replayed.
      await tx.query('set local synchronous_commit = off');
      await moveCheckpoints(tx, { ledger: this.#name, projections, from, to, logId: this.#logId, at: now() });
      for (const projection of projections) await projection.project(events, tx);
    });
    // If we stop here, nothing is lost: the checkpoints are read again at the next start.
    for (const progress of group) {
      progress.rate.add(events.length);
      this.#reached(progress, to);
    }
  }

  async #stop(progress: Progress, revision: number, type: string, cause: unknown): Promise<void> {
    const { log, pool } = this.#options;
    const { name } = progress.projection;
    const error = `${type} in the changeset at revision ${revision}: ${errorText(cause)}`;
    await markState(pool, this.#name, progress.projection, 'stopped', error);
    progress.state = 'stopped';
    progress.error = error;
    log.error(
      { ledger: this.#name, projection: name, error, frames: errorFrames(cause) },
      'projection stopped',
    );
  }

  #reached(progress: Progress, revision: number): void {
    const hasMoved = revision !== progress.revision;
    progress.revision = revision;
    if (hasMoved) this.#options.onProgress(this.#name, progress.projection.name, revision);
  }
}

function stateOf(checkpoint: Checkpoint, version: number): ProgressState {
  if (checkpoint.version === version) return checkpoint.state;
  return checkpoint.version < version ? 'outdated' : 'superseded';
}

/** Dealt out in turns, because the dearest ones stand together; none is empty. */
function inLanes(group: readonly Progress[], count: number): readonly (readonly Progress[])[] {
  const lanes = Array.from({ length: count }, (_, lane) =>
    group.filter((_progress, place) => place % count === lane),
  );
  return lanes.filter((lane) => lane.length > 0);
}
