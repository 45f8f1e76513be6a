/**
 * Question: how far has each projection of a ledger come, and is it well?
 */
import type { ProjectionStatus } from '../domain/questions.ts';
import { type Database, rowsOf } from './rows-of.ts';

const statement = {
  name: 'list_projections',
  text: `select c.projection as name, c.version, c.revision, c.state, c.error from projection_checkpoints c
    where c.ledger = $1
    order by c.projection limit 100`,
};

/** By name; those that have not begun yet are left out. */
export async function listProjections(
  database: Database,
  ledger: string,
): Promise<readonly ProjectionStatus[]> {
  return rowsOf<ProjectionStatus>(database, statement, [ledger]);
}

const ledgers = {
  name: 'projected_ledgers',
  text: 'select distinct c.ledger from projection_checkpoints c order by c.ledger limit 1000',
};

/** The ledgers that have read models. */
export async function projectedLedgers(database: Database): Promise<readonly string[]> {
  return (await rowsOf<{ ledger: string }>(database, ledgers, [])).map(({ ledger }) => ledger);
}
