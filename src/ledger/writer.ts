/**
 * The writer: the one place where changesets become durable. Start reading here.
 * In: requests from the doors; out: their answers, once the events survive everything.
 *
 *   wait ─► take a group ─► read the clock and the first answers ─► decide all on an overlay ─► append ─► fold ─► answer
 *
 * One group is under way at a time, so while one is being written the next one gathers (group commit). A lost race
 * throws the overlay away, catches up and decides again, a bounded number of times. Nothing is promised before the
 * append is durable: if we stop before it, nothing happened; after it, the events stand and the answer can be asked
 * for again with the idempotency key. Refusals wait for the commit as well: they may rest on neighbours, and an append
 * that succeeds proves that they rest on the ledger's head (a group that appends nothing asks where the head is).
 */
import { blastRadius } from '../domain/preview/blast-radius.ts';
import { createPace } from '../domain/preview/pace.ts';
import type { Context } from '../domain/scope.ts';
import { Failure } from '../failure.ts';
import { type AnswerDependencies, answerGroup } from './answer-group.ts';
import {
  type ChangesetRequest,
  type ChangesetResult,
  idempotencyOf,
  type PreviewResult,
} from './changeset.ts';
import { CommitGroup } from './commit-group.ts';
import { decideGroup, type Outcome } from './decide-group.ts';
import { findFirstAnswers, type IdempotencyId, type IndexLookup } from './idempotency.ts';
import { inSlices } from './in-slices.ts';
import type { Ledger } from './ledger.ts';
import type { LiveFold } from './live-fold.ts';
import { withTimeLimit } from './time-limit.ts';
import { type AnswerLimits, defaultAnswerLimits, type Waiting } from './waiting.ts';
import { WaitingQueue } from './waiting-queue.ts';
import { cannotFollow, clockBehind, racesLost, stopping, tooMany } from './writer-failures.ts';

export interface WriterDependencies extends Omit<AnswerDependencies, 'observe'> {
  readonly fold: LiveFold;
  /** The shared clock, epoch milliseconds: that of the Postgres that all servers use. */
  readonly clock: () => Promise<number>;
  readonly newId: () => string;
  /** Epoch milliseconds of this machine, to pace long work. */
  readonly now: () => number;
  /** The index of idempotency keys. */
  readonly findAnswers: (ids: readonly IdempotencyId[]) => Promise<IndexLookup>;
  readonly observe: WriterObserver;
  /** Requests that may wait; one more is `unavailable` with Retry-After. */
  readonly maxQueue: number;
  /** How long a caller waits at most, whatever the log does; 10 s and 15 s when absent. */
  readonly answerLimits?: AnswerLimits;
}

export interface WriterObserver {
  grouped(requests: number, events: number): void;
  /** Called when an append begins; what it answers is called when the append is durable. */
  appending(): () => void;
  lostRace(): void;
  changed(result: ChangesetResult): void;
}

const maxRaces = 20;
/** Previews at once: each may take a second of work, in slices. */
const maxPreviews = 16;
/** Writes stop when the ledger is further ahead of the shared clock than this: recorded time must not run away. */
const maxHeadAheadMs = 5_000;
/** A stop does not wait longer than this for a log that does not answer, milliseconds. */
const stopLimitMs = 1_000;

/** A group that was taken from the queue. */
interface Gathered {
  readonly taken: readonly Waiting[];
  readonly ids: readonly IdempotencyId[];
}

export class Writer {
  readonly #on: WriterDependencies;
  readonly #queue: WaitingQueue;
  readonly #unfinished = new Set<Promise<unknown>>();
  #running: Promise<void> | undefined;
  #isStopping = false;
  /** Others have been writing as well, lately: groups wait in line. */
  #isContended = false;
  /** The revision of the last event that was appended here. */
  #ownHead = -1;
  #previews = 0;

  constructor(dependencies: WriterDependencies) {
    this.#on = dependencies;
    this.#queue = new WaitingQueue(dependencies.answerLimits ?? defaultAnswerLimits);
  }

