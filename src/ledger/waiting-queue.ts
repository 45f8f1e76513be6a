/**
 * The changesets that wait for the writer, in order. In: requests; out: groups of them, of bounded size. Those who waited
 * too long leave by themselves (waiting.ts).
 */
import type { ChangesetRequest, ChangesetResult } from './changeset.ts';
import { type AnswerLimits, Waiting } from './waiting.ts';

const maxGroupRequests = 1_000;
/** Deciding them is one turn of the event loop, about 20 µs a change; a single changeset may hold more. */
const maxGroupChanges = 2_000;

export class WaitingQueue {
  readonly #limits: AnswerLimits;
  readonly #queue: Waiting[] = [];
  /** The group that is under way. */
  #taken: readonly Waiting[] = [];
  /** How long whoever comes may wait, milliseconds; as the limits say when absent. */
  #hurryMs: number | undefined;

  constructor(limits: AnswerLimits) {
    this.#limits = limits;
  }

  get length(): number {
    return this.#queue.length;
  }

  /** Waits from now on; resolves with its answer. */
  add(request: ChangesetRequest): Promise<ChangesetResult> {
    return new Promise((resolve, reject) => {
      const leave = (waiting: Waiting) => this.#leave(waiting);
      const waiting = new Waiting(request, { resolve, reject }, this.#limits, leave);
      this.#queue.push(waiting);
      if (this.#hurryMs !== undefined) waiting.hurry(this.#hurryMs);
    });
  }

  /** The next group. */
  take(): readonly Waiting[] {
    let count = 0;
    let changes = 0;
    for (const { request } of this.#queue) {
      changes += weightOf(request);
      if (count > 0 && (count >= maxGroupRequests || changes > maxGroupChanges)) break;
      count++;
    }
    this.#taken = this.#queue.splice(0, count);
    return this.#taken;
  }

  /** Their turn comes again, first of all; the log does not have them. */
  putBack(waiting: readonly Waiting[]): void {
    for (const one of waiting) one.takeBack();
    this.#queue.unshift(...waiting.filter(({ isAnswered }) => !isAnswered));
  }

  /** All that wait, those under way, and whoever comes from now on, are answered within `ms`. */
  hurry(ms: number): void {
    this.#hurryMs = ms;
    for (const waiting of [...this.#taken, ...this.#queue]) waiting.hurry(ms);
  }

  /** Mostly at the front: the oldest give up first. */
  #leave(waiting: Waiting): void {
    const place = this.#queue.indexOf(waiting);
    if (place >= 0) this.#queue.splice(place, 1);
  }
}

/** A restore is one change and may make thousands of events. */
function weightOf({ changes }: ChangesetRequest): number {
  return changes.reduce((sum, change) => sum + (change.type === 'restore' ? change.targets.length : 1), 0);
}
