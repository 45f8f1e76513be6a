/**
 * The log in a Postgres table: appends are serialized by the ledger's head row (migrations/0002_ledger.sql).
 * In: canonical bytes; out: the same bytes. Recognises lost connections; it never notifies inside an append
 * (postgres-following.ts does, afterwards), nor does it look into the bytes.
 */
import pg from 'pg';
import { isUnavailable, toFailure } from '../database/pool.ts';
import type { AppendResult, Head, OpenLedger, StoredEvent } from './ledger.ts';
import { appendOn, unknownOutcome } from './postgres-append.ts';
import { type FollowingOptions, openFollowing } from './postgres-following.ts';
import { readIdentity } from './postgres-identity.ts';
import { rowsOf } from './postgres-rows.ts';
import { takeTurn } from './postgres-turn.ts';

const maxReadBytes = 8 * 1024 * 1024;

export interface PostgresLedgerOptions extends FollowingOptions {
  /** For reads of pages, so that they do not stand in the way of appends; absent: `pool`. */
  readonly readPool?: pg.Pool;
  /** For turns, whose sessions must end soon when they idle; absent: nobody waits in line. */
  readonly turnPool?: pg.Pool;
}

export type PostgresLedger = OpenLedger;

interface EventRow {
  readonly revision: number;
  readonly recorded_at: number;
  readonly bytes: string;
}

export function openPostgresLedger(options: PostgresLedgerOptions): PostgresLedger {
  const { pool, readPool = pool, turnPool } = options;
  const following = openFollowing(options);

  async function append(
    ledger: string,
    expectedRevision: number,
    events: readonly StoredEvent[],
  ): Promise<AppendResult> {
    const { appended, head } = await appendOn(pool, ledger, expectedRevision, events).catch(
      (error: unknown) => {
        throw isUnavailable(error) && !isCertain(error) ? unknownOutcome(error) : toFailure(error);
      },
    );
    if (!appended) return { appended, head };
    following.appended(ledger, head.revision);
    return { appended: true };
  }

  async function read(ledger: string, after: number, limit: number): Promise<readonly StoredEvent[]> {
    const rows = await rowsOf<EventRow>(readPool, {
      name: 'ledger-read',
      text: `select revision, recorded_at, convert_from(canonical, 'UTF8') as bytes
               from (
                 select revision, recorded_at, canonical,
                        sum(length(canonical)) over (order by revision) - length(canonical) as before
                 from (
                   select revision, recorded_at, canonical
                   from ledger_events
                   where ledger = $1 and revision > $2
                   order by revision
                   limit $3
                 ) as page
               ) as sized
               where before < $4
               order by revision`,
      values: [ledger, after, limit, maxReadBytes],
    });
    return rows.map((row) => ({ revision: row.revision, recordedAt: row.recorded_at, bytes: row.bytes }));
  }

  async function head(ledger: string): Promise<Head> {
    const rows = await rowsOf<{ readonly revision: number; readonly recorded_at: number }>(pool, {
      name: 'ledger-head',
      text: 'select revision, recorded_at from ledger_heads where ledger = $1',
      values: [ledger],
    });
    const row = rows[0];
    return row === undefined
      ? { revision: 0, recordedAt: 0 }
      : { revision: row.revision, recordedAt: row.recorded_at };
  }

  return {
    engine: 'postgres',
    // A statement takes at most 1 GiB; a changeset of 10,000 changes is about 6 MiB.
    maxChangesetBytes: 64 * 1024 * 1024,
    // The line break between two of them.
    eventOverheadBytes: 1,
    identity: () => readIdentity(pool),
    names: () => readNames(pool),
    append,
    read,
    head,
    follow: following.follow,
    ...(turnPool === undefined
      ? {}
      : {
          takeTurn: (ledger: string) => takeTurn(turnPool, ledger, (...head) => following.appended(...head)),
        }),
    stop: () => following.stop(),
  };
}

async function readNames(pool: pg.Pool): Promise<readonly string[]> {
  const rows = await rowsOf<{ readonly ledger: string }>(pool, {
    name: 'ledger-names',
    text: 'select ledger from ledger_heads order by ledger limit 100',
  });
  return rows.map((row) => row.ledger);
}

/**
 * Whether the server itself said that the statement failed: an append is one statement, so that nothing of it stands (a full
 * disk, 53100; its time limit, 57014). A FATAL that ends the session says nothing about a commit before it.
 */
function isCertain(error: unknown): boolean {
  return error instanceof pg.DatabaseError && error.severity === 'ERROR';
}

/** The shared clock, epoch milliseconds: that of the Postgres which all servers use. */
export async function readSharedClock(pool: pg.Pool): Promise<number> {
  const rows = await rowsOf<{ readonly now: number }>(pool, {
    name: 'shared-clock',
    text: 'select clock_timestamp() as now',
  });
  const now = rows[0]?.now;
  if (now === undefined) throw new Error('the clock answered nothing');
  return Math.floor(now);
}
