/**
 * Question: where does a webhook lead, as the ledger says? Also one that is removed.
 */

import { webhookSubject } from '../domain/event.ts';
import type { WebhookState } from '../domain/subject-state.ts';
import { type Database, rowsOf } from './rows-of.ts';

const statement = {
  name: 'find_webhook',
  text: 'select s.state from subjects s where s.ledger = $1 and s.subject = $2 order by s.subject limit 1',
};

/** Undefined for an unknown one. */
export async function findWebhook(
  database: Database,
  ledger: string,
  id: string,
): Promise<WebhookState | undefined> {
  const [row] = await rowsOf<{ state: WebhookState }>(database, statement, [ledger, webhookSubject(id)]);
  return row?.state;
}
