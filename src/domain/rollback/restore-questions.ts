/**
 * Questions about what a rollback rests on and their answers, as types; bound to a pool with the others (questions.ts).
 */
import type { EventType, KeyDefinition, RecordedEvent } from '../event.ts';
import type { Scope } from '../scope.ts';
import type { ModelState, OverrideAssertion, SubjectState } from '../subject-state.ts';

/**
 * Which subjects: overrides and keys by a key, overrides by their scope, models by an id; key and model may hold `*`.
 * What says nothing about a kind of subject selects none of it; without anything all subjects are selected.
 */
export interface SubjectFilter {
  readonly key?: string;
  readonly scope?: Scope;
  readonly model?: string;
}

/** Which events: all that is given narrows. Times are of the recorded clock, epoch milliseconds. */
export interface EventSelection {
  readonly changesets?: readonly string[];
  readonly revisions?: readonly number[];
  readonly actor?: string;
  /** Recorded at or after. */
  readonly from?: number;
  /** Recorded before. */
  readonly to?: number;
  readonly where: SubjectFilter;
  /** Only up to this revision. */
  readonly asOf: number;
}

/** A subject as it stands, and the changeset that touched it last. */
export interface StandingSubject {
  readonly subject: string;
  readonly version: number;
  readonly revision: number;
  readonly changesetId: string;
  readonly state: SubjectState;
}

/** An override's assertions without some events, or as they were known earlier. */
export interface OverrideQuestion {
  readonly key: string;
  readonly scope: Scope;
  /** Asserted up to this revision. */
  readonly knownTo: number;
  /** Taken back up to this revision. */
  readonly withdrawnTo: number;
  /** Revisions that are taken as if they had not been, assertions and withdrawals. */
  readonly without: readonly number[];
}

export type ModelThen = Omit<ModelState, 'prices'>;

export interface RestoreReads {
  /** In order of revision, at most `limit`. */
  selectedEvents(ledger: string, selection: EventSelection, limit: number): Promise<readonly RecordedEvent[]>;
  /** Those of these changesets that there are. */
  knownChangesets(ledger: string, ids: readonly string[]): Promise<ReadonlySet<string>>;
  /** The subjects with events of these types after a revision, by name, at most `limit`. */
  subjectsSince(
    ledger: string,
    since: number,
    where: SubjectFilter,
    types: readonly EventType[],
    limit: number,
  ): Promise<readonly StandingSubject[]>;
  standingSubjects(
    ledger: string,
    subjects: readonly string[],
  ): Promise<ReadonlyMap<string, StandingSubject>>;
  /** All events of these subjects in order of revision, at most `limit`. */
  eventsOfSubjects(
    ledger: string,
    subjects: readonly string[],
    asOf: number,
    limit: number,
  ): Promise<readonly RecordedEvent[]>;
  /** For each question, what may hold at a time or later, sorted by start and revision. */
  lastingAssertions(
    ledger: string,
    at: number,
    questions: readonly OverrideQuestion[],
  ): Promise<readonly (readonly OverrideAssertion[])[]>;
  /** The definitions of these keys as of a revision; unknown ones are left out. */
  definitionsThen(
    ledger: string,
    asOf: number,
    keys: readonly string[],
  ): Promise<ReadonlyMap<string, { readonly definition: KeyDefinition; readonly retired: boolean }>>;
  /** These models as of a revision; unknown ones are left out. */
  modelsThen(ledger: string, asOf: number, ids: readonly string[]): Promise<ReadonlyMap<string, ModelThen>>;
}
