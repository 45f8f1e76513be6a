/**
 * Questions: how do subjects stand, which of them were touched since, and by which events?
 */
import type { EventType, RecordedEvent } from '../domain/event.ts';
import type { StandingSubject, SubjectFilter } from '../domain/rollback/restore-questions.ts';
import type { SubjectState } from '../domain/subject-state.ts';
import { type Database, rowsOf } from './rows-of.ts';
import { aboutSubjects } from './subject-filter.ts';

interface SubjectRow {
  readonly subject: string;
  readonly version: number;
  readonly revision: number;
  readonly state: SubjectState;
  readonly changeset_id: string;
}

const columns = `s.subject, s.version, s.revision, s.state, h.event ->> 'changesetId' as changeset_id`;

/** These are asked of thousands of subjects at once, and planned anew each time (see lasting-assertions.ts). */
const named = {
  text: `select ${columns}
    from unnest($2::text[]) as wanted (subject)
    join subjects s on s.ledger = $1 and s.subject = wanted.subject
    join history h on h.ledger = $1 and h.revision = s.revision`,
};

/** Unknown ones are left out. */
export async function standingSubjects(
  database: Database,
  ledger: string,
  subjects: readonly string[],
): Promise<ReadonlyMap<string, StandingSubject>> {
  if (subjects.length === 0) return new Map();
  const rows = await rowsOf<SubjectRow>(database, named, [ledger, subjects]);
  return new Map(rows.map((row) => [row.subject, standingOf(row)]));
}

/** Those with an event of the types after a revision, by name. */
export async function subjectsSince(
  database: Database,
  ledger: string,
  since: number,
  where: SubjectFilter,
  types: readonly EventType[],
  limit: number,
): Promise<readonly StandingSubject[]> {
  const values: unknown[] = [ledger, since, types, limit];
  const condition = aboutSubjects(where, values);
  const rows = await rowsOf<SubjectRow>(
    database,
    {
      text: `with touched as materialized (
          select distinct h.subject from history h
          where h.ledger = $1 and h.revision > $2 and h.type = any ($3)${condition}
        )
        select ${columns}
        from touched t
        join subjects s on s.ledger = $1 and s.subject = t.subject
        join history h on h.ledger = $1 and h.revision = s.revision
        order by s.subject
        limit $4`,
    },
    values,
  );
  return rows.map(standingOf);
}

const ofSubjects = {
  text: `select h.event
    from unnest($2::text[]) as wanted (subject)
    join history h on h.ledger = $1 and h.subject = wanted.subject and -h.revision >= -($3::bigint)
    order by h.revision
    limit $4`,
};

/** All of them in order of revision, at most `limit`. */
export async function eventsOfSubjects(
  database: Database,
  ledger: string,
  subjects: readonly string[],
  asOf: number,
  limit: number,
): Promise<readonly RecordedEvent[]> {
  if (subjects.length === 0) return [];
  const rows = await rowsOf<{ event: RecordedEvent }>(database, ofSubjects, [ledger, subjects, asOf, limit]);
  return rows.map(({ event }) => event);
}

function standingOf({ changeset_id, ...row }: SubjectRow): StandingSubject {
  return { ...row, changesetId: changeset_id };
}
