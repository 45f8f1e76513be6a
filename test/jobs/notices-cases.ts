/**
 * What notices promise on every queue, run by notices.integration.test.ts and notices.redis.test.ts.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import type { AnyChange } from '../../src/domain/change.ts';
import { formatWebhookSecret } from '../../src/jobs/webhook-secret.ts';
import { retryDelivery } from '../../src/queries/list-deliveries.ts';
import { rotateWebhookSecret } from '../../src/queries/webhook-secrets.ts';
import type { ReceiverOptions } from '../support/receiver.ts';
import { until } from './chores-cases.ts';
import { keysTo, type NoticesPlace, type NoticesStand, secret, standOn, start } from './notices-stand.ts';

const wipes = 8;

/** `count` deliveries wait in the tables when the queue is wiped, and again whenever some more of them have arrived. */
export function testWipes(place: () => NoticesPlace, count: number): void {
  const { receiverOf, ledgerOf, startWork, allAre, deliveriesOf } = standOn(place);

  test(`the queue is wiped again and again with ${count} deliveries waiting: every notice arrives`, async () => {
    let isOpen = false;
    const answer: ReceiverOptions['answer'] = async (response) => {
      while (!isOpen) await sleep(5);
      response.writeHead(204).end();
    };
    const receiver = await receiverOf({ answer });
    const ledger = await ledgerOf([{ id: 'w', url: receiver.url }], keysTo(count));
    await startWork(ledger);
    await until(async () => receiver.requests.length > 0 && (await allAre(ledger, 'pending', count)));
    await place().wipe();
    expect((await deliveriesOf(ledger)).filter(({ state }) => state === 'pending')).toHaveLength(count);
    isOpen = true;
    // Also in the middle of adding jobs, which may leave halves of them behind.
    for (let part = 1; part <= wipes; part++) {
      await until(() => receiver.counts.size >= (count * part) / (wipes + 1));
      await place().wipe();
    }
    await until(() => allAre(ledger, 'delivered', count));
    // A receiver that remembers ids has heard of each event once, whatever came twice.
    const revisions = new Map(receiver.requests.map(({ id, body }) => [id, body.data.revision]));
    expect([...revisions.values()].sort((a, b) => a - b)).toEqual(
      Array.from({ length: count }, (_, n) => n + 2),
    );
    expect([...revisions.keys()].sort()).toEqual((await deliveriesOf(ledger)).map(({ id }) => id).sort());
  });
}

