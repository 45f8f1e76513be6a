/**
 * Question: which event deprecated each of these models last, as of a revision?
 */
import { modelSubject, type RecordedEvent } from '../domain/event.ts';
import { type Database, rowsOf } from './rows-of.ts';

const statement = {
  name: 'deprecations',
  text: `select wanted.id, h.event
    from unnest((select $3::text[]), (select $4::text[])) as wanted (id, subject)
    cross join lateral (
      select h.event from history h
      where h.ledger = $1 and h.subject = wanted.subject and h.type = 'ModelDeprecated'
        and -h.revision >= -(select $2::bigint)
      order by -h.revision limit 1
    ) as h`,
};

/** By model, no more than were asked for; those that never were deprecated are left out. */
export async function deprecations(
  database: Database,
  ledger: string,
  asOf: number,
  ids: readonly string[],
): Promise<ReadonlyMap<string, RecordedEvent>> {
  const wanted = [...new Set(ids)];
  if (wanted.length === 0) return new Map();
  const values = [ledger, asOf, wanted, wanted.map(modelSubject)];
  const rows = await rowsOf<{ id: string; event: RecordedEvent }>(database, statement, values);
  return new Map(rows.map(({ id, event }) => [id, event]));
}
