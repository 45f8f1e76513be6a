/**
 * Question: which events are selected by changesets, revisions, an actor, a time window and their subjects? In order of
 * revision. What narrows most makes the way: an actor his index, everything else the ranges of revisions.
 */
import type { RecordedEvent } from '../domain/event.ts';
import type { EventSelection } from '../domain/rollback/restore-questions.ts';
import { historyRange, type RevisionRange } from './history-range.ts';
import { type Database, rowsOf } from './rows-of.ts';
import { aboutSubjects } from './subject-filter.ts';

const rangesOfChangesets = {
  name: 'ranges_of_changesets',
  text: `select c.changeset_id, c.first_revision, c.last_revision from changesets c
    where c.ledger = $1 and c.changeset_id = any ($2::uuid[])
    order by c.first_revision`,
};

interface ChangesetRange {
  readonly changeset_id: string;
  readonly first_revision: number;
  readonly last_revision: number;
}

/** The ids must be UUIDs. */
export async function knownChangesets(
  database: Database,
  ledger: string,
  ids: readonly string[],
): Promise<ReadonlySet<string>> {
  const rows = await rowsOf<ChangesetRange>(database, rangesOfChangesets, [ledger, ids]);
  return new Set(rows.map(({ changeset_id }) => changeset_id));
}

/** At most `limit`, the earliest first. */
export async function selectedEvents(
  database: Database,
  ledger: string,
  selection: EventSelection,
  limit: number,
): Promise<readonly RecordedEvent[]> {
  const { actor, revisions, where } = selection;
  const ranges = await rangesOf(database, ledger, selection);
  if (ranges.length === 0) return [];
  const values: unknown[] = [ledger, ranges.map(({ first }) => first), ranges.map(({ last }) => last), limit];
  const parameter = (value: unknown): string => `$${values.push(value)}`;
  const byRevision =
    revisions === undefined ? '' : ` and h.revision = any (${parameter(revisions)}::bigint[])`;
  const byActor = actor === undefined ? '' : ` and h.actor = ${parameter(actor)}`;
  const bySubject = aboutSubjects(where, values);
  const rows = await rowsOf<{ event: RecordedEvent }>(
    database,
    {
      text: `select e.event
        from unnest($2::bigint[], $3::bigint[]) as r (first_revision, last_revision)
        cross join lateral (
          select h.revision, h.event from history h
          where h.ledger = $1 and ${between(actor)}${byRevision}${byActor}${bySubject}
          order by ${actor === undefined ? 'h.revision' : '-h.revision desc'}
          limit $4
        ) as e
        order by e.revision
        limit $4`,
    },
    values,
  );
  return rows.map(({ event }) => event);
}

/** As the index of actors has it, and as the primary key has it. */
function between(actor: string | undefined): string {
  return actor === undefined
    ? 'h.revision between r.first_revision and r.last_revision'
    : '-h.revision between -r.last_revision and -r.first_revision';
}

/** The ranges of the named changesets within the time window; of all, when none are named. */
async function rangesOf(
  database: Database,
  ledger: string,
  { changesets, from, to, asOf }: EventSelection,
): Promise<readonly RevisionRange[]> {
  const window = await historyRange(database, ledger, {
    ...(from === undefined ? {} : { from }),
    ...(to === undefined ? {} : { to }),
    asOf,
  });
  const named =
    changesets === undefined
      ? [window]
      : (await rowsOf<ChangesetRange>(database, rangesOfChangesets, [ledger, changesets])).map(
          ({ first_revision, last_revision }) => ({
            first: Math.max(first_revision, window.first),
            last: Math.min(last_revision, window.last),
          }),
        );
  return named.filter(({ first, last }) => first <= last);
}
