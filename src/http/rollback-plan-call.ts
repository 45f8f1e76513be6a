/**
 * Plans a rollback over the read models: what is selected, how it stands, how it was, and what it is to be.
 * In: a wish and the moment; out: the plan with every conflict told by whom. Appends nothing, and never plans on a
 * part of what was selected: too much is refused.
 */

import { overrideSubject, type RecordedEvent } from '../domain/event.ts';
import type { Moment } from '../domain/questions.ts';
import type { Reads } from '../domain/reads.ts';
import type { RestoreChange } from '../domain/rollback/restore.ts';
import type {
  EventSelection,
  OverrideQuestion,
  StandingSubject,
  SubjectFilter,
} from '../domain/rollback/restore-questions.ts';
import { planReturn } from '../domain/rollback/return-plan.ts';
import {
  bySubject,
  type Covered,
  isCovered,
  partsOf,
  type Resolution,
  type RollbackPlan,
  typesOf,
} from '../domain/rollback/rollback-plan.ts';
import { spokenTime } from '../domain/rollback/undo-overrides.ts';
import { planUndo, type UndoMaterial } from '../domain/rollback/undo-plan.ts';
import { Failure } from '../failure.ts';
import { invalidAt } from './problem.ts';
import { toldConflicts } from './rollback-conflicts.ts';

/** The most events that an undo takes out, and subjects that a return brings back. */
export const maxSelected = 10_000;
/** The most events of keys and models that an undo looks through. */
const maxLookedThrough = 20_000;
/** The most assertions that one rollback says again or looks at. */
const maxAssertions = 20_000;

export interface RollbackWish {
  readonly where: SubjectFilter;
  readonly include: readonly Covered[];
  readonly resolve: Readonly<Record<string, Resolution>>;
}

export type Planned = Pick<RestoreChange, 'targets' | 'conflicts' | 'notes'> & Pick<RollbackPlan, 'undoes'>;

/** Back to the revision `to`. Failures: refused (too much), invalid (`resolve` names what is not selected), unavailable. */
export async function planReturnTo(
  reads: Reads,
  ledger: string,
  to: number,
  moment: Moment,
  { where, include, resolve }: RollbackWish,
): Promise<Planned> {
  const types = [...new Set(include.flatMap((kind) => typesOf[kind]))];
  const touched = await reads.subjectsSince(ledger, to, where, types, maxSelected + 1);
  if (touched.length > maxSelected) throw tooMany('subjects have changed since');
  checkResolve(resolve, new Set(touched.map(({ subject }) => subject)));
  const subjects = touched.filter(({ subject }) => resolve[subject] !== 'keep');
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
  const material = { to, subjects, assertions, definitions, models };
  const plan = planReturn(material, include, resolve);
  refuseTooMuch(plan.targets);
  return { ...plan, conflicts: [], notes: to === 0 ? [emptyThen] : [] };
}

/** A wrong year takes everything away. */
const emptyThen = {
  code: 'empty_then',
  message: 'the ledger was empty at that point: all that is selected goes',
  path: 'to',
};

/** Takes events out. Failures: refused (too much, unknown changesets), invalid (`resolve`), unavailable. */
export async function planUndoOf(
  reads: Reads,
  ledger: string,
  selection: EventSelection,
  moment: Moment,
  { include, resolve }: RollbackWish,
): Promise<Planned> {
  await checkChangesets(reads, ledger, selection.changesets ?? []);
  const selected = await reads.selectedEvents(ledger, selection, maxSelected + 1);
  if (selected.length > maxSelected) throw tooMany('events are selected');
  const covered = selected.filter((event) => isCovered(event, include));
  checkResolve(resolve, new Set(covered.map(({ subject }) => subject)));
  const touching = covered.filter(({ subject }) => resolve[subject] !== 'keep');
  const subjects = [...new Set(touching.map(({ subject }) => subject))];
  const standing = await reads.standingSubjects(ledger, subjects);
  refuseNewer(standing, moment);
  const withdrawn = await reads.events(
    ledger,
    touching.flatMap((event) => (event.type === 'OverrideWithdrawn' ? [event.data.revision] : [])),
  );
  const [assertions, events] = await Promise.all([
    assertionsOf(reads, ledger, moment, touching, withdrawn),
    eventsOf(reads, ledger, subjects, moment.asOf),
  ]);
  const plan = planUndo(
    { selected, standing, withdrawn, assertions, events, now: moment.at },
    include,
    resolve,
  );
  refuseTooMuch(plan.targets);
  return { ...plan, ...(await toldConflicts(reads, ledger, plan)) };
}

/** Conflict when a subject has gone on since the moment: what is read of it must be of one moment. */
function refuseNewer(standing: ReadonlyMap<string, StandingSubject>, { asOf }: Moment): void {
  for (const { subject, revision } of standing.values()) {
    if (revision <= asOf) continue;
    throw new Failure('conflict', `${subject} was changed while the rollback was planned; try again`, {
      reason: 'subject_moved',
      details: [{ path: subject, message: `has gone on to revision ${revision}` }],
    });
  }
}

async function checkChangesets(reads: Reads, ledger: string, ids: readonly string[]): Promise<void> {
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

/** A subject may have very much scheduled. */
function refuseTooMuch(targets: Planned['targets']): void {
  const count = targets.reduce(
    (sum, target) => sum + (target.kind === 'override' ? target.wanted.length : 0),
    0,
  );
  if (count > maxAssertions) throw tooMany('assertions would come back', maxAssertions);
}

function tooMany(what: string, most = maxSelected): Failure {
  return new Failure('refused', `more than ${most} ${what}; narrow it by where`, {
    reason: 'too_many_selected',
    details: [{ path: 'where', message: `at most ${most}` }],
  });
}

/** Of every touched override: its assertions without the selected events, and those of before the first that matters. */
async function assertionsOf(
  reads: Reads,
  ledger: string,
  { asOf, at }: Moment,
  touching: readonly RecordedEvent[],
  withdrawn: ReadonlyMap<number, RecordedEvent>,
): Promise<UndoMaterial['assertions']> {
  const overrides = [...bySubject(touching)].flatMap(([subject, events]) => {
    const part = partsOf(subject);
    return part.kind === 'override' ? [{ subject, part, events }] : [];
  });
  const questions = overrides.flatMap(({ part: { key, scope }, events }): readonly OverrideQuestion[] => {
    const without = events.map(({ revision }) => revision);
    // What is over has nothing to do with what comes: the first one that lasts begins what is undone.
    const first = events.find((event) => spokenTime(event, withdrawn).some(({ until }) => until > at));
    const question = { key, scope, withdrawnTo: asOf, without };
    return [
      { ...question, knownTo: asOf },
      { ...question, knownTo: (first?.revision ?? asOf + 1) - 1 },
    ];
  });
  const lists = await reads.lastingAssertions(ledger, at, questions);
  return new Map(
    overrides.map(({ subject }, index) => [
      subject,
      { without: lists[index * 2] ?? [], before: lists[index * 2 + 1] ?? [] },
    ]),
  );
}

async function eventsOf(
  reads: Reads,
  ledger: string,
  subjects: readonly string[],
  asOf: number,
): Promise<ReadonlyMap<string, readonly RecordedEvent[]>> {
  const whole = subjects.filter((subject) => partsOf(subject).kind !== 'override');
  const events = await reads.eventsOfSubjects(ledger, whole, asOf, maxLookedThrough + 1);
  if (events.length > maxLookedThrough)
    throw tooMany('events stand behind the selected keys and models', maxLookedThrough);
  return bySubject(events);
}