export function testNotices(place: () => NoticesPlace): void {
  const stand: NoticesStand = standOn(place);
  const { receiverOf, ledgerOf, startWork, allAre, deliveriesOf } = stand;

  test('a notice says who, when and why, as answers do', async () => {
    const receiver = await receiverOf();
    const ledger = await ledgerOf([{ id: 'w', url: receiver.url }], keysTo(1));
    await startWork(ledger);
    await until(() => allAre(ledger, 'delivered', 1));
    expect(receiver.requests).toHaveLength(1);
    expect(receiver.requests[0]?.body).toEqual({
      type: 'KeyDefined',
      timestamp: '2026-01-01T00:00:01.000Z',
      ledger,
      data: expect.objectContaining({
        revision: 2,
        type: 'KeyDefined',
        subject: 'key:k0',
        reason: 'because',
        actor: { id: 'ann', kind: 'api_key' },
        changes: expect.arrayContaining([{ field: 'key', before: null, after: 'k0' }]),
      }),
    });
    expect(receiver.requests[0]?.headers['webhook-id']).toBe((await deliveriesOf(ledger))[0]?.id);
  });

  test('a failed delivery is tried again, under the same id, until it is acknowledged', async () => {
    const answer: ReceiverOptions['answer'] = (response, _heard, times) =>
      void response.writeHead(times < 3 ? 503 : 200).end('thanks');
    const receiver = await receiverOf({ answer });
    const ledger = await ledgerOf([{ id: 'w', url: receiver.url }], keysTo(2));
    await startWork(ledger);
    await until(() => allAre(ledger, 'delivered', 2));
    expect([...receiver.counts.values()]).toEqual([3, 3]);
    expect(await deliveriesOf(ledger)).toMatchObject([
      { attempts: 3, lastStatus: 200, lastError: null },
      { attempts: 3, lastStatus: 200, lastError: null },
    ]);
  });

  test('given up after the last attempt, visibly; by hand it is tried again', async () => {
    let isBroken = true;
    const answer: ReceiverOptions['answer'] = (response) =>
      void response.writeHead(isBroken ? 500 : 204).end();
    const receiver = await receiverOf({ answer });
    const ledger = await ledgerOf([{ id: 'w', url: receiver.url }], keysTo(1));
    await startWork(ledger, { retry: { firstWaitMs: 5, maxAttempts: 3 } });
    await until(() => allAre(ledger, 'given_up', 1));
    const [delivery] = await deliveriesOf(ledger);
    expect(delivery).toMatchObject({ attempts: 3, lastStatus: 500, lastError: 'not_acknowledged' });
    expect(receiver.requests).toHaveLength(3);
    isBroken = false;
    await retryDelivery(place().database.pool, ledger, 'w', delivery?.id ?? '');
    await until(() => allAre(ledger, 'delivered', 1));
    expect([...receiver.counts.values()]).toEqual([4]);
  });

  test('who answers 410 is not asked again', async () => {
    const receiver = await receiverOf({ answer: (response) => void response.writeHead(410).end() });
    const ledger = await ledgerOf([{ id: 'w', url: receiver.url }], keysTo(1));
    await startWork(ledger);
    await until(() => allAre(ledger, 'given_up', 1));
    expect(await deliveriesOf(ledger)).toMatchObject([{ attempts: 1, lastStatus: 410, lastError: 'gone' }]);
  });

  test('who lets us wait holds up nobody else, and is asked by a few at once only', async () => {
    let isOpen = false;
    const answer: ReceiverOptions['answer'] = async (response) => {
      while (!isOpen) await sleep(5);
      response.writeHead(204).end();
    };
    const slow = await receiverOf({ answer });
    const quick = await receiverOf();
    const hooks = [
      { id: 'slow', url: slow.url },
      { id: 'quick', url: quick.url },
    ];
    const ledger = await ledgerOf(hooks, keysTo(60));
    await startWork(ledger);
    await until(() => allAre(ledger, 'delivered', 60, 'quick'));
    expect(slow.requests).toHaveLength(8);
    isOpen = true;
    await until(() => allAre(ledger, 'delivered', 60, 'slow'));
    expect(slow.mostAtOnce()).toBeLessThanOrEqual(8);
  });

  test('of two servers one sends each notice', async () => {
    const answer: ReceiverOptions['answer'] = async (response) => {
      await sleep(5);
      response.end();
    };
    const receiver = await receiverOf({ answer });
    const ledger = await ledgerOf([{ id: 'w', url: receiver.url }], keysTo(100));
    const troubles = (await Promise.all([startWork(ledger), startWork(ledger)])).map((work) => work.troubles);
    await until(() => allAre(ledger, 'delivered', 100));
    expect(receiver.counts.size).toBe(100);
    expect(receiver.requests).toHaveLength(100);
    expect(troubles).toEqual([[], []]);
  });

  test('while a secret is rotated both sign; afterwards the new one alone', async () => {
    const { pool } = place().database;
    const newer = Buffer.alloc(24, 9);
    const receiver = await receiverOf({ secrets: [formatWebhookSecret(secret), formatWebhookSecret(newer)] });
    const ledger = await ledgerOf([{ id: 'w', url: receiver.url }], keysTo(1));
    await rotateWebhookSecret(pool, ledger, 'w', newer, 3_600);
    await startWork(ledger);
    await until(() => allAre(ledger, 'delivered', 1));
    const signatures = String(receiver.requests[0]?.headers['webhook-signature']).split(' ');
    expect(signatures).toHaveLength(2);
    await rotateWebhookSecret(pool, ledger, 'w', Buffer.alloc(24, 10), 0);
    const [delivery] = await deliveriesOf(ledger);
    await retryDelivery(pool, ledger, 'w', delivery?.id ?? '');
    // Nobody here knows the third secret, and the first two sign no more.
    await until(async () => (await deliveriesOf(ledger))[0]?.lastStatus === 401);
  });

  test('what turns by itself is told, once, with its moment', async () => {
    const receiver = await receiverOf();
    const from = new Date(start + 3_600_000).toISOString();
    const until_ = new Date(start + 7_200_000).toISOString();
    const changes: readonly AnyChange[] = [
      { type: 'defineKey', key: 'k', valueType: 'integer', fallback: 0 },
      {
        type: 'setOverride',
        key: 'k',
        scope: 'tenant:a',
        value: 1,
        effectiveFrom: from,
        effectiveUntil: until_,
      },
    ];
    const ledger = await ledgerOf([{ id: 'w', url: receiver.url, types: ['activation'] }], changes);
    await startWork(ledger);
    await until(() => allAre(ledger, 'delivered', 2));
    // Further sweeps look at nothing twice.
    await sleep(300);
    const told = receiver.requests
      .map(({ body }) => body)
      .sort((a, b) => (a.timestamp < b.timestamp ? -1 : 1));
    const turn = { subject: 'override:k@tenant:a', key: 'k', scope: 'tenant:a', revision: 3 };
    expect(told).toEqual([
      {
        type: 'activation',
        timestamp: from,
        ledger,
        data: { at: from, items: [{ kind: 'activation', ...turn }] },
      },
      {
        type: 'activation',
        timestamp: until_,
        ledger,
        data: { at: until_, items: [{ kind: 'expiry', ...turn }] },
      },
    ]);
  });
}
