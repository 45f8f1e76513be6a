/**
 * Webhooks through the whole product: made by the API, called by the server, seen and tried again, rotated, removed; and
 * what of background work an admin sees.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { startReceiver } from '../support/receiver.ts';
import { startTestVarve, type TestVarve } from '../support/varve.ts';
import { createApi } from '../support/varve-on.ts';

let varve: TestVarve;
beforeAll(async () => {
  varve = await startTestVarve({ webhookAllowPrivate: true });
});
afterAll(() => varve.stop());

const define = (key: string) => ({ type: 'defineKey', key, valueType: 'integer', fallback: 1 });

async function until(isSo: () => Promise<boolean>): Promise<void> {
  while (!(await isSo())) await sleep(20);
}

/** By route, a path of it: what is answered is what the document says. */
async function expectAsDocumented(paths: Readonly<Record<string, string>>): Promise<void> {
  const ajv = new Ajv2020({ strict: false, validateFormats: false });
  ajv.addSchema((await varve.call('GET', '/openapi.json')).body, 'document');
  for (const [route, path] of Object.entries(paths)) {
    const pointer = `document#/paths/${route.replaceAll('/', '~1')}/get/responses/200/content/application~1json/schema`;
    const { status, body } = await varve.call('GET', path);
    const isValid = ajv.validate({ $ref: encodeURI(pointer) }, body);
    expect([route, status, isValid ? [] : ajv.errors]).toEqual([route, 200, []]);
  }
}

const deliveriesOf = async (id: string, query = '') =>
  (await varve.call('GET', `/v1/webhooks/${id}/deliveries${query}`)).body.items;

