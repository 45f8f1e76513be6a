/**
 * Question: which revision was the head at a time?
 */
import { type Database, rowsOf } from './rows-of.ts';

const statement = {
  name: 'revision_at',
  text: `select c.last_revision from changesets c
    where c.ledger = $1 and c.recorded_at <= to_timestamp($2::float8 / 1000)
    order by c.recorded_at desc, c.last_revision desc
    limit 1`,
};

/** The last revision recorded at or before a time (epoch milliseconds); 0 when there is none. */
export async function revisionAt(database: Database, ledger: string, time: number): Promise<number> {
  const [row] = await rowsOf<{ last_revision: number }>(database, statement, [ledger, time]);
  return row?.last_revision ?? 0;
}
