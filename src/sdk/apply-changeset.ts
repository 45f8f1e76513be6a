/**
 * A changeset becomes part of a state, as a whole: first what each of its subjects comes to, in slices and beside the
 * state, so that a large one holds up nobody; then all of it in one go. One that does not fit changes nothing.
 */
import { setImmediate as pause } from 'node:timers/promises';
import { parseInstant } from '../domain/instant.ts';
import { splitOverride } from '../domain/live-state.ts';
import type { SubjectState } from '../domain/subject-state.ts';
import { putValuesEvent, type ValuesEvent } from '../domain/values-view.ts';
import { Failure } from '../failure.ts';
import type { HeldScopes } from './held-scopes.ts';
import type { ValuesState } from './values-state.ts';

/** A whole changeset, or what resolution needs of it. */
export interface ValuesChangeset {
  /** Of its last event. */
  readonly revision: number;
  /** RFC 3339. */
  readonly recordedAt: string;
  readonly events: readonly ValuesEvent[];
}

/** 500 events take about 2 ms. */
const sliceSize = 500;

/** What each subject comes to; nothing else may change the state until it is put. Failures: corrupt when an event does not fit. */
export async function stageChangeset(
  state: ValuesState,
  { events }: ValuesChangeset,
  scopes: HeldScopes,
): Promise<ReadonlyMap<string, SubjectState>> {
  const staged = new Map<string, SubjectState>();
  const target = {
    recordedAt: state.recordedAt,
    subject: (subject: string) => staged.get(subject) ?? state.subject(subject),
    put: (subject: string, after: SubjectState) => void staged.set(subject, after),
  };
  for (const [index, event] of events.entries()) {
    if (index > 0 && index % sliceSize === 0) await pause();
    if (!isHeld(event.subject, scopes)) continue;
    try {
      putValuesEvent(target, event);
    } catch (error) {
      if (error instanceof Failure) throw error;
      throw new Failure('corrupt', `the event at revision ${event.revision} cannot be understood`, {
        reason: 'bad_event',
        cause: error,
      });
    }
  }
  return staged;
}

/** Puts what a changeset comes to, in one go. */
export function putChangeset(
  state: ValuesState,
  { revision, recordedAt }: ValuesChangeset,
  staged: ReadonlyMap<string, SubjectState>,
): void {
  state.recordedAt = parseInstant(recordedAt) ?? state.recordedAt;
  for (const [subject, after] of staged) state.put(subject, after);
  state.revision = revision;
}

function isHeld(subject: string, scopes: HeldScopes): boolean {
  if (!subject.startsWith('override:')) return true;
  const [, scope] = splitOverride(subject);
  return scopes.covers(scope);
}

/** The keys that may resolve differently; all that are defined when a model changed. */
export function touchedKeys(state: ValuesState, subjects: Iterable<string>): readonly string[] {
  const keys = new Set<string>();
  let isModelAmong = false;
  for (const subject of subjects) {
    const name = subject.slice(subject.indexOf(':') + 1);
    if (subject.startsWith('model:')) isModelAmong = true;
    else keys.add(subject.startsWith('override:') ? splitOverride(name)[0] : name);
  }
  return isModelAmong ? [...new Set([...state.keys(), ...keys])] : [...keys];
}