test('a webhook from its making to its removal', async () => {
  let isWell = true;
  const receiver = await startReceiver({
    answer: (response) => void response.writeHead(isWell ? 200 : 410).end(),
  });
  onTestFinished(() => receiver.close());
  const made = await varve.call('POST', '/v1/webhooks', {
    url: receiver.url,
    types: ['OverrideSet', 'KeyDefined', 'OverrideSet'],
    description: 'tells the operators',
    reason: 'they want to know',
  });
  expect(made.status).toBe(201);
  const { id, secret, ...told } = made.body;
  expect(secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
  expect(told).toMatchObject({
    url: receiver.url,
    types: ['KeyDefined', 'OverrideSet'],
    removed: false,
    version: 1,
  });

  const { body: event } = await varve.change([
    define('hooks.a'),
    { type: 'tagRevision', name: 'not-asked-for' },
  ]);
  await until(async () => (await deliveriesOf(id, '?state=delivered')).length === 1);
  expect(receiver.requests.map(({ body }) => body)).toEqual([
    { type: 'KeyDefined', timestamp: event.events[0].recordedAt, ledger: 'default', data: event.events[0] },
  ]);

  isWell = false;
  await varve.change([define('hooks.b')]);
  await until(async () => (await deliveriesOf(id, '?state=given_up')).length === 1);
  const [lost] = await deliveriesOf(id, '?state=given_up');
  expect(lost).toMatchObject({ type: 'KeyDefined', attempts: 1, lastStatus: 410, lastError: 'gone' });
  expect((await varve.call('GET', `/v1/webhooks/${id}`)).body).toMatchObject({ pending: 0, givenUp: 1 });
  expect((await varve.call('GET', '/v1/webhooks')).body.items).toContainEqual(
    expect.objectContaining({ id, givenUp: 1 }),
  );
  isWell = true;
  const rotated = await varve.call('POST', `/v1/webhooks/${id}/rotate`, { overlapSeconds: 60 });
  expect(rotated.body).toMatchObject({
    secret: expect.stringMatching(/^whsec_/),
    oldExpiresAt: expect.any(String),
  });
  expect(rotated.body.secret).not.toBe(secret);
  const path = `/v1/webhooks/${id}/deliveries/${lost.id}`;
  expect((await varve.call('POST', `${path}/retry`)).status).toBe(202);
  await until(async () => (await varve.call('GET', path)).body.state === 'delivered');
  expect(String(receiver.requests.at(-1)?.headers['webhook-signature']).split(' ')).toHaveLength(2);
  expect(receiver.requests.at(-1)?.id).toBe(lost.id);

  await expectAsDocumented({
    '/v1/webhooks': '/v1/webhooks',
    '/v1/webhooks/{id}': `/v1/webhooks/${id}`,
    '/v1/webhooks/{id}/deliveries': `/v1/webhooks/${id}/deliveries`,
    '/v1/webhooks/{id}/deliveries/{delivery}': path,
    '/v1/status': '/v1/status',
  });
  expect((await varve.call('DELETE', `/v1/webhooks/${id}`, { reason: 'enough' })).status).toBe(201);
  await varve.change([define('hooks.c')]);
  await sleep(600);
  expect(receiver.requests.filter(({ body }) => body.data.subject === 'key:hooks.c')).toEqual([]);
  expect((await varve.call('GET', `/v1/webhooks/${id}`)).body).toMatchObject({ removed: true, version: 2 });
  expect((await varve.call('POST', `${path}/retry`)).body).toMatchObject({
    status: 422,
    reason: 'webhook_removed',
  });

  // The ledger says who made and removed it; the secret stands neither there nor in any answer.
  const history = await varve.call('GET', `/v1/history?subject=webhook:${id}`);
  expect(history.body.items.map(({ type }: { type: string }) => type)).toEqual([
    'WebhookRemoved',
    'WebhookCreated',
  ]);
  expect(history.body.items[1]).toMatchObject({
    reason: 'they want to know',
    data: { id, url: receiver.url },
  });
  expect(JSON.stringify(history.body)).not.toContain('whsec_');
  const { rows } = await varve.database.pool.query('select webhook from webhook_secrets where webhook = $1', [
    id,
  ]);
  expect(rows).toEqual([]);
});

test('no rollback touches webhooks', async () => {
  const before = (await varve.call('GET', '/v1/status')).body.revision;
  const { body } = await varve.call('POST', '/v1/webhooks', {
    url: 'http://127.0.0.1:1/',
    types: ['ModelAdded'],
  });
  const rolledBack = await varve.call('POST', '/v1/rollbacks', { to: before, reason: 'back' });
  expect(rolledBack.body).toMatchObject({ changesetId: null });
  expect((await varve.call('GET', `/v1/webhooks/${body.id}`)).body).toMatchObject({ removed: false });
  await varve.call('DELETE', `/v1/webhooks/${body.id}`);
});

test('what is no webhook is refused, and nothing is appended', async () => {
  const head = (await varve.call('GET', '/v1/status')).body.revision;
  const url = 'https://example.com/hook';
  const short = `whsec_${Buffer.alloc(23).toString('base64')}`;
  const bad: readonly (readonly [object, string])[] = [
    [{ url: 'ftp://example.com/' }, 'url'],
    [{ url: 'example.com' }, 'url'],
    [{ url: 'https://user:secret@example.com/' }, 'url'],
    [{ url: 7 }, 'url'],
    [{}, 'url'],
    [{ url, types: [] }, 'types'],
    [{ url, types: ['Everything'] }, 'types.0'],
    [{ url, secret: 'secret' }, 'secret'],
    [{ url, secret: short }, 'secret'],
    [{ url, more: 1 }, 'more'],
    [{ url, reason: ' ' }, 'reason'],
  ];
  for (const [body, place] of bad) {
    const answer = await varve.call('POST', '/v1/webhooks', body);
    expect([body, answer.status, answer.body.errors?.[0]?.path]).toEqual([body, 400, place]);
  }
  const again = await varve.call('POST', '/v1/webhooks', { url }, { 'idempotency-key': 'k' });
  expect(again.body).toMatchObject({ status: 400, errors: [{ path: 'header.Idempotency-Key' }] });
  const unknown = '/v1/webhooks/nobody';
  const id = '00000000-0000-4000-8000-000000000000';
  for (const [method, path] of [
    ['GET', unknown],
    ['DELETE', unknown],
    ['POST', `${unknown}/rotate`],
    ['GET', `${unknown}/deliveries`],
    ['GET', `${unknown}/deliveries/${id}`],
    ['POST', `${unknown}/deliveries/${id}/retry`],
  ] as const) {
    expect([path, (await varve.call(method, path)).status]).toEqual([path, 404]);
  }
  expect((await varve.call('GET', '/v1/status')).body.revision).toBe(head);
});

describe('what an admin sees of background work', () => {
  test('the status counts queues and deliveries, and so do the metrics', async () => {
    const { jobs } = (await varve.call('GET', '/v1/status')).body;
    const counts = { waiting: expect.any(Number), active: expect.any(Number), failed: expect.any(Number) };
    for (const name of ['queue varve-chores', 'queue varve-notices']) {
      expect(jobs).toContainEqual({
        name,
        state: expect.any(String),
        counts: expect.objectContaining(counts),
      });
    }
    expect(jobs).toContainEqual({
      name: 'webhook deliveries',
      state: 'running',
      counts: { pending: 0, delivered: 2, given_up: 0 },
    });
    expect(jobs).toContainEqual({ name: 'notices', state: expect.any(String) });
    const metrics = (await varve.call('GET', '/metrics')).body;
    expect(metrics).toContain('varve_webhook_deliveries{state="delivered"} 2');
    expect(metrics).toContain('varve_webhook_attempts_total{state="given_up"} 1');
  });

  test('the board is for admins, by Basic authentication, and shows only', async () => {
    const basic = (key: string) => ({
      authorization: `Basic ${Buffer.from(`me:${key}`).toString('base64')}`,
    });
    const ask = (path: string, headers: Record<string, string>, method = 'GET') =>
      fetch(`${varve.url}/v1/jobs/board${path}`, { method, headers, redirect: 'manual' });
    const page = await ask('', basic(varve.adminKey));
    expect(page.status).toBe(200);
    expect(page.headers.get('content-security-policy')).toContain("frame-ancestors 'none'");
    expect(page.headers.get('cache-control')).toBe('no-store');
    const html = await page.text();
    const script = /src="(static\/js\/main[^"]+)"/.exec(html)?.[1] ?? '';
    expect((await ask(`/${script}`, basic(varve.adminKey))).status).toBe(200);
    const queues = await ask('/api/queues', basic(varve.adminKey));
    const shown: { queues: { name: string; readOnlyMode: boolean }[] } = JSON.parse(await queues.text());
    expect(shown.queues.map(({ name, readOnlyMode }) => [name, readOnlyMode])).toEqual([
      ['varve-chores', true],
      ['varve-notices', true],
    ]);
    expect(
      (await ask('/api/queues/varve-chores/pause', basic(varve.adminKey), 'PUT')).status,
    ).toBeGreaterThanOrEqual(400);
    expect(
      (await ask('/api/queues', { ...basic(varve.adminKey), 'sec-fetch-site': 'cross-site' })).status,
    ).toBe(403);

    const without = await ask('', {});
    expect(without.status).toBe(401);
    expect(without.headers.get('www-authenticate')).toMatch(/^Basic /);
    expect(without.headers.get('content-type')).toMatch(/^application\/problem\+json/);
    expect((await ask('/api/queues', basic('varve_admin_nobody_x'))).status).toBe(401);
    expect((await ask(`/${script}`, {})).status).toBe(401);
    const { body } = await varve.call('POST', '/v1/api-keys', { name: 'looks', role: 'auditor' });
    expect((await ask('/api/queues', basic(body.key))).status).toBe(403);
    // Elsewhere Basic is nothing: a browser that remembers it must not write for a page of somebody else.
    const elsewhere = await fetch(`${varve.url}/v1/status`, { headers: basic(varve.adminKey) });
    expect(elsewhere.status).toBe(401);
    expect(elsewhere.headers.get('www-authenticate')).toMatch(/^Bearer/);
    expect((await createApi(varve.url, varve.adminKey).call('GET', '/v1/jobs/board/api/queues')).status).toBe(
      200,
    );
  });
});

test('without the setting a private address is refused, written or by its name', async () => {
  const other = await startTestVarve();
  onTestFinished(() => other.stop());
  for (const host of ['127.0.0.1', 'localhost', '169.254.169.254', '[::1]', '10.0.0.8', '0x7f.1']) {
    const answer = await other.call('POST', '/v1/webhooks', { url: `http://${host}/` });
    expect([host, answer.status, answer.body.reason]).toEqual([host, 422, 'forbidden_address']);
    expect(answer.body.errors[0].path).toBe('url');
  }
  expect((await other.call('GET', '/v1/webhooks')).body.items).toEqual([]);
  const { rows } = await other.database.pool.query('select webhook from webhook_secrets');
  expect(rows).toEqual([]);
});
