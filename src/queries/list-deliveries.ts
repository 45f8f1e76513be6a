/**
 * Questions: which notices were there for a webhook, what became of them, and how many wait? And one more try by hand.
 */
import { z } from 'zod';
import type { DeliveryFilter, DeliveryRecord } from '../domain/background-questions.ts';
import type { Page, PageRequest } from '../domain/questions.ts';
import { cursorOf, pageOf } from './cursor.ts';
import { type Database, rowsOf } from './rows-of.ts';
import { type DeliveryRow, deliveryColumns } from './webhook-deliveries.ts';

const deliveryCursor = cursorOf(z.strictObject({ createdAt: z.number().int().nonnegative(), id: z.uuid() }));

/** A page, the newest first. Failure `invalid` for a bad cursor. */
export async function listDeliveries(
  database: Database,
  ledger: string,
  webhook: string,
  { state }: DeliveryFilter,
  page: PageRequest,
): Promise<Page<DeliveryRecord>> {
  const behind = deliveryCursor.read(page.cursor);
  const values: unknown[] = [ledger, webhook, page.limit + 1];
  const conditions: string[] = [];
  if (state !== undefined) conditions.push(` and d.state = $${values.push(state)}`);
  if (behind !== undefined) {
    const at = values.push(behind.createdAt);
    const id = values.push(behind.id);
    conditions.push(` and (d.created_at, d.id) < (to_timestamp($${at}::float8 / 1000), $${id}::uuid)`);
  }
  const text = `select ${deliveryColumns} from webhook_deliveries d
    where d.ledger = $1 and d.webhook = $2${conditions.join('')}
    order by d.created_at desc, d.id desc
    limit $3`;
  const rows = await rowsOf<DeliveryRow>(database, { text }, values);
  return pageOf(rows, page, deliveryOf, (row) =>
    deliveryCursor.write({ createdAt: row.created_at, id: row.id }),
  );
}

const one = {
  name: 'find_delivery',
  text: `select ${deliveryColumns} from webhook_deliveries d where d.ledger = $1 and d.webhook = $2 and d.id = $3`,
};

/** Undefined for an unknown one. */
export async function findDelivery(
  database: Database,
  ledger: string,
  webhook: string,
  id: string,
): Promise<DeliveryRecord | undefined> {
  const [row] = await rowsOf<DeliveryRow>(database, one, [ledger, webhook, id]);
  return row === undefined ? undefined : deliveryOf(row);
}

const retry = {
  name: 'retry_delivery',
  text: `update webhook_deliveries d
    set state = 'pending', attempts = 0, due_at = now(), finished_at = null
    where d.ledger = $1 and d.webhook = $2 and d.id = $3
    returning ${deliveryColumns}`,
};

/** Makes a delivery due now, with all its attempts before it, whatever became of it. Undefined for an unknown one. */
export async function retryDelivery(
  database: Database,
  ledger: string,
  webhook: string,
  id: string,
): Promise<DeliveryRecord | undefined> {
  const [row] = await rowsOf<DeliveryRow>(database, retry, [ledger, webhook, id]);
  return row === undefined ? undefined : deliveryOf(row);
}

const openOnes = {
  name: 'open_deliveries',
  text: `select d.webhook, count(*) filter (where d.state = 'pending') as pending,
      count(*) filter (where d.state = 'given_up') as given_up
    from webhook_deliveries d
    where d.ledger = $1 and d.state in ('pending', 'given_up')
    group by d.webhook
    order by d.webhook
    limit 10000`,
};

/** By webhook; those with neither are left out. */
export async function openDeliveries(
  database: Database,
  ledger: string,
): Promise<ReadonlyMap<string, { readonly pending: number; readonly givenUp: number }>> {
  const rows = await rowsOf<{ webhook: string; pending: number; given_up: number }>(database, openOnes, [
    ledger,
  ]);
  return new Map(rows.map(({ webhook, pending, given_up }) => [webhook, { pending, givenUp: given_up }]));
}

const counts = {
  name: 'count_deliveries',
  text: `select d.state, count(*) as count from webhook_deliveries d group by d.state order by d.state limit 10`,
};

/** How many there are in each state, of all ledgers; delivered ones until they are forgotten. */
export async function countDeliveries(
  database: Database,
): Promise<Readonly<Record<DeliveryRecord['state'], number>>> {
  const rows = await rowsOf<{ state: DeliveryRecord['state']; count: number }>(database, counts, []);
  const found = new Map(rows.map(({ state, count }) => [state, count]));
  return {
    pending: found.get('pending') ?? 0,
    delivered: found.get('delivered') ?? 0,
    given_up: found.get('given_up') ?? 0,
  };
}

function deliveryOf(row: DeliveryRow): DeliveryRecord {
  return {
    id: row.id,
    ledger: row.ledger,
    webhook: row.webhook,
    type: row.type,
    revision: row.revision,
    activation: row.activation,
    state: row.state,
    attempts: row.attempts,
    dueAt: row.due_at,
    lastStatus: row.last_status,
    lastError: row.last_error,
    createdAt: row.created_at,
    finishedAt: row.finished_at,
  };
}
