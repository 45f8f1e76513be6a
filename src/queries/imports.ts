/**
 * Imports that are worked off in the background: handed over, claimed, moved on changeset by changeset, ended, forgotten.
 * Operational tables: what an import brought stands in the ledger.
 */
import type pg from 'pg';
import { z } from 'zod';
import { transaction } from '../database/pool.ts';
import type { ImportRecord, ImportRefusal } from '../domain/background-questions.ts';
import type { Actor } from '../domain/event.ts';
import type { ImportedChangeset } from '../domain/import-line.ts';
import type { JsonValue } from '../domain/json.ts';
import type { Page, PageRequest } from '../domain/questions.ts';
import { Failure } from '../failure.ts';
import { cursorOf, pageOf } from './cursor.ts';
import { type Database, inBatches, rowsOf } from './rows-of.ts';

export interface HandedOver {
  readonly idempotencyKey: string;
  readonly bodyHash: string;
  readonly changeset: ImportedChangeset;
}

interface ImportRow extends Omit<ImportRecord, 'lastError' | 'createdAt' | 'finishedAt'> {
  readonly last_error: string | null;
  readonly created_at: number;
  readonly finished_at: number | null;
}

const columns = `i.id, i.ledger, i.actor, i.state, i.total, i.done, i.events, i.replayed, i.refused, i.refusals, i.last_error,
      i.created_at, i.finished_at`;

/** The most open imports of one ledger. */
const maxOpenImports = 10;
const chunkSize = 200;
const maxRefusals = 100;
/** Each may have 100,000 changesets. */
const forgetAtOnce = 10;

const insert = {
  name: 'insert_import',
  text: `insert into imports as i (id, ledger, actor, total)
    select $1, $2, $3, $4
    where (select count(*) from imports o where o.ledger = $2 and o.state = 'open') < $5
    returning ${columns}`,
};

const insertChunk = {
  name: 'insert_import_changesets',
  text: `insert into import_changesets (import, number, idempotency_key, body_hash, changeset)
    select $1, n.number, n.idempotency_key, n.body_hash, n.changeset
    from unnest($2::int[], $3::text[], $4::text[], $5::json[]) as n (number, idempotency_key, body_hash, changeset)`,
};

/** Keeps an import, whole or not at all. Failures: `limited` when too many are open. */
export async function insertImport(
  pool: pg.Pool,
  { id, ledger, actor }: { readonly id: string; readonly ledger: string; readonly actor: Actor },
  handedOver: readonly HandedOver[],
): Promise<ImportRecord> {
  return transaction(pool, async (client) => {
    const values = [id, ledger, JSON.stringify(actor), handedOver.length, maxOpenImports];
    const [row] = await rowsOf<ImportRow>(client, insert, values);
    if (row === undefined) {
      throw new Failure('limited', `at most ${maxOpenImports} imports of a ledger are open at once`, {
        reason: 'too_many_imports',
        retryAfterSeconds: 30,
      });
    }
    for (let start = 0; start < handedOver.length; start += chunkSize) {
      const chunk = handedOver.slice(start, start + chunkSize);
      await rowsOf(client, insertChunk, [
        id,
        chunk.map((_, index) => start + index),
        chunk.map(({ idempotencyKey }) => idempotencyKey),
        chunk.map(({ bodyHash }) => bodyHash),
        chunk.map(({ changeset }) => JSON.stringify(changeset)),
      ]);
    }
    return importOf(row);
  });
}

const find = {
  name: 'find_import',
  text: `select ${columns} from imports i where i.ledger = $1 and i.id = $2 order by i.id limit 1`,
};

export async function findImport(
  database: Database,
  ledger: string,
  id: string,
): Promise<ImportRecord | undefined> {
  const [row] = await rowsOf<ImportRow>(database, find, [ledger, id]);
  return row === undefined ? undefined : importOf(row);
}

const importCursor = cursorOf(z.strictObject({ createdAt: z.number().int().nonnegative(), id: z.uuid() }));

/** A page, the newest first. Failure `invalid` for a bad cursor. */
export async function listImports(
  database: Database,
  ledger: string,
  page: PageRequest,
): Promise<Page<ImportRecord>> {
  const behind = importCursor.read(page.cursor);
  const condition =
    behind === undefined ? '' : ' and (i.created_at, i.id) < (to_timestamp($3::float8 / 1000), $4::uuid)';
  const text = `select ${columns} from imports i where i.ledger = $1${condition}
    order by i.created_at desc, i.id desc
    limit $2`;
  const values = [ledger, page.limit + 1, ...(behind === undefined ? [] : [behind.createdAt, behind.id])];
  const rows = await rowsOf<ImportRow>(database, { text }, values);
  return pageOf(rows, page, importOf, (row) => importCursor.write({ createdAt: row.created_at, id: row.id }));
}

