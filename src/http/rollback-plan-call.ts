/**
 * Plans a rollback over the read models: what is selected, how it stands, how it was, and what it is to be.
 * In: a wish and the moment; out: the plan with every conflict told by whom. Appends nothing, and never plans on a
 * part of what was selected: too much is refused.
 */

import { overrideSubject, type RecordedEvent } from '../domain/event.ts';
import type { FieldChange } from '../domain/field-changes.ts';
import { formatInstant } from '../domain/instant.ts';
import type { JsonValue } from '../domain/json.ts';
import type { Moment, Reads } from '../domain/questions.ts';
import type { Conflict, RestoreChange } from '../domain/restore.ts';
import type { EventSelection, OverrideQuestion, SubjectFilter } from '../domain/restore-questions.ts';
import { planReturn } from '../domain/return-plan.ts';
import {
  bySubject,
  type Covered,
  isCovered,
  type OpenConflict,
  partsOf,
  type Resolution,
  type RollbackPlan,
  typesOf,
} from '../domain/rollback-plan.ts';
import type { OverrideAssertion } from '../domain/subject-state.ts';
import { planUndo } from '../domain/undo-plan.ts';
import { Failure } from '../failure.ts';
import { invalidAt } from './problem.ts';

/** The most events that an undo takes out, and subjects that a return brings back. */
export const maxSelected = 10_000;
/** The most events of keys and models that an undo looks through. */
const maxLookedThrough = 100_000;
const maxConflicts = 1_000;

export interface RollbackWish {
  readonly where: SubjectFilter;
  readonly include: readonly Covered[];
  readonly resolve: Readonly<Record<string, Resolution>>;
}

export type Planned = Pick<RestoreChange, 'targets' | 'conflicts' | 'notes'> & Pick<RollbackPlan, 'undoes'>;

type RollbackReads = Reads;

/** Back to the revision `to`. Failures: refused (too much), invalid (`resolve` names what is not selected), unavailable. */
export async function planReturnTo(
  reads: RollbackReads,
  ledger: string,
  to: number,
  moment: Moment,
  { where, include, resolve }: RollbackWish,
): Promise<Planned> {
  const types = [...new Set(include.flatMap((kind) => typesOf[kind]))];
  const subjects = await reads.subjectsSince(ledger, to, where, types, maxSelected + 1);
  if (subjects.length > maxSelected) throw tooMany('subjects have changed since');
  checkResolve(resolve, new Set(subjects.map(({ subject }) => subject)));
  const parts = subjects.map(({ subject }) => partsOf(subject));
  const places = parts.flatMap((part) => (part.kind === 'override' ? [part] : []));
  const [lists, definitions, models] = await Promise.all([
    reads.lastingAssertions(
      ledger,
      moment.at,
      places.map(({ key, scope }) => ({ key, scope, knownTo: to, withdrawnTo: to, without: [] })),
    ),
    reads.definitionsThen(
      ledger,
      to,
      parts.flatMap((part) => (part.kind === 'key' ? [part.key] : [])),
    ),
    reads.modelsThen(
      ledger,
      to,
      parts.flatMap((part) => (part.kind === 'model' ? [part.id] : [])),
    ),
  ]);
  const assertions = new Map(
    places.map(({ key, scope }, index) => [overrideSubject(key, scope), lists[index] ?? []] as const),
  );
  const { conflicts: _none, ...plan } = planReturn(
    { to, subjects, assertions, definitions, models },
    include,
    resolve,
  );
  return { ...plan, conflicts: [] };
}

/** Takes events out. Failures: refused (too much, unknown changesets), invalid (`resolve`), unavailable. */
export async function planUndoOf(
  reads: RollbackReads,
  ledger: string,
  selection: EventSelection,
  moment: Moment,
  { include, resolve }: RollbackWish,
): Promise<Planned> {
  await checkChangesets(reads, ledger, selection.changesets ?? []);
  const selected = await reads.selectedEvents(ledger, selection, maxSelected + 1);
  if (selected.length > maxSelected) throw tooMany('events are selected');
  const covered = selected.filter((event) => isCovered(event, include));
  const subjects = [...new Set(covered.map(({ subject }) => subject))];
  checkResolve(resolve, new Set(subjects));
  const standing = await reads.standingSubjects(ledger, subjects);
  // What the subjects have become meanwhile is looked at as well; what comes after that is a conflict.
  const asOf = Math.max(moment.asOf, ...[...standing.values()].map(({ revision }) => revision));
  const [withdrawn, assertions, events] = await Promise.all([
    reads.events(
      ledger,
      covered.flatMap((event) => (event.type === 'OverrideWithdrawn' ? [event.data.revision] : [])),
    ),
    assertionsOf(reads, ledger, { asOf, at: moment.at }, covered),
    eventsOf(reads, ledger, subjects, asOf),
  ]);
  const plan = planUndo(
    { selected, standing, withdrawn, assertions, events, now: moment.at },
    include,
    resolve,
  );
  return { ...plan, ...(await told(reads, ledger, plan)) };
}

