/**
 * Question: which keys were there as of a revision? Retired ones too, marked.
 */
import type { KeyRecord, Page, PageRequest } from '../domain/questions.ts';
import { nameCursor, pageOf } from './cursor.ts';
import { type DefinitionRow, definitionKnown, definitionsAt } from './definitions-at.ts';
import { type Database, rowsOf } from './rows-of.ts';

// Key by key along the current rows, of which each key has one; the version of the time is probed.
const statement = {
  text: `select known.key, known.version, known.revision, known.retired, known.definition
    from key_definitions wanted cross join lateral (${definitionKnown}) as known
    where wanted.ledger = $1 and wanted.until_revision is null and wanted.key > $3
    order by wanted.key
    limit $4`,
};

/** A page by name. Failure `invalid` for a bad cursor. */
export async function listKeys(
  database: Database,
  ledger: string,
  asOf: number,
  page: PageRequest,
): Promise<Page<KeyRecord>> {
  const after = nameCursor.read(page.cursor)?.after ?? '';
  const rows = await rowsOf<DefinitionRow>(database, statement, [ledger, asOf, after, page.limit + 1]);
  return pageOf(rows, page, keyRecordOf, (row) => nameCursor.write({ after: row.key }));
}

/** One key; undefined when it was not known. */
export async function findKey(
  database: Database,
  ledger: string,
  asOf: number,
  key: string,
): Promise<KeyRecord | undefined> {
  const [row] = await definitionsAt(database, ledger, asOf, [key]);
  return row === undefined ? undefined : keyRecordOf(row);
}

function keyRecordOf({ definition, version, revision, retired }: DefinitionRow): KeyRecord {
  return { ...definition, version, revision, retired };
}
