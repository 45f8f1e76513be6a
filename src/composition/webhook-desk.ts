/**
 * Making webhooks and what belongs to them outside the ledger. The secret first, then the event, so that a webhook never
 * stands in the ledger without one. If we stop between the two, a secret without a webhook is left: it signs nothing.
 */
import type pg from 'pg';
import { Failure } from '../failure.ts';
import type { WebhookDesk } from '../http/dependencies.ts';
import { closeWebhook } from '../jobs/close-webhook.ts';
import { refusalOf } from '../jobs/post-notice.ts';
import { formatWebhookSecret, parseWebhookSecret } from '../jobs/webhook-secret.ts';
import { retryDelivery } from '../queries/list-deliveries.ts';
import {
  deleteWebhookSecrets,
  insertWebhookSecret,
  rotateWebhookSecret,
} from '../queries/webhook-secrets.ts';

export interface WebhookDeskOptions {
  readonly mayBePrivate: boolean;
  readonly randomWord: (length: number) => string;
  readonly randomSecret: (bytes: number) => Buffer;
  /** Told what could not be done now; the sweep does it. */
  readonly onTrouble: (failure: unknown) => void;
  /** Something became due by hand. */
  readonly wake: () => void;
}

const secretBytes = 32;

export function createWebhookDesk(pool: pg.Pool, options: WebhookDeskOptions): WebhookDesk {
  const { mayBePrivate, randomWord, randomSecret, onTrouble, wake } = options;
  const secretOf = (given: string | undefined): Buffer => {
    const secret = given === undefined ? randomSecret(secretBytes) : parseWebhookSecret(given);
    if (secret !== undefined) return secret;
    const message = 'a secret is whsec_ and 24 to 64 bytes in base64';
    throw new Failure('invalid', message, { details: [{ path: 'secret', message }] });
  };
  return {
    async create(ledger, told, given, meta) {
      const refusal = refusalOf(new URL(told.url), mayBePrivate);
      if (refusal !== undefined) throw forbiddenUrl(refusal);
      const secret = secretOf(given);
      const id = randomWord(16);
      // Somebody else's secret must be neither used nor deleted below.
      if (!(await insertWebhookSecret(pool, ledger.name, id, secret))) {
        throw new Failure('unavailable', 'the id that was drawn is taken; try again', {
          reason: 'id_is_taken',
        });
      }
      try {
        const result = await ledger.submit({ ...meta, changes: [{ type: 'createWebhook', id, ...told }] });
        return { id, secret: formatWebhookSecret(secret), result };
      } catch (failure) {
        // When the outcome is unknown the event may stand: the secret then has to stay.
        const isUnknown = failure instanceof Failure && failure.reason === 'outcome_unknown';
        if (!isUnknown) await deleteWebhookSecrets(pool, ledger.name, id).catch(onTrouble);
        throw failure;
      }
    },
    removed: (ledger, id) => closeWebhook(pool, ledger, id).catch(onTrouble),
    async rotate(ledger, id, given, overlapSeconds) {
      const secret = secretOf(given);
      const rotated = await rotateWebhookSecret(pool, ledger, id, secret, overlapSeconds);
      if (rotated !== undefined)
        return { secret: formatWebhookSecret(secret), oldExpiresAt: rotated.oldExpiresAt };
      throw new Failure('conflict', 'somebody else rotates the secret of this webhook just now', {
        reason: 'rotated_at_once',
      });
    },
    async retry(ledger, id, delivery) {
      const found = await retryDelivery(pool, ledger, id, delivery);
      if (found !== undefined) wake();
      return found;
    },
  };
}

function forbiddenUrl(reason: string): Failure {
  const message =
    'this URL leads to an address that is not public; VARVE_WEBHOOK_ALLOW_PRIVATE=true lets the server call it';
  return new Failure('refused', message, { reason, details: [{ path: 'url', message }] });
}
