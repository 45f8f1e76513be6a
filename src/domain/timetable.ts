/**
 * The timetable of a ledger: of each subject the next moment at which it turns by itself, soonest first.
 * In: states of subjects, as they change; out: what turns when its moment has come, as the state has it then, so that
 * what was taken back meanwhile is not told. It knows no clock; the caller says what time it is.
 */
import { forever } from './assertion.ts';
import { modelSubject, overrideSubject } from './event.ts';
import type { LiveState } from './live-state.ts';
import type { SubjectState } from './subject-state.ts';
import { type LiveTurn, nextTurn, turnsAt } from './turns.ts';

interface Entry {
  /** Epoch milliseconds. */
  readonly at: number;
  readonly subject: string;
}

/** Overrides that are looked at in one go while filling. */
const sliceSize = 2_000;

export class Timetable {
  readonly #next = new Map<string, Entry>();
  /** A binary heap. An entry that is not its subject's next one any more is passed over. */
  #entries: Entry[] = [];

  /** How many entries are held: about one a subject that will turn. */
  get size(): number {
    return this.#entries.length;
  }

  /** The soonest moment at which something may turn; `forever` when nothing will. */
  get soonest(): number {
    return this.#entries[0]?.at ?? forever;
  }

  /** Takes over what a subject has come to at `now`. What is due already stays so, to be told first. */
  note(subject: string, state: SubjectState | undefined, now: number): void {
    const before = this.#next.get(subject);
    if (before !== undefined && before.at <= now) return;
    const at = nextTurn(state, now);
    if (at !== before?.at) this.#set(subject, at);
  }

  /**
   * What turns at the soonest moment, if that has come; at most so many subjects are looked at, which turn at most twice
   * each. Undefined when nothing is due; to be called until then.
   */
  take(
    now: number,
    stateOf: (subject: string) => SubjectState | undefined,
    limit: number,
  ): { readonly at: number; readonly turns: readonly LiveTurn[] } | undefined {
    const at = this.soonest;
    if (at > now || at === forever) return undefined;
    const turns: LiveTurn[] = [];
    for (let looked = 0; looked < limit && this.soonest === at; looked++) {
      const entry = this.#pop();
      if (entry === undefined || this.#next.get(entry.subject) !== entry) continue;
      const { subject } = entry;
      const state = stateOf(subject);
      turns.push(...turnsAt(subject, state, at));
      this.#set(subject, nextTurn(state, at));
    }
    return { at, turns };
  }

  #set(subject: string, at: number): void {
    if (at === forever) {
      this.#next.delete(subject);
      return;
    }
    const entry = { at, subject };
    this.#next.set(subject, entry);
    // A subject that is put off again and again leaves an entry each time.
    if (this.#entries.length > 2 * this.#next.size + sliceSize) this.#rebuild();
    else this.#push(entry);
  }

  #rebuild(): void {
    // Sorted by time is a heap as well.
    this.#entries = [...this.#next.values()].sort((one, other) => one.at - other.at);
  }

  #push(entry: Entry): void {
    let place = this.#entries.length;
    while (place > 0) {
      const parent = (place - 1) >> 1;
      const above = this.#entries[parent];
      if (above === undefined || above.at <= entry.at) break;
      this.#entries[place] = above;
      place = parent;
    }
    this.#entries[place] = entry;
  }

  #pop(): Entry | undefined {
    const [top] = this.#entries;
    const last = this.#entries.pop();
    if (last === undefined || this.#entries.length === 0) return top;
    let place = 0;
    for (;;) {
      const left = 2 * place + 1;
      const child = this.#at(left + 1) < this.#at(left) ? left + 1 : left;
      const below = this.#entries[child];
      if (below === undefined || below.at >= last.at) break;
      this.#entries[place] = below;
      place = child;
    }
    this.#entries[place] = last;
    return top;
  }

  #at(place: number): number {
    return this.#entries[place]?.at ?? forever;
  }
}

/**
 * Notes everything in a state that turns after `now`, in slices: a million overrides are not to hold up anybody. States
 * that change meanwhile may be noted by the caller, before or after.
 */
export function* fillTimetable(timetable: Timetable, state: LiveState, now: number): Iterable<void> {
  for (const model of state.models()) timetable.note(modelSubject(model.id), model, now);
  let seen = 0;
  for (const key of state.slots.keys()) {
    for (const [scope, override] of state.overridesOf(key)) {
      // Most have neither a start to come nor an end: their names are not made.
      if (nextTurn(override, now) < forever) timetable.note(overrideSubject(key, scope), override, now);
      seen += 1;
      if (seen % sliceSize === 0) yield;
    }
  }
}
