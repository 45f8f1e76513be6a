/**
 * Question: what happened at these revisions?
 */
import type { RecordedEvent } from '../domain/event.ts';
import type { FieldChange } from '../domain/field-changes.ts';
import type { HistoryItem } from '../domain/questions.ts';
import { type Database, rowsOf } from './rows-of.ts';

export interface HistoryRow {
  readonly revision: number;
  readonly event: RecordedEvent;
  readonly changes: readonly FieldChange[];
}

/** The event as people read it. */
export function historyItemOf({ event, changes }: HistoryRow): HistoryItem {
  return { ...event, changes };
}

const statement = {
  name: 'find_events',
  text: `select h.revision, h.event, h.changes from history h
    where h.ledger = $1 and h.revision = any ($2::bigint[])
    order by h.revision`,
};

/** By revision, no more than were asked for; unknown ones are left out. */
export async function findEvents(
  database: Database,
  ledger: string,
  revisions: readonly number[],
): Promise<ReadonlyMap<number, HistoryItem>> {
  if (revisions.length === 0) return new Map();
  const rows = await rowsOf<HistoryRow>(database, statement, [ledger, revisions]);
  return new Map(rows.map((row) => [row.revision, historyItemOf(row)]));
}
