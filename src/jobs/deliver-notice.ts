/**
 * One attempt at one delivery: claim, make the notice, send it, mark what came of it.
 * In: the id of a delivery, from a job that may be here twice or for nothing; out: a marked row.
 *
 * - Two workers with the same job: the claim is one update of one row, and gives it to one of them for the lease.
 * - If we die after the claim and before the answer is marked, the lease runs out and the next sweep sends it again:
 *   the receiver may have it already, and knows it by its id.
 * - If the queue is wiped while we send, the mark is made all the same; only the job's own end finds no job.
 */
import type pg from 'pg';
import { eventAnswer } from '../domain/event-answer.ts';
import { findEvents } from '../queries/find-events.ts';
import { findWebhook } from '../queries/find-webhook.ts';
import {
  claimDelivery,
  type DeliveryOutcome,
  type DeliveryRow,
  finishDelivery,
} from '../queries/webhook-deliveries.ts';
import { webhookSecrets } from '../queries/webhook-secrets.ts';
import { defaultTotalMs, type PostOptions, type PostOutcome, postNotice } from './post-notice.ts';
import { signNotice } from './webhook-secret.ts';

export interface RetryPlan {
  /** The first included; 10 when absent: with the waits below that is about a day. */
  readonly maxAttempts?: number;
  /** Before the second attempt, milliseconds; 5,000 when absent. Each further one is four times as long, at most six hours. */
  readonly firstWaitMs?: number;
}

export interface DeliverOptions {
  readonly pool: pg.Pool;
  readonly post: PostOptions;
  readonly retry?: RetryPlan;
  /** Epoch milliseconds. */
  readonly now: () => number;
  /** 0 up to 1. */
  readonly random: () => number;
}

const defaultMaxAttempts = 10;
const defaultFirstWaitMs = 5_000;
const longestWaitMs = 6 * 60 * 60 * 1_000;
const growth = 4;
/** Beyond the longest attempt, so that nobody sends what somebody else still sends. */
const leaseBeyondMs = 45_000;

/** Answers the delivery with what came of it; undefined when there was nothing to do. Failures: `unavailable`. */
export async function deliverNotice(
  options: DeliverOptions,
  id: string,
): Promise<{ readonly delivery: DeliveryRow; readonly outcome: DeliveryOutcome } | undefined> {
  const { pool, post, retry = {} } = options;
  const leaseMs = (post.totalMs ?? defaultTotalMs) + leaseBeyondMs;
  const delivery = await claimDelivery(pool, id, leaseMs);
  if (delivery === undefined) return undefined;
  const result = await attempt(options, delivery);
  const outcome = outcomeOf(result, delivery.attempts, retry, options.random);
  await finishDelivery(pool, delivery, outcome);
  return { delivery, outcome };
}

/** What becomes of a delivery after its n-th attempt. 410 says that nobody listens there any more. */
export function outcomeOf(
  { status, error }: PostOutcome,
  attempts: number,
  { maxAttempts = defaultMaxAttempts, firstWaitMs = defaultFirstWaitMs }: RetryPlan,
  random: () => number,
): DeliveryOutcome {
  if (error === undefined) return { state: 'delivered', status, error: null, waitMs: 0 };
  if (status === 410) return { state: 'given_up', status, error: 'gone', waitMs: 0 };
  if (attempts >= maxAttempts) return { state: 'given_up', status, error, waitMs: 0 };
  const waitMs = Math.min(firstWaitMs * growth ** (attempts - 1), longestWaitMs);
  // Up to a fifth earlier or later: what failed together does not come back together.
  return { state: 'pending', status, error, waitMs: Math.round(waitMs * (0.8 + 0.4 * random())) };
}

async function attempt({ pool, post, now }: DeliverOptions, delivery: DeliveryRow): Promise<PostOutcome> {
  const { ledger, webhook, revision } = delivery;
  const [secrets, found, events] = await Promise.all([
    webhookSecrets(pool, ledger, webhook),
    findWebhook(pool, ledger, webhook),
    findEvents(pool, ledger, [revision]),
  ]);
  if (secrets.length === 0) return { status: null, error: 'no_secret' };
  const event = events.get(revision);
  // Read models that are being made again do not have it just now.
  if (found === undefined || event === undefined) return { status: null, error: 'not_in_history' };
  const body = JSON.stringify(
    delivery.activation === null
      ? { type: event.type, timestamp: event.recordedAt, ledger, data: eventAnswer(event) }
      : activationBody(ledger, delivery.activation),
  );
  return postNotice(found.url, signNotice(delivery.id, now(), body, secrets), post);
}

/** As streams tell it. */
function activationBody(ledger: string, { at, turn }: NonNullable<DeliveryRow['activation']>) {
  return { type: 'activation', timestamp: at, ledger, data: { at, items: [turn] } };
}
