/**
 * Finds the notices of webhooks in the ledger and writes them down as deliveries. In: the read models and each webhook's
 * cursor; out: rows, each once. It holds nothing in memory: whoever runs it, wherever, goes on where the cursors stand.
 *
 * The cursor moves in the transaction that inserts the rows, under the lock of its row. If we stop before the commit,
 * neither happened and the next run writes the same rows; if we stop after it, the rows wait for the sweep.
 */
import type pg from 'pg';
import { transaction } from '../database/pool.ts';
import type { Activation } from '../domain/background-questions.ts';
import type { DataOf } from '../domain/event.ts';
import { modelSubject, overrideSubject } from '../domain/event.ts';
import { formatInstant } from '../domain/instant.ts';
import type { PageRequest } from '../domain/questions.ts';
import type { ScheduledTurn } from '../domain/schedule-questions.ts';
import type { LiveTurn } from '../domain/turns.ts';
import { listSchedule } from '../queries/list-schedule.ts';
import { eventsBehind, knownOf, lockCursor, moveCursor, openWebhooks } from '../queries/webhook-cursors.ts';
import { insertDeliveries, type NewDelivery, pendingDeliveries } from '../queries/webhook-deliveries.ts';
import { closeWebhook } from './close-webhook.ts';
import { activationDeliveryId, eventDeliveryId } from './delivery-id.ts';

export interface WriteDownOptions {
  readonly pool: pg.Pool;
  /** Waiting deliveries of one webhook beyond which its cursor stands still; 10,000 when absent. */
  readonly maxPending?: number;
}

type Webhook = DataOf<'WebhookCreated'>;

/** The read models that events and schedules are read from. */
const projections = ['history', 'assertions', 'prices', 'catalogue'];
const pageSize = 1_000;
const defaultMaxPending = 10_000;

/** Writes down what a ledger has to tell; answers how many deliveries are new. Failures: `unavailable`. */
export async function writeDownDeliveries(options: WriteDownOptions, ledger: string): Promise<number> {
  // The clock is read before the checkpoints: what they do not hold yet was recorded later, or is looked for again below.
  const known = await knownOf(options.pool, ledger, projections);
  let written = 0;
  for (const { webhook, removed } of await openWebhooks(options.pool, ledger)) {
    if (removed) await closeWebhook(options.pool, ledger, webhook.id);
    else written += await writeDownFor(options, ledger, webhook, known);
  }
  return written;
}

interface Known {
  readonly revision: number;
  readonly clock: number;
}

async function writeDownFor(
  { pool, maxPending = defaultMaxPending }: WriteDownOptions,
  ledger: string,
  webhook: Webhook,
  known: Known,
): Promise<number> {
  let written = 0;
  for (;;) {
    // A receiver that is away does not fill the table: its cursor waits, and nothing is lost.
    if ((await pendingDeliveries(pool, ledger, webhook.id, maxPending)) >= maxPending) return written;
    const step = await transaction(pool, (client) => writeDownPage(client, ledger, webhook, known));
    written += step.written;
    if (step.isCaughtUp) break;
    if (step.isDone) return written;
  }
  if (!wants(webhook, 'activation')) return written;
  return written + (await writeDownActivations(pool, ledger, webhook, known));
}

function wants({ types }: Webhook, type: string): boolean {
  return types.some((wanted) => wanted === '*' || wanted === type);
}

interface Step {
  readonly written: number;
  /** Nothing more can be done now. */
  readonly isDone: boolean;
  /** The cursor stands where the read models do. */
  readonly isCaughtUp: boolean;
}

