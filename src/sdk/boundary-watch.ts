/**
 * Tells when values turn by themselves: at the start or end of an interval, and when a model retires. Values are resolved
 * by the clock anyway; this is for who listens. It holds one timer and keeps no process alive.
 */
import { touchedKeys } from './apply-changeset.ts';
import type { HeldValues } from './held-values.ts';
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

export function createBoundaryWatch({ values, now, tell }: BoundaryWatchOn): BoundaryWatch {
  let timer: NodeJS.Timeout | undefined;
  let isClosed = false;
  let begunAt = 0;

  function check(): void {
    clearTimeout(timer);
    const state = values.loaded?.state;
    if (isClosed || state === undefined) return;
    // The clock was ahead then, and has been put right since.
    begunAt = Math.min(begunAt, now());
    const waitMs = state.timetable.soonest - Math.max(now(), state.recordedAt);
    if (waitMs <= 0) timer = setTimeout(turn, 0).unref();
    else timer = setTimeout(check, Math.min(waitMs, longestWaitMs)).unref();
  }

  function turn(): void {
    const state = values.loaded?.state;
    if (state === undefined) return;
    const due = state.timetable.take(
      Math.max(now(), state.recordedAt),
      (subject) => state.subject(subject),
      portionSize,
    );
    const keys = touchedKeys(state, due?.turns.map(({ subject }) => subject) ?? []);
    if (keys.length > 0 && due !== undefined && due.at > begunAt) tell({ revision: state.revision, keys });
    check();
  }

  return {
    check,
    begin: () => {
      begunAt = now();
    },
    close: () => {
      isClosed = true;
      clearTimeout(timer);
    },
  };
}
