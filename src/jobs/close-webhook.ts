/**
 * What is done outside the ledger when a webhook is removed: what still waits for it is given up visibly, its secrets
 * are deleted, its cursor is closed. The event came first; if we stop in between, the next sweep finds the cursor open
 * and does it again, which changes nothing that is done.
 */
import type pg from 'pg';
import { closeCursor } from '../queries/webhook-cursors.ts';
import { giveUpDeliveries } from '../queries/webhook-deliveries.ts';
import { deleteWebhookSecrets } from '../queries/webhook-secrets.ts';

/** Failures: `unavailable`. */
export async function closeWebhook(pool: pg.Pool, ledger: string, webhook: string): Promise<void> {
  await deleteWebhookSecrets(pool, ledger, webhook);
  await giveUpDeliveries(pool, ledger, webhook);
  // Closed last: it is what the sweep goes by.
  await closeCursor(pool, ledger, webhook);
}
