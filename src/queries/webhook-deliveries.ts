/**
 * The deliveries of webhooks on their way: written down, due, claimed, finished, forgotten.
 * An operational table. Times come from the database's clock, which all servers share.
 */
import type { Activation, DeliveryRecord } from '../domain/background-questions.ts';
import { type Database, inBatches, rowsOf } from './rows-of.ts';

export interface NewDelivery {
  readonly id: string;
  /** The type of the event, or `activation`. */
  readonly type: string;
  readonly revision: number;
  readonly activation?: Activation;
}

export interface DeliveryRow {
  readonly id: string;
  readonly ledger: string;
  readonly webhook: string;
  readonly type: string;
  readonly revision: number;
  readonly activation: Activation | null;
  readonly state: DeliveryRecord['state'];
  readonly attempts: number;
  readonly due_at: number;
  readonly last_status: number | null;
  readonly last_error: string | null;
  readonly created_at: number;
  readonly finished_at: number | null;
}

export const deliveryColumns = `d.id, d.ledger, d.webhook, d.type, d.revision, d.activation, d.state, d.attempts, d.due_at,
      d.last_status, d.last_error, d.created_at, d.finished_at`;

const insert = {
  name: 'insert_deliveries',
  text: `insert into webhook_deliveries (id, ledger, webhook, type, revision, activation)
    select n.id, $1, $2, n.type, n.revision, n.activation
    from unnest($3::uuid[], $4::text[], $5::bigint[], $6::json[]) as n (id, type, revision, activation)
    on conflict on constraint webhook_deliveries_pk do nothing
    returning true as inserted`,
};

const pending = {
  name: 'count_pending_deliveries',
  text: `select count(*)::int as pending from (
      select from webhook_deliveries d where d.ledger = $1 and d.webhook = $2 and d.state = 'pending' limit $3
    ) as waiting`,
};

/** Those that are being sent are among them: they are due until they are finished, and so fill their webhook's lanes. */
const due = {
  name: 'due_deliveries',
  text: `select d.id from webhook_cursors c
    cross join lateral (
      select w.id, w.due_at from webhook_deliveries w
      where w.ledger = c.ledger and w.webhook = c.webhook and w.state = 'pending' and w.due_at <= now()
      order by w.due_at, w.id
      limit $1
    ) as d
    where not c.closed
    order by d.due_at, d.id
    limit 10000`,
};

const dueOfOne = {
  name: 'due_deliveries_of_webhook',
  text: `select d.id from webhook_deliveries d
    where d.ledger = $1 and d.webhook = $2 and d.state = 'pending' and d.due_at <= now()
    order by d.due_at, d.id
    limit $3`,
};

const claim = {
  name: 'claim_delivery',
  text: `update webhook_deliveries d
    set attempts = d.attempts + 1, leased_until = now() + make_interval(secs => $2::float8 / 1000)
    where d.id = $1 and d.state = 'pending' and d.due_at <= now()
      and (d.leased_until is null or d.leased_until < now())
    returning ${deliveryColumns}`,
};

/** Of an attempt that was overtaken (its lease ran out) only the good news counts. */
const finish = {
  name: 'finish_delivery',
  text: `update webhook_deliveries d
    set state = $3, last_status = $4, last_error = $5, leased_until = null,
      due_at = case when $3 = 'pending' then now() + make_interval(secs => $6::float8 / 1000) else d.due_at end,
      finished_at = case when $3 = 'pending' then null else now() end
    where d.id = $1 and (d.attempts = $2 and d.state = 'pending' or $3 = 'delivered')`,
};

const drop = {
  name: 'give_up_deliveries',
  text: `update webhook_deliveries d
    set state = 'given_up', last_error = 'webhook_removed', finished_at = now(), leased_until = null
    where d.id in (
      select w.id from webhook_deliveries w
      where w.ledger = $1 and w.webhook = $2 and w.state = 'pending'
      order by w.due_at, w.id
      limit 1000
    )
    returning true as given_up`,
};

const forget = {
  name: 'forget_deliveries',
  text: `delete from webhook_deliveries d
    where d.id in (
      select w.id from webhook_deliveries w
      where w.state = 'delivered' and w.finished_at < now() - make_interval(days => $1)
      order by w.finished_at, w.id
      limit 1000
    )
    returning true as forgotten`,
};

const batchSize = 1_000;

/** Writes deliveries down; one that is there already stays as it is. Answers how many were new. */
export async function insertDeliveries(
  database: Database,
  ledger: string,
  webhook: string,
  deliveries: readonly NewDelivery[],
): Promise<number> {
  if (deliveries.length === 0) return 0;
  const rows = await rowsOf(database, insert, [
    ledger,
    webhook,
    deliveries.map(({ id }) => id),
    deliveries.map(({ type }) => type),
    deliveries.map(({ revision }) => revision),
    deliveries.map(({ activation }) => (activation === undefined ? null : JSON.stringify(activation))),
  ]);
  return rows.length;
}

/** How many wait for one webhook; `limit` when they are that many or more. */
export async function pendingDeliveries(
  database: Database,
  ledger: string,
  webhook: string,
  limit: number,
): Promise<number> {
  const [row] = await rowsOf<{ pending: number }>(database, pending, [ledger, webhook, limit]);
  return row?.pending ?? 0;
}

/** Of every webhook the `lanes` deliveries that have been due longest. */
export async function dueDeliveries(database: Database, lanes: number): Promise<readonly string[]> {
  return (await rowsOf<{ id: string }>(database, due, [lanes])).map(({ id }) => id);
}

/** The same of one webhook. */
export async function dueDeliveriesOf(
  database: Database,
  ledger: string,
  webhook: string,
  lanes: number,
): Promise<readonly string[]> {
  return (await rowsOf<{ id: string }>(database, dueOfOne, [ledger, webhook, lanes])).map(({ id }) => id);
}

/** Takes a delivery for so long; undefined when it is not due, not there, finished, or somebody else's. Counts the attempt. */
export async function claimDelivery(
  database: Database,
  id: string,
  leaseMs: number,
): Promise<DeliveryRow | undefined> {
  const [row] = await rowsOf<DeliveryRow>(database, claim, [id, leaseMs]);
  return row;
}

export interface DeliveryOutcome {
  readonly state: DeliveryRecord['state'];
  /** What the receiver answered; null when it did not. */
  readonly status: number | null;
  readonly error: string | null;
  /** Until the next attempt, when it is still pending. */
  readonly waitMs: number;
}

export async function finishDelivery(
  database: Database,
  { id, attempts }: Pick<DeliveryRow, 'id' | 'attempts'>,
  { state, status, error, waitMs }: DeliveryOutcome,
): Promise<void> {
  await rowsOf(database, finish, [id, attempts, state, status, error, waitMs]);
}

/** Gives up what still waits for a webhook that is removed; batches of 1,000. Answers how many. */
export async function giveUpDeliveries(database: Database, ledger: string, webhook: string): Promise<number> {
  return inBatches(database, drop, [ledger, webhook], batchSize);
}

/** Forgets, in all ledgers, what was delivered that long ago; batches of 1,000. Answers how many. */
export async function forgetDeliveries(database: Database, olderThanDays: number): Promise<number> {
  return inBatches(database, forget, [olderThanDays], batchSize);
}
