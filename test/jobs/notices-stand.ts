/**
 * A stand for tests of notices: a ledger told into read models, a real queue, workers, and receivers that check signatures.
 * In: a fresh database with its queue, and a way to wipe that.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { onTestFinished } from 'vitest';
import type { DeliveryRecord } from '../../src/domain/background-questions.ts';
import type { AnyChange } from '../../src/domain/change.ts';
import { resolveBySystem } from '../../src/jobs/address-guard.ts';
import { startChores } from '../../src/jobs/chores.ts';
import { type NoticesOptions, startNotices } from '../../src/jobs/notices.ts';
import { openQueuePlace, type QueueConnection } from '../../src/jobs/queue-place.ts';
import { formatWebhookSecret } from '../../src/jobs/webhook-secret.ts';
import { listDeliveries } from '../../src/queries/list-deliveries.ts';
import { insertWebhookSecret } from '../../src/queries/webhook-secrets.ts';
import { project, tell } from '../queries/ledger-story.ts';
import type { TestDatabase } from '../support/database.ts';
import { type ReceiverOptions, startReceiver } from '../support/receiver.ts';

export interface NoticesPlace {
  readonly database: TestDatabase;
  readonly connection: QueueConnection;
  wipe(): Promise<void>;
}

/** What every webhook of the stand is signed with. */
export const secret = Buffer.alloc(32, 7);
/** When the first changeset is recorded; each further one a second later. */
export const start = Date.UTC(2026, 0, 1);
const fast = { firstWaitMs: 20 };

/** Each story is of a ledger of its own. */
let ledgers = 0;

export type NoticesStand = ReturnType<typeof standOn>;

export function standOn(place: () => NoticesPlace) {
  /** A ledger whose first events are webhooks, then come the changes, each a changeset of its own. */
  const ledgerOf = async (
    hooks: readonly {
      readonly id: string;
      readonly url: string;
      readonly types?: readonly ('*' | 'activation' | 'KeyDefined')[];
    }[],
    changes: readonly AnyChange[],
  ): Promise<string> => {
    ledgers += 1;
    const ledger = `notices-${ledgers}`;
    const made = hooks.map(
      ({ id, url, types = ['KeyDefined'] }): AnyChange => ({ type: 'createWebhook', id, url, types }),
    );
    const steps = [made, ...changes.map((change) => [change])].map((changes, index) => ({
      at: start + index * 1_000,
      changes,
    }));
    for (const { id } of hooks) await insertWebhookSecret(place().database.pool, ledger, id, secret);
    await project(place().database.pool, tell(ledger, steps));
    return ledger;
  };
  const startWork = async (ledger: string, options: Partial<NoticesOptions> = {}): Promise<Working> => {
    const troubles: unknown[] = [];
    const onTrouble = (failure: unknown) => void troubles.push(failure);
    const queuePlace = await openQueuePlace(place().connection);
    const notices = startNotices({
      place: queuePlace,
      pool: place().database.pool,
      ledgers: async () => [ledger],
      post: { resolve: resolveBySystem, mayBePrivate: true },
      retry: fast,
      now: () => Date.now(),
      random: () => 0.5,
      sweepMs: 100,
      onTrouble,
      ...options,
    });
    const chores = await startChores({
      connection: queuePlace,
      chores: [notices.chore],
      onTrouble,
      rescheduleMs: 200,
    });
    const stop = async () => {
      await Promise.all([chores.stop(), notices.stop()]);
      await queuePlace.end();
    };
    onTestFinished(stop);
    return { troubles };
  };
  const receiverOf = async (options: ReceiverOptions = {}) => {
    const receiver = await startReceiver({ secrets: [formatWebhookSecret(secret)], ...options });
    onTestFinished(() => receiver.close());
    return receiver;
  };
  const deliveriesOf = async (ledger: string, webhook = 'w'): Promise<readonly DeliveryRecord[]> =>
    (await listDeliveries(place().database.pool, ledger, webhook, {}, { limit: 1_000 })).items;
  /** Whether there are so many, all in one state; asked seldom, because asking costs what sending costs. */
  const allAre = async (ledger: string, state: string, count: number, webhook = 'w'): Promise<boolean> => {
    await sleep(20);
    const { rows } = await place().database.pool.query<{ all: number; so: number }>(
      `select count(*)::int as all, (count(*) filter (where state = $3))::int as so
       from webhook_deliveries where ledger = $1 and webhook = $2`,
      [ledger, webhook, state],
    );
    return rows[0]?.all === count && rows[0].so === count;
  };
  return { ledgerOf, startWork, receiverOf, deliveriesOf, allAre };
}

interface Working {
  readonly troubles: readonly unknown[];
}

/** So many changes. */
export function keysTo(count: number): readonly AnyChange[] {
  return Array.from({ length: count }, (_, n) => ({
    type: 'defineKey',
    key: `k${n}`,
    valueType: 'integer',
    fallback: n,
  }));
}
