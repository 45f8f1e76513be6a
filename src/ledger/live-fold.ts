/**
 * The fold of one ledger in this process: its live state, kept at the head by whole changesets.
 * In: own appends, and what others appended (read from the log when it may have grown); out: the state, and every
 * changeset, once and in order, to whoever listens. It never folds part of a changeset.
 */
import type { RecordedEvent } from '../domain/event.ts';
import { parseInstant } from '../domain/instant.ts';
import type { LiveState } from '../domain/live-state.ts';
import { Overlay } from '../domain/overlay.ts';
import { Failure } from '../failure.ts';
import type { CommitGroup } from './commit-group.ts';
import { decodeEvent } from './event-codec.ts';
import type { IdempotencyTail } from './idempotency.ts';
import type { Ledger, StoredEvent } from './ledger.ts';

const pageSize = 1_000;
const maxRecentIds = 10_000;

export interface LiveFoldDependencies {
  readonly name: string;
  readonly log: Ledger;
  /** The state at some revision, from the read models or empty. */
  readonly state: LiveState;
  readonly idempotency: IdempotencyTail;
  /** Epoch milliseconds of this machine, for the age of what is served. */
  readonly now: () => number;
  /** Told once when the log holds what this version cannot fold. */
  readonly onStopped: (failure: unknown) => void;
  /** Told when a listener failed; the fold goes on. */
  readonly onTrouble: (failure: unknown) => void;
}

type Listener = (events: readonly RecordedEvent[]) => void;

export class LiveFold {
  readonly name: string;
  readonly log: Ledger;
  readonly state: LiveState;
  readonly idempotency: IdempotencyTail;
  /** Revision of the log's end when it was last looked at. */
  logRevision: number;
  #heardAt: number;
  readonly #on: Pick<LiveFoldDependencies, 'now' | 'onStopped' | 'onTrouble'>;
  readonly #listeners = new Set<Listener>();
  readonly #waiters = new Set<{ readonly revision: number; readonly resolve: () => void }>();
  readonly #recentIds = new Set<string>();
  #look: Promise<void> | undefined;
  #nextLook: Promise<void> | undefined;
  #stopped: Error | undefined;

  constructor(dependencies: LiveFoldDependencies) {
    this.name = dependencies.name;
    this.log = dependencies.log;
    this.state = dependencies.state;
    this.idempotency = dependencies.idempotency;
    this.#on = dependencies;
    this.logRevision = dependencies.state.revision;
    this.#heardAt = dependencies.now();
  }

  /**
   * Folds what the log holds beyond the state: all that it held when this was called. Calls while a look is under way
   * share one more look after it, and wait for no later one: others may write, and so call, without end.
   * Rejects with why it stopped, or with the log's failure; then it may be called again.
   */
  catchUp(): Promise<void> {
    if (this.#look === undefined) return this.#beginLook();
    this.#nextLook ??= this.#lookAfter(this.#look);
    return this.#nextLook;
  }

  /** Folds a group that this process appended after `base`; of it only what catching up has not folded already. */
  foldOwn(base: number, group: CommitGroup): void {
    this.#heard(group.overlay.revision);
    const before = this.state.revision;
    if (before >= group.overlay.revision) return;
    try {
      if (before === base) this.state.absorb(group.overlay, group.now);
      for (const changeset of changesetsOf(group.recorded)) {
        if (revisionOf(changeset) <= before) continue;
        if (before !== base) this.#fold(changeset);
        this.#tell(changeset);
      }
    } catch (failure) {
      throw this.#stop(failure);
    }
    this.#release();
  }

  /** Whether a changeset that the log showed is in the state; remembers the latest ones only. */
  hasFolded(changesetId: string): boolean {
    return this.#recentIds.has(changesetId);
  }

  /** Calls back with every whole changeset from now on, in order; answers how to stop. */
  onChangeset(listener: Listener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Resolves once the state holds a revision. Failure `unavailable` when `wait` rejects or ends first. */
  async reached(revision: number, timeLimit: (ms: number) => Promise<void>, limitMs: number): Promise<void> {
    if (this.state.revision >= revision) return;
    let release: () => void = () => undefined;
    const arrived = new Promise<boolean>((resolve) => {
      const waiter = { revision, resolve: () => resolve(true) };
      this.#waiters.add(waiter);
      release = () => this.#waiters.delete(waiter);
    });
    this.catchUp().catch(() => undefined);
    try {
      if (await Promise.race([arrived, timeLimit(limitMs).then(() => false)])) return;
    } finally {
      release();
    }
    throw new Failure(
      'unavailable',
      `revision ${revision} is not here yet; this server is at ${this.state.revision}`,
      {
        reason: 'revision_not_reached',
        retryAfterSeconds: 1,
        details: [{ path: 'query.minRevision', message: `this server is at ${this.state.revision}` }],
      },
    );
  }

  /** Milliseconds since this process last heard from the log. */
  ageMs(): number {
    return Math.max(0, this.#on.now() - this.#heardAt);
  }

  /** Why the state no longer follows the log, if so. */
  get stopped(): Error | undefined {
    return this.#stopped;
  }

  #beginLook(): Promise<void> {
    const look = this.#catchUpOnce().finally(() => {
      if (this.#look === look) this.#look = undefined;
    });
    this.#look = look;
    return look;
  }

  async #lookAfter(look: Promise<void>): Promise<void> {
    await look.catch(() => undefined);
    this.#nextLook = undefined;
    // Somebody may have begun one in this very step: it is after our calls as well.
    return this.#look ?? this.#beginLook();
  }

