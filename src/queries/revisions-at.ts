/**
 * Question: which revisions were the head at these times?
 */
import { type Database, rowsOf } from './rows-of.ts';

const statement = {
  name: 'revisions_at',
  text: `select coalesce(c.last_revision, 0) as revision
    from unnest((select $2::float8[])) with ordinality as wanted (time, place)
    left join lateral (
      select s.last_revision from changesets s
      where s.ledger = $1 and s.recorded_at <= to_timestamp(wanted.time / 1000)
      order by s.recorded_at desc, s.last_revision desc
      limit 1
    ) as c on true
    order by wanted.place`,
};

/** The last revision recorded at or before each of the times (epoch milliseconds); 0 where there is none. */
export async function revisionsAt(
  database: Database,
  ledger: string,
  times: readonly number[],
): Promise<readonly number[]> {
  if (times.length === 0) return [];
  const rows = await rowsOf<{ revision: number }>(database, statement, [ledger, times]);
  return rows.map(({ revision }) => revision);
}
