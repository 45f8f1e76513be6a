/**
 * Question: how did a model become what it was at a revision? Its events, oldest first, each with its
 * version.
 */
import { modelSubject } from '../domain/event.ts';
import type { HistoryItem, Page, PageRequest } from '../domain/questions.ts';
import { pageOf, revisionCursor } from './cursor.ts';
import { type HistoryRow, historyItemOf } from './find-events.ts';
import { type Database, rowsOf } from './rows-of.ts';

const statement = {
  text: `select h.revision, h.event, h.changes from history h
    where h.ledger = $1 and h.subject = $2 and -h.revision between -($4::bigint) and -($3::bigint)
    order by -h.revision desc
    limit $5`,
};

/** A page, oldest first; empty for an unknown model. Failure `invalid` for a bad cursor. */
export async function modelHistory(
  database: Database,
  ledger: string,
  asOf: number,
  id: string,
  page: PageRequest,
): Promise<Page<HistoryItem>> {
  const after = revisionCursor.read(page.cursor)?.revision ?? 0;
  const values = [ledger, modelSubject(id), after + 1, asOf, page.limit + 1];
  const rows = await rowsOf<HistoryRow>(database, statement, values);
  return pageOf(rows, page, historyItemOf, (row) => revisionCursor.write({ revision: row.revision }));
}
