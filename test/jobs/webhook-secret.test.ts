/** Secrets and signatures, held against the official Standard Webhooks library. */
import { Webhook } from 'standardwebhooks';
import { expect, test } from 'vitest';
import { outcomeOf } from '../../src/jobs/deliver-notice.ts';
import { activationDeliveryId, eventDeliveryId } from '../../src/jobs/delivery-id.ts';
import { formatWebhookSecret, parseWebhookSecret, signNotice } from '../../src/jobs/webhook-secret.ts';

const secret = (bytes: number, fill = 5) => Buffer.alloc(bytes, fill);

test('a secret is whsec_ and 24 to 64 bytes in base64, and comes back as it went', () => {
  for (const bytes of [24, 32, 33, 64]) {
    expect(parseWebhookSecret(formatWebhookSecret(secret(bytes, 251)))).toEqual(secret(bytes, 251));
  }
  const bad = [
    '',
    'whsec_',
    formatWebhookSecret(secret(23)),
    formatWebhookSecret(secret(65)),
    'whsec_%%%%',
    'secret',
  ];
  const good = formatWebhookSecret(secret(24));
  bad.push(
    good.replace('whsec_', ''),
    `${good}\n`,
    good.replace('whsec_', 'whsec-'),
    `${good}=====`,
    `${good} `,
  );
  for (const text of bad) expect([text, parseWebhookSecret(text)]).toEqual([text, undefined]);
});

test('the official library takes every one of two signatures, and no other', () => {
  const [older, newer] = [secret(24, 1), secret(64, 2)];
  const { body, headers } = signNotice('msg_1', Date.now(), '{"type":"KeyDefined","ü":"✓"}', [newer, older]);
  for (const one of [older, newer]) {
    expect(new Webhook(formatWebhookSecret(one)).verify(body, { ...headers })).toEqual(JSON.parse(body));
  }
  const verify = (changed: string, with_: Record<string, string>) =>
    new Webhook(formatWebhookSecret(newer)).verify(changed, with_);
  expect(() => verify(`${body} `, { ...headers })).toThrow('No matching signature found');
  expect(() => verify(body, { ...headers, 'webhook-id': 'msg_2' })).toThrow('No matching signature found');
  expect(() => new Webhook(formatWebhookSecret(secret(24, 3))).verify(body, { ...headers })).toThrow(
    'No matching signature found',
  );
});

test('the time between attempts grows fourfold, up to six hours, a fifth earlier or later, for about a day', () => {
  const failed = { status: 500, error: 'not_acknowledged' };
  const waits = (random: number) =>
    Array.from({ length: 9 }, (_, n) => outcomeOf(failed, n + 1, {}, () => random).waitMs / 1_000);
  expect(waits(0.5)).toEqual([5, 20, 80, 320, 1_280, 5_120, 20_480, 21_600, 21_600]);
  expect(waits(0).slice(0, 2)).toEqual([4, 16]);
  expect(waits(0.999_999).map(Math.round).slice(0, 2)).toEqual([6, 24]);
  const hours = waits(0.5).reduce((sum, seconds) => sum + seconds, 0) / 3_600;
  expect(hours).toBeGreaterThan(18);
  expect(hours).toBeLessThan(24);
  expect(outcomeOf(failed, 10, {}, () => 0)).toMatchObject({ state: 'given_up', status: 500 });
  expect(outcomeOf({ status: 410, error: 'not_acknowledged' }, 1, {}, () => 0)).toMatchObject({
    state: 'given_up',
    error: 'gone',
  });
  expect(outcomeOf({ status: 204 }, 10, {}, () => 0)).toMatchObject({ state: 'delivered', error: null });
});

test('an id is made of what the notice is about, and of nothing else', () => {
  const turn = {
    kind: 'activation',
    subject: 'override:k@global',
    key: 'k',
    scope: 'global',
    revision: 3,
  } as const;
  const at = '2026-01-01T00:00:00.000Z';
  const ids = [
    eventDeliveryId('default', 'w', 1),
    eventDeliveryId('default', 'w', 2),
    eventDeliveryId('default', 'v', 1),
    eventDeliveryId('other', 'w', 1),
    activationDeliveryId('default', 'w', { at, turn }),
    activationDeliveryId('default', 'w', { at, turn: { ...turn, kind: 'expiry' } }),
  ];
  expect(new Set(ids).size).toBe(ids.length);
  expect(eventDeliveryId('default', 'w', 1)).toBe(ids[0]);
  // Foretold by another event: the same turn.
  expect(activationDeliveryId('default', 'w', { at, turn: { ...turn, revision: 4 } })).toBe(ids[4]);
  for (const id of ids)
    expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
});
