/**
 * Tells when values turn by themselves: at the start or end of an interval, and when a model retires. Values are resolved
 * by the clock anyway; this is for who listens. It holds one timer and keeps no process alive.
 */
import { touchedKeys } from './apply-changeset.ts';
import type { HeldValues } from './held-values.ts';
import type { ValuesState } from './values-state.ts';
import type { ValuesChange } from './varve.ts';

interface BoundaryWatchOn {
  readonly values: HeldValues;
  /** Epoch milliseconds. */
  readonly now: () => number;
  readonly tell: (change: ValuesChange) => void;
}

export interface BoundaryWatch {
  /** New values came in as a whole, and who listens was told of all of them: what has turned before is no news. */
  readonly begin: () => void;
  /** Looks at the clock: it may have been put right, or something new may turn soon. */
  readonly check: () => void;
  readonly close: () => void;
}

/** setTimeout takes no more than 2^31 - 1 ms. */
const longestWaitMs = 2 ** 31 - 1;

/** So many subjects that turn at one moment are worked on in one go. */
const portionSize = 500;

/** So many of the last turns can come again after the clock was put back. */
const maxTaken = 2_000;

export function createBoundaryWatch({ values, now, tell }: BoundaryWatchOn): BoundaryWatch {
  let timer: NodeJS.Timeout | undefined;
  let isClosed = false;
  let begunAt = 0;
  /** What turned last, in order of its moments. */
  let taken: { readonly at: number; readonly subject: string }[] = [];

  function check(): void {
    clearTimeout(timer);
    const state = values.loaded?.state;
    if (isClosed || state === undefined) return;
    const present = Math.max(now(), state.recordedAt);
    turnBack(state, present);
    const waitMs = state.timetable.soonest - present;
    if (waitMs <= 0) timer = setTimeout(turn, 0).unref();
    else timer = setTimeout(check, Math.min(waitMs, longestWaitMs)).unref();
  }

  /** The clock was ahead, and has been put back: what had turned is to come again. */
  function turnBack(state: ValuesState, present: number): void {
    begunAt = Math.min(begunAt, present);
    const isAhead = ({ at }: { readonly at: number }) => at > present;
    const ahead = taken.filter(isAhead).map(({ subject }) => subject);
    if (ahead.length === 0) return;
    taken = taken.filter((one) => !isAhead(one));
    for (const subject of ahead) state.timetable.note(subject, state.subject(subject), present);
    tell({ revision: state.revision, keys: touchedKeys(state, ahead) });
  }

  function turn(): void {
    const state = values.loaded?.state;
    if (state === undefined) return;
    const due = state.timetable.take(
      Math.max(now(), state.recordedAt),
      (subject) => state.subject(subject),
      portionSize,
    );
    if (due !== undefined) {
      const { at } = due;
      const subjects = due.turns.map(({ subject }) => subject);
      taken = [...taken, ...subjects.map((subject) => ({ at, subject }))].slice(-maxTaken);
      const keys = touchedKeys(state, subjects);
      if (keys.length > 0 && at > begunAt) tell({ revision: state.revision, keys });
    }
    check();
  }

  return {
    check,
    begin: () => {
      begunAt = now();
      taken = [];
    },
    close: () => {
      isClosed = true;
      clearTimeout(timer);
    },
  };
}