async function writeDownPage(
  client: pg.PoolClient,
  ledger: string,
  webhook: Webhook,
  known: Known,
): Promise<Step> {
  const cursor = await lockCursor(client, ledger, webhook.id);
  if (cursor === undefined) return { written: 0, isDone: true, isCaughtUp: false };
  const page = await eventsBehind(client, ledger, cursor.revision, known.revision, pageSize);
  // Read models that are being made again may have holes for a while; what is behind one is not passed over.
  const events = page.filter(({ revision }, index) => revision === cursor.revision + 1 + index);
  const last = events.at(-1);
  const [first] = events;
  if (first === undefined || last === undefined) {
    return { written: 0, isDone: true, isCaughtUp: cursor.revision >= known.revision && known.revision > 0 };
  }
  const deliveries = events
    .filter(({ type }) => wants(webhook, type))
    .map(({ type, revision }) => ({ id: eventDeliveryId(ledger, webhook.id, revision), type, revision }));
  const written = await insertDeliveries(client, ledger, webhook.id, deliveries);
  // An event may have foretold what has begun before we knew of it: that stretch is looked through again.
  const lookedUntil = Math.min(cursor.lookedUntil, first.recorded_at);
  await moveCursor(client, ledger, webhook.id, { revision: last.revision, lookedUntil });
  return { written, isDone: events.length < page.length, isCaughtUp: last.revision >= known.revision };
}

/** Looks page by page from the cursor to the clock; each page is written down, then the cursor moves behind it. */
async function writeDownActivations(
  pool: pg.Pool,
  ledger: string,
  webhook: Webhook,
  known: Known,
): Promise<number> {
  let written = 0;
  for (;;) {
    const step = await transaction(pool, async (client) => {
      const cursor = await lockCursor(client, ledger, webhook.id);
      // Whoever moved it on meanwhile knows more, and looks himself.
      if (cursor === undefined || cursor.revision !== known.revision) return undefined;
      const stretch = { after: cursor.lookedUntil, until: known.clock };
      if (stretch.after >= stretch.until) return undefined;
      let count = 0;
      let lookedUntil = stretch.after;
      let next: string | null | undefined;
      // What turns together with the last item of a page may stand on the next one: the cursor stays before it.
      while (next !== null && lookedUntil <= stretch.after) {
        const page = await listSchedule(client, ledger, known.revision, stretch, {}, pageBehind(next));
        const turned = page.items.filter((turn) => turn.kind === 'sunset' || !turn.isShadowed);
        const deliveries = turned.map(deliveryOf(ledger, webhook.id));
        count += await insertDeliveries(client, ledger, webhook.id, deliveries);
        lookedUntil = (page.items.at(-1)?.at ?? stretch.after) - 1;
        next = page.nextCursor;
      }
      if (next === null) lookedUntil = stretch.until;
      await moveCursor(client, ledger, webhook.id, { revision: cursor.revision, lookedUntil });
      return { count, isLast: next === null };
    });
    written += step?.count ?? 0;
    if (step === undefined || step.isLast) return written;
  }
}

function pageBehind(cursor: string | undefined): PageRequest {
  return { limit: pageSize, ...(cursor === undefined ? {} : { cursor }) };
}

function deliveryOf(ledger: string, webhook: string): (turn: ScheduledTurn) => NewDelivery {
  return (scheduled) => {
    const activation: Activation = { at: formatInstant(scheduled.at), turn: turnOf(scheduled) };
    const { revision } = scheduled;
    return {
      id: activationDeliveryId(ledger, webhook, activation),
      type: 'activation',
      revision,
      activation,
    };
  };
}

/** As streams tell it. */
function turnOf(scheduled: ScheduledTurn): LiveTurn {
  switch (scheduled.kind) {
    case 'activation':
    case 'expiry': {
      const { kind, key, scope, revision } = scheduled;
      return { kind, subject: overrideSubject(key, scope), key, scope, revision };
    }
    case 'price': {
      const { kind, model, revision } = scheduled;
      return { kind, subject: modelSubject(model), model, revision };
    }
    case 'sunset': {
      const { kind, model, successor } = scheduled;
      return { kind, subject: modelSubject(model), model, ...(successor === undefined ? {} : { successor }) };
    }
    default:
      return scheduled satisfies never;
  }
}
