/**
 * Runs one statement and answers its rows: the only place where queries/ touches the driver.
 * In: a pool or a client, a statement and its values; out: rows, with outages as Failure `unavailable`.
 * Times go in as epoch milliseconds and are read in SQL as `to_timestamp($n::float8 / 1000)`.
 */
import type pg from 'pg';
import { readCode, toFailure } from '../database/database-failure.ts';
import { Failure } from '../failure.ts';

/** What a query runs on: a pool, or one client, perhaps inside a transaction. */
export type Database = pg.Pool | pg.ClientBase;

export interface Statement {
  /**
   * Prepared once a connection under this name, which belongs to one text alone. Left out where the best plan
   * depends on the values (filters, a limit): then each run is planned anew, in about 0.1 ms.
   */
  readonly name?: string;
  readonly text: string;
}

/** The SQLSTATE of text that Postgres cannot hold: a NUL character. */
const notInRepertoire = '22021';

/**
 * The rows of a statement. Failures: `unavailable` for an outage, `invalid` for text with a NUL character.
 */
export async function rowsOf<Row extends pg.QueryResultRow>(
  database: Database,
  statement: Statement,
  values: readonly unknown[],
): Promise<readonly Row[]> {
  try {
    return (await database.query<Row>({ ...statement, values: [...values] })).rows;
  } catch (error) {
    if (readCode(error) !== notInRepertoire) throw toFailure(error);
    throw new Failure('invalid', 'A text must not hold the NUL character', {
      reason: 'nul_character',
      cause: error,
    });
  }
}

/** Runs a statement again and again, each its own transaction on a pool, until it meets less than a batch. Answers how many rows. */
export async function inBatches(
  database: Database,
  statement: Statement,
  values: readonly unknown[],
  batchSize: number,
): Promise<number> {
  let count = 0;
  for (;;) {
    const rows = await rowsOf(database, statement, values);
    count += rows.length;
    if (rows.length < batchSize) return count;
  }
}