  /** Appends a changeset. Failures: conflict, invalid, refused, and `unavailable` (the outcome may be unknown then). */
  submit(request: ChangesetRequest): Promise<ChangesetResult> {
    if (this.#isStopping) return Promise.reject(stopping());
    if (this.#queue.length >= this.#on.maxQueue) {
      return Promise.reject(tooMany('changesets are waiting'));
    }
    const answer = this.#queue.add(request);
    this.#running ??= this.#run();
    return answer;
  }

  /**
   * Decides without appending, and tells what would resolve differently, for these contexts among others. Failures: those
   * of deciding; `unavailable` also when too many previews are under way.
   */
  async preview(request: ChangesetRequest, contextsSeen: readonly Context[] = []): Promise<PreviewResult> {
    if (this.#previews >= maxPreviews) throw tooMany('previews are under way');
    this.#previews++;
    try {
      const group = this.#openGroup(await this.#on.clock());
      const state = this.#state;
      const { revision } = state;
      const decided = group.preview(request, this.#on.newId());
      const { events, warnings, bytes, fingerprint, overlay } = decided;
      // Nothing is awaited since the group was opened: the state is still the one that was decided on.
      const pace = createPace(this.#on.now);
      const radius = await inSlices(blastRadius(state, overlay, group.now, contextsSeen, pace));
      const { maxChangesetBytes: maxBytes } = this.#log;
      return { events, warnings, bytes, revision, blastRadius: radius, fingerprint, maxBytes };
    } finally {
      this.#previews--;
    }
  }

  /** The shared clock, never before the head: the earliest moment that a changeset decided from now on has. */
  async now(): Promise<number> {
    return Math.max(await this.#on.clock(), this.#state.recordedAt);
  }

  /** Whoever waits, now or later, is answered within `ms`: the server is about to stop, and the log may be away. */
  hurry(ms: number): void {
    this.#queue.hurry(ms);
  }

  /** Waits until everything that was taken is answered; what comes later is `unavailable`. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    this.hurry(stopLimitMs);
    const finished = (async () => {
      await this.#running;
      await Promise.all(this.#unfinished);
    })();
    // Everybody has been answered by then: a log that hangs must not hold up the end.
    await withTimeLimit(finished, stopLimitMs, () => undefined);
  }

  /** Requests that wait to be taken. */
  get waiting(): number {
    return this.#queue.length;
  }

  get #state() {
    return this.#on.fold.state;
  }

  get #log() {
    return this.#on.fold.log;
  }

  async #run(): Promise<void> {
    // Lets all requests of this turn of the event loop gather into the first group.
    await new Promise((resolve) => setImmediate(resolve));
    while (this.#queue.length > 0) {
      const taken = this.#queue.take();
      try {
        await this.#commit(taken);
      } catch (error) {
        for (const { reject } of taken) reject(error);
      }
    }
    this.#running = undefined;
  }

  async #commit(taken: readonly Waiting[]): Promise<void> {
    const { observe } = this.#on;
    const ids = taken.map(({ request }) => idempotencyOf(request)).filter((id) => id !== undefined);
    const group: Gathered = { taken, ids };
    for (let race = 0; race < maxRaces; race++) {
      if (await (this.#isContended ? this.#inTurn(group) : this.#attempt(group, this.#log))) return;
      for (const one of taken) one.takeBack();
      this.#isContended = this.#log.takeTurn !== undefined;
      observe.lostRace();
      await this.#catchUp();
    }
    throw racesLost();
  }

  /**
   * Waits in line and decides while nobody else can append. Whoever has lost a race does so until nobody else has
   * written between two turns. Racing on instead, a client of the slowest of three busy servers got 18 % of what one of
   * the fastest got, and `races_lost`; in line 60 %.
   */
  async #inTurn(group: Gathered): Promise<boolean> {
    // What is far behind catches up before it makes others wait.
    await this.#catchUp();
    const before = this.#state.revision;
    const turn = await this.#log.takeTurn?.(this.#on.fold.name);
    if (turn === undefined) return this.#attempt(group, this.#log);
    try {
      this.#isContended = turn.head.revision !== this.#ownHead;
      if (turn.head.revision > before) await this.#catchUp();
      return await this.#attempt(group, { append: (_, ...what) => turn.append(...what) });
    } catch (failure) {
      if (failure instanceof Failure && failure.reason === 'turn_over') return false;
      throw failure;
    } finally {
      await turn.end();
    }
  }

  /** Decides a group at the head and appends it; false when the race was lost. */
  async #attempt(gathered: Gathered, log: Pick<Ledger, 'append'>): Promise<boolean> {
    const { clock, findAnswers, newId, observe, fold } = this.#on;
    const { taken, ids } = gathered;
    const { maxChangesetBytes } = this.#log;
    // Keys are looked up after the revision that is decided on was known: whatever was answered before it is found.
    const base = this.#state.revision;
    const [now, firstAnswer] = await Promise.all([
      clock(),
      findFirstAnswers(findAnswers, fold.idempotency, ids),
    ]);
    if (ids.length > 0 && this.#state.revision !== base) return false;
    // From here to the append nothing is awaited: what the tail and the state say, they say of one revision.
    const waiting = taken.filter(({ isAnswered }) => !isAnswered);
    if (waiting.length === 0) return true;
    const requests = waiting.map(({ request }) => request);
    const group = this.#openGroup(now);
    const outcomes = decideGroup({ firstAnswer, newId, maxChangesetBytes }, requests, group);
    for (const one of waiting) one.handOver();
    if (!(await this.#stands(log, group, outcomes))) return false;
    observe.grouped(waiting.length, group.stored.length);
    const answered = answerGroup(this.#on, this.#state.revision, waiting, outcomes);
    this.#queue.putBack(answered.deferred);
    this.#finish(answered.replayed);
    this.#queue.putBack(await answered.remembered);
    return true;
  }

  async #catchUp(): Promise<void> {
    const { fold } = this.#on;
    await fold.catchUp().catch((failure: unknown) => {
      throw fold.stopped === undefined ? failure : cannotFollow(failure);
    });
  }

  #openGroup(now: number): CommitGroup {
    const { fold } = this.#on;
    if (fold.stopped !== undefined) throw cannotFollow(fold.stopped);
    const { recordedAt } = this.#state;
    if (recordedAt - now > maxHeadAheadMs) {
      throw clockBehind(recordedAt - now);
    }
    const at = Math.max(now, recordedAt);
    return new CommitGroup(fold.name, this.#state, at, this.#log.eventOverheadBytes);
  }

  /** Whether what was decided holds: the events are durable, and all of it rested on the head of the log. */
  async #stands(
    log: Pick<Ledger, 'append'>,
    group: CommitGroup,
    outcomes: readonly Outcome[],
  ): Promise<boolean> {
    if (!group.isEmpty) return this.#append(log, group);
    if (outcomes.every((outcome) => 'first' in outcome)) return true;
    return (await this.#log.head(this.#on.fold.name)).revision === group.base;
  }

  /** Whether the events stand: true also when the outcome was unknown and the log shows them. */
  async #append(log: Pick<Ledger, 'append'>, group: CommitGroup): Promise<boolean> {
    const { fold, observe } = this.#on;
    const { base } = group;
    const appended = observe.appending();
    try {
      const result = await log.append(fold.name, base, group.stored);
      if (!result.appended) return false;
    } catch (error) {
      // If the connection went away after the commit, the log has our events: look before giving up.
      const first = group.recorded[0];
      await fold.catchUp().catch(() => undefined);
      if (first === undefined || !fold.hasFolded(first.changesetId)) throw error;
    }
    fold.foldOwn(base, group);
    this.#ownHead = group.overlay.revision;
    appended();
    return true;
  }

  /** Lets stop() wait for work that nothing else waits for. */
  #finish(work: Promise<unknown>): void {
    this.#unfinished.add(work);
    void work.then(() => this.#unfinished.delete(work));
  }
}
