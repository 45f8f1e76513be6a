/**
 * The read model `subjects`: every subject as its events have made it; the live state starts from these rows.
 * The states of the touched subjects come in from the table in one select, the batch is folded by the domain's evolve,
 * and what the subjects have come to goes back. history.ts drives it, because both need the very same fold.
 */
import type { RecordedEvent } from '../src/domain/event.ts';
import { evolve } from '../src/domain/evolve.ts';
import type { SubjectState } from '../src/domain/subject-state.ts';
import { Failure } from '../src/failure.ts';
import type { ProjectionTransaction } from '../src/projector/projection.ts';
import { bigints, jsons, texts } from './column-arrays.ts';

/** An event between the states of its subject. */
export interface Step {
  readonly event: RecordedEvent;
  readonly before: SubjectState | undefined;
  readonly after: SubjectState;
}

/** A subject after a batch. */
interface Touched {
  /** Whether the batch holds its first event. */
  readonly isNew: boolean;
  readonly revision: number;
  readonly state: SubjectState;
}

/** Folds a batch onto the table and answers each event's step, in order. Failure `corrupt` when an event does not fit. */
export async function foldSubjects(
  events: readonly RecordedEvent[],
  tx: ProjectionTransaction,
): Promise<readonly Step[]> {
  const ledger = events[0]?.ledger ?? '';
  const states = await loadStates(ledger, events, tx);
  const touched = new Map<string, Touched>();
  const steps = events.map((event): Step => {
    const earlier = touched.get(event.subject);
    const before = earlier?.state ?? states.get(event.subject);
    if ((before?.version ?? 0) + 1 !== event.version) throw misnumbered(event);
    const after = evolve(before, event);
    touched.set(event.subject, {
      isNew: earlier?.isNew ?? before === undefined,
      revision: event.revision,
      state: after,
    });
    return { event, before, after };
  });
  const all = [...touched];
  await insertSubjects(
    ledger,
    all.filter(([, { isNew }]) => isNew),
    tx,
  );
  await updateSubjects(
    ledger,
    all.filter(([, { isNew }]) => !isNew),
    tx,
  );
  return steps;
}

/** Of the subjects whose first event in the batch is not their first at all. */
async function loadStates(
  ledger: string,
  events: readonly RecordedEvent[],
  tx: ProjectionTransaction,
): Promise<ReadonlyMap<string, SubjectState>> {
  const seen = new Set<string>();
  const known: string[] = [];
  for (const { subject, version } of events) {
    if (seen.has(subject)) continue;
    seen.add(subject);
    if (version > 1) known.push(subject);
  }
  if (known.length === 0) return new Map();
  const found = await tx.query<{ subject: string; state: SubjectState }>({
    name: 'subjects_load',
    text: `select s.subject, s.state
             from unnest($2::text[]) as wanted (subject)
             join subjects s on s.ledger = $1 and s.subject = wanted.subject`,
    values: [ledger, texts(known)],
  });
  return new Map(found.rows.map(({ subject, state }) => [subject, state]));
}

async function insertSubjects(
  ledger: string,
  rows: readonly (readonly [string, Touched])[],
  tx: ProjectionTransaction,
): Promise<void> {
  if (rows.length === 0) return;
  await tx.query({
    name: 'subjects_insert',
    text: `insert into subjects (ledger, subject, version, revision, state)
           select $1, * from unnest($2::text[], $3::bigint[], $4::bigint[], $5::json[])`,
    values: [ledger, ...columnsOf(rows)],
  });
}

async function updateSubjects(
  ledger: string,
  rows: readonly (readonly [string, Touched])[],
  tx: ProjectionTransaction,
): Promise<void> {
  if (rows.length === 0) return;
  const updated = await tx.query({
    name: 'subjects_update',
    text: `update subjects s
              set version = next.version, revision = next.revision, state = next.state
             from unnest($2::text[], $3::bigint[], $4::bigint[], $5::json[])
               as next (subject, version, revision, state)
            where s.ledger = $1 and s.subject = next.subject`,
    values: [ledger, ...columnsOf(rows)],
  });
  if (updated.rowCount !== rows.length)
    throw new Failure('corrupt', 'a subject is missing', { reason: 'row_missing' });
}

function columnsOf(rows: readonly (readonly [string, Touched])[]): readonly Buffer[] {
  return [
    texts(rows.map(([subject]) => subject)),
    bigints(rows.map(([, { state }]) => state.version)),
    bigints(rows.map(([, { revision }]) => revision)),
    jsons(rows.map(([, { state }]) => JSON.stringify(state))),
  ];
}

function misnumbered(event: RecordedEvent): Failure {
  return new Failure('corrupt', `revision ${event.revision} does not have its subject's next version`, {
    reason: 'subject_version',
  });
}
