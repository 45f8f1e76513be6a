/**
 * Question: which version had these subjects at a revision? One index probe a subject.
 */
import { type Database, rowsOf } from './rows-of.ts';

const statement = {
  name: 'versions_at',
  text: `select wanted.subject, known.version
    from unnest($2::text[]) as wanted (subject)
    cross join lateral (
      select (h.event ->> 'version')::bigint as version from history h
      where h.ledger = $1 and h.subject = wanted.subject and -h.revision >= -($3::bigint)
      order by -h.revision limit 1
    ) as known
    order by wanted.subject`,
};

/** By subject; those that had no event yet are left out. */
export async function versionsAt(
  database: Database,
  ledger: string,
  asOf: number,
  subjects: readonly string[],
): Promise<ReadonlyMap<string, number>> {
  if (subjects.length === 0) return new Map();
  const rows = await rowsOf<{ readonly subject: string; readonly version: number }>(database, statement, [
    ledger,
    subjects,
    asOf,
  ]);
  return new Map(rows.map(({ subject, version }) => [subject, version]));
}
