/**
 * Question: which events of these subjects stand between two revisions? The newest of each.
 */
import { type Database, rowsOf } from './rows-of.ts';

const statement = {
  name: 'revisions_between',
  text: `select wanted.subject, told.revision
    from unnest((select $4::text[])) as wanted (subject)
    cross join lateral (
      select h.revision from history h
      where h.ledger = $1 and h.subject = wanted.subject
        and -h.revision >= -(select $3::bigint) and -h.revision < -(select $2::bigint)
      order by -h.revision limit $5
    ) as told
    order by wanted.subject, told.revision desc`,
};

/** Behind `after` and up to `last`, newest first, at most `limit` a subject; subjects without any are left out. */
export async function revisionsBetween(
  database: Database,
  ledger: string,
  after: number,
  last: number,
  subjects: readonly string[],
  limit: number,
): Promise<ReadonlyMap<string, readonly number[]>> {
  const bySubject = new Map<string, number[]>();
  if (subjects.length === 0 || after >= last) return bySubject;
  const values = [ledger, after, last, subjects, limit];
  const rows = await rowsOf<{ subject: string; revision: number }>(database, statement, values);
  for (const { subject, revision } of rows) {
    const revisions = bySubject.get(subject);
    if (revisions === undefined) bySubject.set(subject, [revision]);
    else revisions.push(revision);
  }
  return bySubject;
}
