/**
 * Question: what was changed together, by whom and why?
 */
import type { ChangesetRecord, HistoryItem } from '../domain/questions.ts';
import { type HistoryRow, historyItemOf } from './find-events.ts';
import { type Database, rowsOf } from './rows-of.ts';

interface ChangesetRow {
  readonly changeset_id: string;
  readonly first_revision: number;
  readonly last_revision: number;
  readonly recorded_at: number;
  readonly actor: string;
  readonly via: string | null;
  readonly reason: string;
  readonly source: string;
  readonly request_id: string;
  readonly undoes: string | null;
}

const byId = {
  name: 'find_changeset',
  text: `select c.changeset_id, c.first_revision, c.last_revision, c.recorded_at, c.actor, c.via, c.reason, c.source,
      c.request_id, c.undoes
    from changesets c
    where c.ledger = $1 and c.changeset_id = $2`,
};

const between = {
  name: 'events_between',
  text: `select h.revision, h.event, h.changes from history h
    where h.ledger = $1 and h.revision between $2 and $3
    order by h.revision`,
};

const uuid = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/i;

/** The record alone; undefined for an unknown id, and for a text that is none. */
export async function findChangesetRecord(
  database: Database,
  ledger: string,
  id: string,
): Promise<ChangesetRecord | undefined> {
  if (!uuid.test(id)) return undefined;
  const [row] = await rowsOf<ChangesetRow>(database, byId, [ledger, id]);
  if (row === undefined) return undefined;
  const { changeset_id, first_revision, last_revision, recorded_at, request_id, ...same } = row;
  return {
    changesetId: changeset_id,
    firstRevision: first_revision,
    lastRevision: last_revision,
    recordedAt: recorded_at,
    requestId: request_id,
    ...same,
  };
}

/** With all its events in order: as many as one append took. */
export async function findChangeset(
  database: Database,
  ledger: string,
  id: string,
): Promise<{ readonly record: ChangesetRecord; readonly events: readonly HistoryItem[] } | undefined> {
  const record = await findChangesetRecord(database, ledger, id);
  if (record === undefined) return undefined;
  return { record, events: await eventsBetween(database, ledger, record.firstRevision, record.lastRevision) };
}

/** The events of a changeset's revisions in order, both ends included. */
async function eventsBetween(
  database: Database,
  ledger: string,
  first: number,
  last: number,
): Promise<readonly HistoryItem[]> {
  const rows = await rowsOf<HistoryRow>(database, between, [ledger, first, last]);
  return rows.map(historyItemOf);
}
