/**
 * Secrets and signatures of webhooks as Standard Webhooks has them (standardwebhooks.com, spec 1.0.0).
 * Text `whsec_<base64>` outside, 24 to 64 bytes within. Knows neither clock nor table.
 */
import { createHmac } from 'node:crypto';

const prefix = 'whsec_';
const minBytes = 24;
const maxBytes = 64;
const base64 = /^[A-Za-z0-9+/]+={0,2}$/;

/** The bytes of a secret; undefined for what is none. */
export function parseWebhookSecret(text: string): Buffer | undefined {
  const encoded = text.slice(prefix.length);
  if (!text.startsWith(prefix) || !base64.test(encoded)) return undefined;
  const bytes = Buffer.from(encoded, 'base64');
  if (bytes.toString('base64').replace(/=+$/, '') !== encoded.replace(/=+$/, '')) return undefined;
  return bytes.length >= minBytes && bytes.length <= maxBytes ? bytes : undefined;
}

export function formatWebhookSecret(secret: Buffer): string {
  return `${prefix}${secret.toString('base64')}`;
}

/** What is sent. */
export interface SignedNotice {
  readonly body: string;
  readonly headers: Readonly<Record<string, string>>;
}

/**
 * Signs a notice with every secret, the newest first; `sentAt` is when this attempt is made, epoch milliseconds.
 * The signature covers id, time and the very bytes of the body.
 */
export function signNotice(
  id: string,
  sentAt: number,
  body: string,
  secrets: readonly Buffer[],
): SignedNotice {
  const timestamp = String(Math.floor(sentAt / 1000));
  const signatures = secrets.map(
    (secret) => `v1,${createHmac('sha256', secret).update(`${id}.${timestamp}.${body}`).digest('base64')}`,
  );
  return {
    body,
    headers: {
      'content-type': 'application/json',
      'webhook-id': id,
      'webhook-timestamp': timestamp,
      'webhook-signature': signatures.join(' '),
    },
  };
}
