/**
 * Tells of the moments at which a live ledger turns by itself. In: the live state and its changesets; out: what turned,
 * in portions, as soon as its moment has come. Nothing depends on it being told in time: values are resolved by the
 * clock. It holds one timer and keeps no process alive.
 */
import type { RecordedEvent } from '../domain/event.ts';
import { fillTimetable, Timetable } from '../domain/timetable.ts';
import type { LiveTurn } from '../domain/turns.ts';
import type { LiveLedger } from '../ledger/live-ledger.ts';
import { presentOf } from './clocks.ts';

/** Subjects of one portion; each turns at most twice at once, so that a portion is at most 1,000 items. */
const portionSize = 500;

/** setTimeout takes no more than 2^31 ms, and clocks may be put right meanwhile. */
const longestWaitMs = 24 * 60 * 60 * 1_000;

export interface ActivationsDependencies {
  readonly ledger: Pick<LiveLedger, 'state'>;
  /** Epoch milliseconds. */
  readonly now: () => number;
  readonly tell: (at: number, turns: readonly LiveTurn[]) => void;
}

export class Activations {
  readonly #on: ActivationsDependencies;
  readonly #timetable = new Timetable();
  readonly #filling: Iterator<void>;
  #timer: NodeJS.Timeout | undefined;
  #turn: NodeJS.Immediate | undefined;
  #isStopped = false;

  /** Begins at once: what turns from now on is told. */
  constructor(dependencies: ActivationsDependencies) {
    this.#on = dependencies;
    const { state } = dependencies.ledger;
    this.#filling = fillTimetable(this.#timetable, state, this.#present())[Symbol.iterator]();
    this.#fill();
  }

  /** Takes over a changeset that the live state has folded. */
  note(events: readonly RecordedEvent[]): void {
    const { state } = this.#on.ledger;
    const now = this.#present();
    for (const { subject } of events) this.#timetable.note(subject, state.subject(subject), now);
    this.check();
  }

  /** Looks at the clock; it may have been put right. */
  check(): void {
    if (this.#isStopped || this.#turn !== undefined) return;
    clearTimeout(this.#timer);
    const wait = this.#timetable.soonest - this.#present();
    if (wait <= 0) {
      this.#turn = setImmediate(() => this.#tellPortion());
      return;
    }
    this.#timer = setTimeout(() => this.check(), Math.min(wait, longestWaitMs)).unref();
  }

  stop(): void {
    this.#isStopped = true;
    clearTimeout(this.#timer);
    clearImmediate(this.#turn);
  }

  #fill(): void {
    if (this.#isStopped) return;
    if (this.#filling.next().done !== true) setImmediate(() => this.#fill());
    else this.check();
  }

  #tellPortion(): void {
    this.#turn = undefined;
    const { state } = this.#on.ledger;
    const due = this.#timetable.take(this.#present(), (subject) => state.subject(subject), portionSize);
    if (due !== undefined && due.turns.length > 0) this.#on.tell(due.at, due.turns);
    this.check();
  }

  #present(): number {
    return presentOf(this.#on.ledger.state, this.#on.now());
  }
}