async function checkChangesets(reads: RollbackReads, ledger: string, ids: readonly string[]): Promise<void> {
  if (ids.length === 0) return;
  const known = await reads.knownChangesets(ledger, ids);
  const place = ids.findIndex((id) => !known.has(id.toLowerCase()));
  if (place < 0) return;
  throw new Failure('refused', `there is no changeset ${ids[place] ?? ''}`, {
    reason: 'unknown_changeset',
    details: [{ path: `undo.changesets.${place}`, message: 'there is no such changeset' }],
  });
}

function checkResolve(resolve: RollbackWish['resolve'], subjects: ReadonlySet<string>): void {
  const stray = Object.keys(resolve).find((subject) => !subjects.has(subject));
  if (stray !== undefined)
    throw invalidAt(`resolve.${stray}`, 'this subject is not among those that are selected');
}

function tooMany(what: string): Failure {
  return new Failure('refused', `more than ${maxSelected} ${what}; narrow it by where`, {
    reason: 'too_many_selected',
    details: [{ path: 'where', message: `at most ${maxSelected}` }],
  });
}

/** Of every touched override: its assertions without the selected events, and those of before the first of them. */
async function assertionsOf(
  reads: RollbackReads,
  ledger: string,
  { asOf, at }: Moment,
  covered: readonly RecordedEvent[],
): Promise<
  ReadonlyMap<string, { without: readonly OverrideAssertion[]; before: readonly OverrideAssertion[] }>
> {
  const overrides = [...bySubject(covered)].filter(([subject]) => partsOf(subject).kind === 'override');
  const questions = overrides.flatMap(([subject, events]): readonly OverrideQuestion[] => {
    const part = partsOf(subject);
    if (part.kind !== 'override') return [];
    const { key, scope } = part;
    const without = events.map(({ revision }) => revision);
    const first = without[0] ?? 0;
    const question = { key, scope, withdrawnTo: asOf, without };
    return [
      { ...question, knownTo: asOf },
      { ...question, knownTo: first - 1 },
    ];
  });
  const lists = await reads.lastingAssertions(ledger, at, questions);
  return new Map(
    overrides.map(([subject], index) => [
      subject,
      { without: lists[index * 2] ?? [], before: lists[index * 2 + 1] ?? [] },
    ]),
  );
}

async function eventsOf(
  reads: RollbackReads,
  ledger: string,
  subjects: readonly string[],
  asOf: number,
): Promise<ReadonlyMap<string, readonly RecordedEvent[]>> {
  const whole = subjects.filter((subject) => partsOf(subject).kind !== 'override');
  const events = await reads.eventsOfSubjects(ledger, whole, asOf, maxLookedThrough + 1);
  if (events.length > maxLookedThrough) throw tooMany('events stand behind the selected keys and models');
  return bySubject(events);
}

/** The conflicts as they are told: with who made the later change, when and why. */
async function told(
  reads: RollbackReads,
  ledger: string,
  { conflicts, notes }: RollbackPlan,
): Promise<Pick<Planned, 'conflicts' | 'notes'>> {
  const shown = conflicts.slice(0, maxConflicts);
  const events = await reads.events(ledger, [...new Set(shown.map(({ revision }) => revision))]);
  const left = conflicts.length - shown.length;
  const cut = { code: 'conflicts_left_out', message: `${left} more conflicts are not listed`, path: 'undo' };
  return {
    conflicts: shown.map((conflict) => conflictOf(conflict, events.get(conflict.revision))),
    notes: left > 0 ? [...notes, cut] : notes,
  };
}

function conflictOf(
  { subject, field, current, wanted, revision, from, until }: OpenConflict,
  by: (RecordedEvent & { readonly changes: readonly FieldChange[] }) | undefined,
): Conflict {
  const who = by?.actor.id ?? 'somebody';
  return {
    subject,
    message: `${who} changed ${field} later, at revision ${revision}: it is left; resolve the subject to undo it too`,
    detail: {
      subject,
      field,
      current,
      wanted,
      ...(from === undefined ? {} : { effectiveFrom: formatInstant(from) }),
      ...(until === undefined ? {} : { effectiveUntil: formatInstant(until) }),
      by: byWhom(by, revision),
    },
  };
}

function byWhom(event: RecordedEvent | undefined, revision: number): JsonValue {
  if (event === undefined) return { revision };
  const { actor, recordedAt, reason, changesetId } = event;
  return { revision, actor: { ...actor }, recordedAt, reason, changesetId };
}
