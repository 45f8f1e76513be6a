/**
 * Question: which revisions had names, as of a revision?
 */
import type { Page, PageRequest, TagRecord } from '../domain/questions.ts';
import { nameCursor, pageOf } from './cursor.ts';
import { type Database, rowsOf } from './rows-of.ts';

interface TagRow {
  readonly name: string;
  readonly revision: number;
  readonly tagged_at: number;
}

const statement = {
  text: `select t.name, t.revision, t.tagged_at from tags t
    where t.ledger = $1 and t.tagged_by <= $2 and t.name > $3
    order by t.name
    limit $4`,
};

/** A page by name. Failure `invalid` for a bad cursor. */
export async function listTags(
  database: Database,
  ledger: string,
  asOf: number,
  page: PageRequest,
): Promise<Page<TagRecord>> {
  const after = nameCursor.read(page.cursor)?.after ?? '';
  const rows = await rowsOf<TagRow>(database, statement, [ledger, asOf, after, page.limit + 1]);
  return pageOf(rows, page, tagOf, (row) => nameCursor.write({ after: row.name }));
}

function tagOf({ name, revision, tagged_at }: TagRow): TagRecord {
  return { name, revision, taggedAt: tagged_at };
}
