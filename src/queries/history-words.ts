/**
 * Question: which events stand in changesets with these words, newest first?
 * Frequent words are found by walking back from the newest changeset, rare ones by the index of words; the
 * planner cannot tell them apart, so the walk comes first, with a bound, and what it does not fill is asked
 * of the index.
 */
import type { HistoryRow } from './find-events.ts';
import type { RevisionRange } from './history-range.ts';
import { type Database, rowsOf } from './rows-of.ts';

/**
 * How many are walked over, 4 to 15 ms; words that fill no page there are in few enough changesets for the
 * index.
 */
const walked = 5_000;

/** Equalities on `h`; their values stand from $6 on. */
interface Conditions {
  readonly text: string;
  readonly values: readonly string[];
}

/** Null fields: the walk was over without a match. */
type WalkedRow = { readonly walked: number } & (
  | HistoryRow
  | { readonly revision: null; readonly event: null; readonly changes: null }
);

/**
 * The newest rows of a range, up to `limit`. Slow (until the statement's time is over) only for frequent
 * words together with a frequent filter that never meet.
 */
export async function newestRowsWithWords(
  database: Database,
  ledger: string,
  words: string,
  range: RevisionRange,
  limit: number,
  conditions: Conditions,
): Promise<readonly HistoryRow[]> {
  const values = [ledger, range.first, range.last, limit, words, ...conditions.values];
  const text = conditions.text === '' ? walkChangesets : walkEvents(conditions.text);
  const rows = await rowsOf<WalkedRow>(database, { text }, values);
  const found = rows.filter((row) => row.revision !== null);
  if (found.length >= limit || (rows[0]?.walked ?? 0) < walked) return found;
  return rowsOf<HistoryRow>(database, { text: lookUp(conditions.text) }, values);
}

const columns = 'c.first_revision, c.last_revision, c.recorded_at';

/**
 * The range's end as a time, where the index by time begins; behind the head there is none. The revisions
 * themselves stay out of what the planner sees here: for an early range it would read the whole table.
 */
const before = `c.ledger = $1 and c.recorded_at <= coalesce(
    (select (h.event ->> 'recordedAt')::timestamptz from history h where h.ledger = $1 and h.revision = $3), 'infinity'
  )`;

const newestChangesetFirst = 'order by c.recorded_at desc, c.last_revision desc';

const newestFirst = 'order by c.recorded_at desc, c.last_revision desc, e.revision desc limit $4';

const walkChangesets = `
  with walk as materialized (
    select ${columns}, c.search from changesets c
    where ${before} ${newestChangesetFirst} limit ${walked}
  )
  select n.walked, e.revision, e.event, e.changes
  from (select count(*) as walked from walk) as n
  left join (
    select c.recorded_at, c.last_revision, e.revision, e.event, e.changes from walk c ${theirEvents('')}
    where c.search @@ search_query($5) ${newestFirst}
  ) as e on true
  order by e.revision desc`;

/** With further filters their index is walked: it may soon be at its end, however frequent the words are. */
function walkEvents(conditions: string): string {
  return `
    with walk as materialized (
      select h.revision, (h.event ->> 'changesetId')::uuid as changeset_id from history h
      where h.ledger = $1 and -h.revision between -($3::bigint) and -($2::bigint)${conditions}
      order by -h.revision limit ${walked}
    ),
    found as materialized (
      select w.revision from walk w join changesets c on c.ledger = $1 and c.changeset_id = w.changeset_id
      where c.search @@ search_query($5)
      order by w.revision desc limit $4
    )
    select n.walked, h.revision, h.event, h.changes
    from (select count(*) as walked from walk) as n
    left join (found join history h on h.ledger = $1 and h.revision = found.revision) on true
    order by h.revision desc`;
}

function lookUp(conditions: string): string {
  // Materialized, so that it is planned for all of its rows: with the limit in sight the planner would walk
  // again.
  return `with c as materialized (
      select ${columns} from changesets c
      where ${before} and c.search @@ search_query($5) ${newestChangesetFirst}
    )
    select e.revision, e.event, e.changes from c ${theirEvents(conditions)} ${newestFirst}`;
}

function theirEvents(conditions: string): string {
  return `cross join lateral (
    select h.revision, h.event, h.changes from history h
    where h.ledger = $1
      and h.revision between greatest(c.first_revision, $2) and least(c.last_revision, $3)${conditions}
    order by h.revision desc limit $4
  ) as e`;
}
