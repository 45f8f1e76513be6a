/**
 * How far the deliveries of each webhook are written down, and what comes next of the history.
 * A cursor moves in the transaction that inserts the deliveries, under its row's lock.
 */
import type { DataOf } from '../domain/event.ts';
import { type Database, rowsOf } from './rows-of.ts';

/** A webhook as the history made it, and its cursor; times are epoch milliseconds. */
export interface WebhookPlace {
  readonly webhook: DataOf<'WebhookCreated'>;
  readonly removed: boolean;
}

/** Closed ones are left out. A webhook that is new gets its cursor at its own making: it hears of what comes after. */
const open = {
  name: 'open_webhooks',
  text: `with added as (
      insert into webhook_cursors (ledger, webhook, revision, looked_until)
      select h.ledger, h.event -> 'data' ->> 'id', h.revision, (h.event ->> 'recordedAt')::timestamptz
      from history h
      where h.ledger = $1 and h.type = 'WebhookCreated'
        and not exists (
          select from webhook_cursors c where c.ledger = h.ledger and c.webhook = h.event -> 'data' ->> 'id'
        )
      on conflict on constraint webhook_cursors_pk do nothing
    )
    select h.event -> 'data' as webhook,
      exists (
        select from history r where r.ledger = $1 and r.subject = h.subject and r.type = 'WebhookRemoved'
      ) as removed
    from history h
    left join webhook_cursors c on c.ledger = h.ledger and c.webhook = h.event -> 'data' ->> 'id'
    where h.ledger = $1 and h.type = 'WebhookCreated' and c.closed is not true
    order by -h.revision
    limit 1000`,
};

/** What read models hold for certain, and the clock that all servers share, read before that. */
const known = {
  name: 'known_of_ledger',
  text: `select now() as clock, coalesce(min(c.revision), 0) as revision, count(*)::int as projections
    from projection_checkpoints c
    where c.ledger = $1 and c.projection = any ($2)`,
};

const lock = {
  name: 'lock_webhook_cursor',
  text: `select c.revision, c.looked_until from webhook_cursors c
    where c.ledger = $1 and c.webhook = $2 and not c.closed
    for update skip locked`,
};

const events = {
  name: 'events_behind_cursor',
  text: `select h.revision, h.type, (h.event ->> 'recordedAt')::timestamptz as recorded_at from history h
    where h.ledger = $1 and h.revision > $2 and h.revision <= $3
    order by h.revision
    limit $4`,
};

const move = {
  name: 'move_webhook_cursor',
  text: `update webhook_cursors c set revision = $3, looked_until = to_timestamp($4::float8 / 1000)
    where c.ledger = $1 and c.webhook = $2`,
};

const close = {
  name: 'close_webhook_cursor',
  text: 'update webhook_cursors c set closed = true where c.ledger = $1 and c.webhook = $2',
};

/** The webhooks of a ledger that have something to be written down or to be closed, the newest first. */
export async function openWebhooks(database: Database, ledger: string): Promise<readonly WebhookPlace[]> {
  return rowsOf<{ webhook: DataOf<'WebhookCreated'>; removed: boolean }>(database, open, [ledger]);
}

/** Up to which revision the named projections all hold a ledger; a moment before that was so. */
export async function knownOf(
  database: Database,
  ledger: string,
  projections: readonly string[],
): Promise<{ readonly revision: number; readonly clock: number }> {
  const rows = await rowsOf<{ clock: number; revision: number; projections: number }>(database, known, [
    ledger,
    projections,
  ]);
  const [row] = rows;
  if (row === undefined) return { revision: 0, clock: 0 };
  return { revision: row.projections < projections.length ? 0 : row.revision, clock: row.clock };
}

/** Within a transaction: the cursor, held until its end; undefined when somebody else holds it or it is closed. */
export async function lockCursor(
  database: Database,
  ledger: string,
  webhook: string,
): Promise<{ readonly revision: number; readonly lookedUntil: number } | undefined> {
  const [row] = await rowsOf<{ revision: number; looked_until: number }>(database, lock, [ledger, webhook]);
  return row === undefined ? undefined : { revision: row.revision, lookedUntil: row.looked_until };
}

export interface EventInBrief {
  readonly revision: number;
  readonly type: string;
  readonly recorded_at: number;
}

/** Events after a revision up to another, in order. */
export async function eventsBehind(
  database: Database,
  ledger: string,
  after: number,
  last: number,
  limit: number,
): Promise<readonly EventInBrief[]> {
  return rowsOf<EventInBrief>(database, events, [ledger, after, last, limit]);
}

export async function moveCursor(
  database: Database,
  ledger: string,
  webhook: string,
  to: { readonly revision: number; readonly lookedUntil: number },
): Promise<void> {
  await rowsOf(database, move, [ledger, webhook, to.revision, to.lookedUntil]);
}

export async function closeCursor(database: Database, ledger: string, webhook: string): Promise<void> {
  await rowsOf(database, close, [ledger, webhook]);
}