const cancel = {
  name: 'cancel_import',
  text: `update imports i set state = 'cancelled', finished_at = now()
    where i.ledger = $1 and i.id = $2 and i.state = 'open'
    returning ${columns}`,
};

/** Ends an open import where it stands; undefined when there is none that is open. */
export async function cancelImport(
  database: Database,
  ledger: string,
  id: string,
): Promise<ImportRecord | undefined> {
  const [row] = await rowsOf<ImportRow>(database, cancel, [ledger, id]);
  return row === undefined ? undefined : importOf(row);
}

const claim = {
  name: 'claim_import',
  text: `update imports i set leased_until = now() + make_interval(secs => $1::float8 / 1000)
    where i.id = (
      select o.id from imports o
      where o.state = 'open' and (o.leased_until is null or o.leased_until < now())
      order by o.created_at, o.id
      limit 1
      for update skip locked
    )
    returning ${columns}`,
};

/** Takes the open import that waits longest, for so long; undefined when none waits. */
export async function claimImport(database: Database, leaseMs: number): Promise<ImportRecord | undefined> {
  const [row] = await rowsOf<ImportRow>(database, claim, [leaseMs]);
  return row === undefined ? undefined : importOf(row);
}

const next = {
  name: 'next_import_changesets',
  text: `select c.idempotency_key as "idempotencyKey", c.body_hash as "bodyHash", c.changeset from import_changesets c
    where c.import = $1 and c.number >= $2
    order by c.number
    limit $3`,
};

/** The changesets of an import from one on. */
export async function nextChangesets(
  database: Database,
  id: string,
  from: number,
  limit: number,
): Promise<
  readonly { readonly idempotencyKey: string; readonly bodyHash: string; readonly changeset: JsonValue }[]
> {
  return rowsOf(database, next, [id, from, limit]);
}

/** What one changeset of an import came to. */
export type ImportStep =
  | { readonly kind: 'brought'; readonly events: number }
  | { readonly kind: 'replayed' }
  | { readonly kind: 'refused'; readonly refusal: ImportRefusal };

const advance = {
  name: 'advance_import',
  text: `update imports i
    set done = i.done + 1, events = i.events + $3, replayed = i.replayed + $4, refused = i.refused + $5,
      refusals = case when $6::jsonb is null or i.refused >= $7 then i.refusals else i.refusals || $6::jsonb end,
      last_error = null, leased_until = now() + make_interval(secs => $8::float8 / 1000),
      state = case when i.done + 1 = i.total then 'finished' else i.state end,
      finished_at = case when i.done + 1 = i.total then now() end
    where i.id = $1 and i.done = $2 and i.state = 'open'
    returning i.state`,
};

/**
 * Moves an import behind its changeset number `done`, and keeps the lease. False when it does not stand there any more
 * or is not open: somebody else works on it, or has ended it.
 */
export async function advanceImport(
  database: Database,
  id: string,
  done: number,
  step: ImportStep,
  leaseMs: number,
): Promise<boolean> {
  const refusal = step.kind === 'refused' ? JSON.stringify([step.refusal]) : null;
  const rows = await rowsOf(database, advance, [
    id,
    done,
    step.kind === 'brought' ? step.events : 0,
    step.kind === 'replayed' ? 1 : 0,
    step.kind === 'refused' ? 1 : 0,
    refusal,
    maxRefusals,
    leaseMs,
  ]);
  return rows.length > 0;
}

const release = {
  name: 'release_import',
  text: `update imports i
    set leased_until = null, last_error = $2, state = case when $3 then 'failed' else i.state end,
      finished_at = case when $3 then now() end
    where i.id = $1 and i.state = 'open'`,
};

/** Lets go of an import that does not go on for now, or for good when it failed. */
export async function releaseImport(
  database: Database,
  id: string,
  error: string,
  hasFailed: boolean,
): Promise<void> {
  await rowsOf(database, release, [id, error, hasFailed]);
}

const forget = {
  name: 'forget_imports',
  text: `delete from imports i
    where i.id in (
      select o.id from imports o
      where o.state <> 'open' and o.finished_at < now() - make_interval(days => $1)
      order by o.finished_at, o.id
      limit ${forgetAtOnce}
    )
    returning true as forgotten`,
};

/** Forgets, in all ledgers, imports that ended that long ago, with their changesets. Answers how many. */
export async function forgetImports(database: Database, olderThanDays: number): Promise<number> {
  return inBatches(database, forget, [olderThanDays], forgetAtOnce);
}

function importOf({ last_error, created_at, finished_at, ...row }: ImportRow): ImportRecord {
  return { ...row, lastError: last_error, createdAt: created_at, finishedAt: finished_at };
}
