/** The rows of a statement on the log's tables, with outages as Failure `unavailable`. */
import type pg from 'pg';
import { toFailure } from '../database/pool.ts';

export async function rowsOf<Row extends pg.QueryResultRow>(
  pool: pg.Pool,
  statement: pg.QueryConfig,
): Promise<readonly Row[]> {
  const { rows } = await pool.query<Row>(statement).catch((error: unknown) => {
    throw toFailure(error);
  });
  return rows;
}