  async #catchUpOnce(): Promise<void> {
    if (this.#stopped !== undefined) throw this.#stopped;
    // Up to where the log ends now: reading until a page is empty would never end while others write.
    const known = this.state.revision;
    const { revision: end } = await this.log.head(this.name);
    if (end < known) throw this.#stop(wentBack(end, known));
    this.#heard(end);
    let after = this.state.revision;
    let unfinished: readonly RecordedEvent[] = [];
    while (after < end) {
      const page = await this.log.read(this.name, after, pageSize);
      const newest = page.at(-1);
      if (newest === undefined) return;
      this.#heard(newest.revision);
      try {
        unfinished = this.#foldPage(page, after, unfinished);
      } catch (failure) {
        throw this.#stop(failure);
      }
      after = newest.revision;
      this.#release();
    }
  }

  /** Folds the changesets that end in a page, the first of which may have begun before it; answers what goes on after it. */
  #foldPage(
    page: readonly StoredEvent[],
    after: number,
    unfinished: readonly RecordedEvent[],
  ): readonly RecordedEvent[] {
    let changeset = [...unfinished];
    for (const [place, stored] of page.entries()) {
      if (stored.revision !== after + 1 + place) {
        throw new Failure('corrupt', `the log goes on with ${stored.revision} after ${after + place}`, {
          reason: 'not_contiguous',
        });
      }
      const event = decodeEvent(stored);
      changeset.push(event);
      if (!event.last) continue;
      this.#remember(event.changesetId);
      // This process' own fold may have been faster.
      if (event.revision > this.state.revision) {
        this.#fold(changeset);
        this.#tell(changeset);
      }
      changeset = [];
    }
    return changeset;
  }

  /** All of a changeset or nothing, should one of its events not fit. */
  #fold(changeset: readonly RecordedEvent[]): void {
    const last = changeset.at(-1);
    if (last === undefined) return;
    if (changeset.length === 1) {
      this.state.apply(last);
      return;
    }
    const overlay = new Overlay(this.state);
    for (const event of changeset) overlay.apply(event);
    this.state.absorb(overlay, parseInstant(last.recordedAt) ?? this.state.recordedAt);
  }

  #remember(changesetId: string): void {
    this.#recentIds.add(changesetId);
    if (this.#recentIds.size <= maxRecentIds) return;
    for (const oldest of this.#recentIds) {
      this.#recentIds.delete(oldest);
      return;
    }
  }

  #tell(changeset: readonly RecordedEvent[]): void {
    this.idempotency.note(changeset);
    for (const listener of this.#listeners) {
      try {
        listener(changeset);
      } catch (failure) {
        // The events are durable and folded: a listener's bug must not undo that, nor keep others from hearing.
        this.#on.onTrouble(failure);
      }
    }
  }

  #release(): void {
    const { revision } = this.state;
    for (const waiter of this.#waiters) {
      if (waiter.revision > revision) continue;
      this.#waiters.delete(waiter);
      waiter.resolve();
    }
  }

  /** Stops following for good; answers why. */
  #stop(failure: unknown): Error {
    if (this.#stopped === undefined) {
      this.#stopped = failure instanceof Error ? failure : new Error('folding failed', { cause: failure });
      this.#on.onStopped(failure);
    }
    return this.#stopped;
  }

  #heard(revision: number): void {
    this.#heardAt = this.#on.now();
    if (revision > this.logRevision) this.logRevision = revision;
  }
}

/** A database that was restored, or a replica that took over and was behind: what we serve is not what the log holds. */
function wentBack(end: number, known: number): Failure {
  return new Failure('corrupt', `the log ends at ${end}, and ${known} was read of it`, {
    reason: 'log_went_back',
  });
}

function* changesetsOf(events: readonly RecordedEvent[]): Iterable<readonly RecordedEvent[]> {
  let changeset: RecordedEvent[] = [];
  for (const event of events) {
    changeset.push(event);
    if (!event.last) continue;
    yield changeset;
    changeset = [];
  }
}

function revisionOf(changeset: readonly RecordedEvent[]): number {
  return changeset.at(-1)?.revision ?? 0;
}
