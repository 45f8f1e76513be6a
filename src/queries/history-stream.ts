/**
 * Question: all events that match a filter, newest first, in bounded memory: pages of 1,000 by keyset.
 * No snapshot is held open: events are never changed, and what is appended meanwhile is newer than where the
 * stream began.
 */
import type { HistoryFilter, HistoryItem } from '../domain/questions.ts';
import { historyItemOf } from './find-events.ts';
import { newestRows } from './history-page.ts';
import { historyRange } from './history-range.ts';
import type { Database } from './rows-of.ts';

const pageSize = 1_000;

/** Ends after the oldest match; asks for the next page when the one before was taken. */
export async function* historyStream(
  database: Database,
  ledger: string,
  filter: HistoryFilter,
): AsyncGenerator<HistoryItem, void, void> {
  let range = await historyRange(database, ledger, filter);
  for (;;) {
    const rows = await newestRows(database, ledger, filter, range, pageSize);
    for (const row of rows) yield historyItemOf(row);
    const oldest = rows.at(-1);
    if (oldest === undefined || rows.length < pageSize) return;
    range = { ...range, last: oldest.revision - 1 };
  }
}
