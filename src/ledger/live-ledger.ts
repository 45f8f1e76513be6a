/**
 * A live ledger: the fold and the writer of one ledger in this process, following its log.
 * The composition root opens one for each ledger that is asked for, and stops it.
 */
import type { RecordedEvent } from '../domain/event.ts';
import type { LiveState } from '../domain/live-state.ts';
import type { Context } from '../domain/scope.ts';
import type { ChangesetRequest, ChangesetResult, PreviewResult } from './changeset.ts';
import { decodeEvent } from './event-codec.ts';
import type { IdempotencyTail } from './idempotency.ts';
import type { Ledger, LogHealth } from './ledger.ts';
import { LiveFold } from './live-fold.ts';
import { Writer, type WriterDependencies } from './writer.ts';

export interface LiveLedgerDependencies extends Omit<WriterDependencies, 'fold'> {
  readonly name: string;
  readonly log: Ledger;
  readonly state: LiveState;
  readonly idempotency: IdempotencyTail;
  readonly onStopped: (failure: unknown) => void;
  /** Told when following fails for now, or a listener failed; it goes on by itself. */
  readonly onTrouble: (failure: unknown) => void;
  /** Resolves after so many milliseconds. */
  readonly delay: (ms: number) => Promise<void>;
}

/** How long a read waits for a revision that is not here yet. */
const reachLimitMs = 5_000;

/** One ledger as a server holds it: its live state, its writer, what comes in. */
export interface LiveLedger {
  readonly name: string;
  /** Names the log that all of it stands in: readers who meet another name begin anew. */
  readonly logId: string;
  /** Head, recorded time and everything that resolution and deciding need; changes in place, changeset by changeset. */
  readonly state: LiveState;
  /** Appends and answers once durable and folded. Failures: invalid, conflict, refused, unavailable. */
  submit(request: ChangesetRequest): Promise<ChangesetResult>;
  /** Decides without appending, and tells what would resolve differently; the contexts are those that were seen. */
  preview(request: ChangesetRequest, contextsSeen?: readonly Context[]): Promise<PreviewResult>;
  /** The clock that all servers share, epoch milliseconds; never before the head's recorded time. */
  sharedNow(): Promise<number>;
  /** Resolves once the live state holds the revision; Failure `unavailable` after the bound (5 s). */
  reached(revision: number): Promise<void>;
  /** Calls back with every whole changeset that enters the live state from now on, in order; answers how to stop. */
  onChangeset(listener: (events: readonly RecordedEvent[]) => void): () => void;
  /** Events after a revision, decoded, from the log; whole pages of at most `limit`. */
  readLog(after: number, limit: number): Promise<readonly RecordedEvent[]>;
  /** Age of what is served: milliseconds since this server last heard from the log. */
  ageMs(): number;
  status(): LogStatus;
}

export interface LogStatus {
  readonly engine: string;
  readonly logRevision: number;
  readonly maxChangesetBytes: number;
  /** Where the engine knows how its connection is. */
  readonly health?: LogHealth;
}

/** The same with what only its owner uses. */
export interface RunningLedger extends LiveLedger {
  readonly fold: LiveFold;
  /** Changesets that wait to be written. */
  waiting(): number;
  /** Whoever waits for a write is answered within `ms`. */
  hurry(ms: number): void;
  /** Finishes what was taken and stops following. */
  stop(): Promise<void>;
}

/**
 * Opens a ledger at the head of its log; where the log holds what cannot be folded, at the changeset before that
 * (`fold.stopped` says why; writes are `unavailable` then). Rejects when the log cannot be read.
 */
export async function openLiveLedger(dependencies: LiveLedgerDependencies): Promise<RunningLedger> {
  const { name, log, state } = dependencies;
  const logId = await log.identity();
  const fold = new LiveFold(dependencies);
  const writer = new Writer({ ...dependencies, fold });
  const following = log.follow(name, (revision) => {
    // Own appends, mostly: they are folded already.
    if (revision !== undefined && revision <= state.revision) return;
    if (fold.stopped !== undefined) return;
    fold.catchUp().catch((failure: unknown) => {
      if (fold.stopped === undefined) dependencies.onTrouble(failure);
    });
  });
  try {
    await fold.catchUp();
  } catch (failure) {
    if (fold.stopped === undefined) {
      following.stop();
      throw failure;
    }
  }
  return {
    name,
    logId,
    state,
    fold,
    submit: (request) => writer.submit(request),
    preview: (request, contextsSeen) => writer.preview(request, contextsSeen),
    sharedNow: () => writer.now(),
    reached: (revision) => fold.reached(revision, dependencies.delay, reachLimitMs),
    onChangeset: (listener) => fold.onChangeset(listener),
    readLog: async (after, limit) => (await log.read(name, after, limit)).map(decodeEvent),
    ageMs: () => fold.ageMs(),
    waiting: () => writer.waiting,
    hurry: (ms) => writer.hurry(ms),
    status: () => ({
      engine: log.engine,
      logRevision: fold.logRevision,
      maxChangesetBytes: log.maxChangesetBytes,
      ...(log.health === undefined ? {} : { health: log.health() }),
    }),
    async stop() {
      await writer.stop();
      following.stop();
    },
  };
}
