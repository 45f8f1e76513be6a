/**
 * Question: which events of these subjects may change a value, in order of revision? A page of them, by index.
 */
import type { RecordedEvent } from '../domain/event.ts';
import type { RevisionRange } from './history-range.ts';
import { type Database, rowsOf } from './rows-of.ts';

// Prices change no value, and of a model's fields only the status does.
const statement = {
  name: 'difference_candidates',
  text: `select h.event
    from unnest((select $2::text[])) as wanted (subject)
    cross join lateral (
      select h.revision, h.event from history h
      where h.ledger = $1 and h.subject = wanted.subject
        and -h.revision between -(select $4::bigint) and -(select $3::bigint)
        and h.type not in ('ModelPriceChanged', 'ModelPriceCorrected')
        and (h.type <> 'ModelUpdated' or h.event #> '{data,updates,status}' is not null)
      order by -h.revision desc limit (select $5::int)
    ) as h
    order by h.revision limit (select $5::int)`,
};

/** The first of them, at most `limit`. */
export async function differenceCandidates(
  database: Database,
  ledger: string,
  subjects: readonly string[],
  { first, last }: RevisionRange,
  limit: number,
): Promise<readonly RecordedEvent[]> {
  if (subjects.length === 0) return [];
  const values = [ledger, subjects, first, last, limit];
  const rows = await rowsOf<{ readonly event: RecordedEvent }>(database, statement, values);
  return rows.map(({ event }) => event);
}
