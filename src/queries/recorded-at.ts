/**
 * Question: when was a revision recorded?
 */
import { type Database, rowsOf } from './rows-of.ts';

const statement = {
  name: 'recorded_at',
  text: `select (h.event ->> 'recordedAt')::timestamptz as recorded_at from history h
    where h.ledger = $1 and h.revision = $2
    order by h.revision limit 1`,
};

/** Epoch milliseconds; undefined when there is no such revision. */
export async function recordedAt(
  database: Database,
  ledger: string,
  revision: number,
): Promise<number | undefined> {
  const [row] = await rowsOf<{ recorded_at: number }>(database, statement, [ledger, revision]);
  return row?.recorded_at;
}
