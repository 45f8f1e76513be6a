/**
 * Question: which events match a filter, newest first? One page of them, by keyset.
 * Each filter makes a statement of its own shape, so that the planner sees just the index that serves it; see
 * migrations/0005_query_indexes.sql for why the indexed shapes are ordered by -revision.
 */
import { modelSubject } from '../domain/event.ts';
import type { HistoryFilter, HistoryItem, Page, PageRequest } from '../domain/questions.ts';
import { pageOf, revisionCursor } from './cursor.ts';
import { type HistoryRow, historyItemOf } from './find-events.ts';
import { historyRange, type RevisionRange } from './history-range.ts';
import { newestRowsWithWords } from './history-words.ts';
import { type Database, rowsOf } from './rows-of.ts';

/** A page, newest first. Failure `invalid` for a bad cursor. */
export async function historyPage(
  database: Database,
  ledger: string,
  filter: HistoryFilter,
  page: PageRequest,
): Promise<Page<HistoryItem>> {
  const position = revisionCursor.read(page.cursor);
  const { first, last } = await historyRange(database, ledger, filter);
  const range = { first, last: Math.min(last, (position?.revision ?? Number.MAX_SAFE_INTEGER) - 1) };
  const rows = await newestRows(database, ledger, filter, range, page.limit + 1);
  return pageOf(rows, page, historyItemOf, (row) => revisionCursor.write({ revision: row.revision }));
}

/** Up to `limit` rows of a range that match the rest of the filter, newest first. */
export async function newestRows(
  database: Database,
  ledger: string,
  filter: HistoryFilter,
  range: RevisionRange,
  limit: number,
): Promise<readonly HistoryRow[]> {
  if (range.first > range.last) return [];
  const equalities = equalitiesOf(filter);
  const equalTo = equalities.map(({ value }) => value);
  // $n of the first value.
  const conditions = (n: number) =>
    equalities.map(({ column }, i) => ` and h.${column} = $${n + i}`).join('');
  if (filter.q !== undefined) {
    const withValues = { text: conditions(6), values: equalTo };
    return newestRowsWithWords(database, ledger, filter.q, range, limit, withValues);
  }
  const values = [ledger, range.first, range.last, limit, ...equalTo];
  return rowsOf<HistoryRow>(database, { text: matching(conditions(5)) }, values);
}

function equalitiesOf(filter: HistoryFilter): readonly { readonly column: string; readonly value: string }[] {
  const { subject, key, scope, model, actor, type } = filter;
  const asked = [
    { column: 'subject', value: subject },
    { column: 'subject', value: model === undefined ? undefined : modelSubject(model) },
    { column: 'key', value: key },
    { column: 'scope', value: scope },
    { column: 'actor', value: actor },
    { column: 'type', value: type },
  ];
  return asked.flatMap(({ column, value }) => (value === undefined ? [] : [{ column, value }]));
}

/** $1 ledger, $2 and $3 the range, $4 the limit, then the values of the conditions. */
function matching(conditions: string): string {
  const ranged =
    conditions === ''
      ? 'h.revision between $2 and $3 order by h.revision desc'
      : `-h.revision between -($3::bigint) and -($2::bigint)${conditions} order by -h.revision`;
  return `select h.revision, h.event, h.changes from history h where h.ledger = $1 and ${ranged} limit $4`;
}
