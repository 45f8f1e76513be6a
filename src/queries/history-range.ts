/**
 * Question: between which revisions do the events of a time window, a changeset, a state of knowledge stand?
 * Recorded times never go back with revisions, so every such filter is a range, and ranges intersect.
 */
import type { HistoryFilter } from '../domain/questions.ts';
import { findChangesetRecord } from './find-changeset.ts';
import { revisionAt } from './revision-at.ts';
import { type Database, rowsOf } from './rows-of.ts';

/** Revisions, both ends included; empty when `first > last`. */
export interface RevisionRange {
  readonly first: number;
  readonly last: number;
}

const everything: RevisionRange = { first: 1, last: Number.MAX_SAFE_INTEGER };
const nothing: RevisionRange = { first: 1, last: 0 };

const firstSince = {
  name: 'first_revision_since',
  text: `select c.first_revision from changesets c
    where c.ledger = $1 and c.recorded_at >= to_timestamp($2::float8 / 1000)
    order by c.recorded_at, c.last_revision
    limit 1`,
};

const nothingAsked = Promise.resolve(everything);

/** The range in which all events of the filter stand, whatever else it asks for. */
export async function historyRange(
  database: Database,
  ledger: string,
  filter: HistoryFilter,
): Promise<RevisionRange> {
  const known = filter.asOf === undefined ? everything : { first: 1, last: filter.asOf };
  const found = await Promise.all([
    filter.from === undefined ? nothingAsked : sinceTime(database, ledger, filter.from),
    filter.to === undefined ? nothingAsked : beforeTime(database, ledger, filter.to),
    filter.changeset === undefined ? nothingAsked : ofChangeset(database, ledger, filter.changeset),
  ]);
  const ranges = [known, ...found];
  return {
    first: Math.max(...ranges.map(({ first }) => first)),
    last: Math.min(...ranges.map(({ last }) => last)),
  };
}

async function sinceTime(database: Database, ledger: string, from: number): Promise<RevisionRange> {
  const [row] = await rowsOf<{ first_revision: number }>(database, firstSince, [ledger, from]);
  return row === undefined ? nothing : { ...everything, first: row.first_revision };
}

async function beforeTime(database: Database, ledger: string, to: number): Promise<RevisionRange> {
  // Times are whole milliseconds.
  return { ...everything, last: await revisionAt(database, ledger, to - 1) };
}

async function ofChangeset(database: Database, ledger: string, id: string): Promise<RevisionRange> {
  const record = await findChangesetRecord(database, ledger, id);
  return record === undefined ? nothing : { first: record.firstRevision, last: record.lastRevision };
}
