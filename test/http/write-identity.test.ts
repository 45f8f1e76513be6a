/**
 * Writing over HTTP: once and only once, and who acts.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type HttpAssembly, startHttp } from '../support/http-assembly.ts';

let http: HttpAssembly;

beforeAll(async () => {
  http = await startHttp();
  await http.change(
    { type: 'defineKey', key: 'a.number', valueType: 'integer', fallback: 0 },
    {
      type: 'addModel',
      model: {
        id: 'acme/one',
        name: 'One',
        contextWindow: 1000,
        pricing: { input: '1', output: '2' },
        extra: { color: 'red' },
      },
    },
  );
});
afterAll(() => http.close());

const set = (value: unknown, scope = 'global') => ({ type: 'setOverride', key: 'a.number', scope, value });
const changesets = (body: object, headers: Record<string, string> = {}) =>
  http.call('POST', '/v1/changesets', { reason: 'because', ...body }, headers);
const head = () => http.ledger().state.revision;

describe('once', () => {
  const once = { 'idempotency-key': 'order-1' };

  test('the same key and body answers the first result again', async () => {
    const first = await changesets({ changes: [set(10)] }, once);
    const before = head();
    const again = await changesets({ changes: [set(10)] }, once);
    expect([again.status, again.headers['idempotent-replayed'], again.body.changesetId]).toEqual([
      201,
      'true',
      first.body.changesetId,
    ]);
    expect(again.body.revisions).toEqual(first.body.revisions);
    expect(head()).toBe(before);
  });

  test('members in another order are the same body; another body, query, path or If-Match is a conflict', async () => {
    const put = (url: string, body: object, headers: Record<string, string> = {}) =>
      http.call('PUT', url, body, { 'idempotency-key': 'order-2', ...headers });
    const url = '/v1/overrides/a.number?scope=tenant:x';
    expect((await put(url, { value: 1, reason: 'r' })).status).toBe(201);
    const reordered = await put(url, { reason: 'r', value: 1 });
    expect([reordered.status, reordered.headers['idempotent-replayed']]).toEqual([201, 'true']);
    for (const answer of [
      await put(url, { value: 2, reason: 'r' }),
      await put('/v1/overrides/a.number?scope=tenant:y', { value: 1, reason: 'r' }),
      await put(url, { value: 1, reason: 'r' }, { 'if-match': '"1"' }),
      await put(url, { value: 1, reason: 'r' }, { 'varve-source': 'cli' }),
    ]) {
      expect([answer.status, answer.body.code]).toEqual([409, 'conflict']);
    }
  });

  test('50 at once make one changeset', async () => {
    const before = head();
    const answers = await Promise.all(
      Array.from({ length: 50 }, () => changesets({ changes: [set(11)] }, { 'idempotency-key': 'order-3' })),
    );
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([201]));
    expect(new Set(answers.map(({ body }) => body.changesetId)).size).toBe(1);
    expect(answers.filter(({ headers }) => headers['idempotent-replayed'] === undefined)).toHaveLength(1);
    expect(head()).toBe(before + 1);
  });

  test('what changed nothing is remembered too', async () => {
    const first = await changesets({ changes: [set(11)] }, { 'idempotency-key': 'order-4' });
    expect([first.status, first.body.changesetId]).toEqual([200, null]);
    const again = await changesets({ changes: [set(11)] }, { 'idempotency-key': 'order-4' });
    expect([again.status, again.headers['idempotent-replayed']]).toEqual([200, 'true']);
    expect((await changesets({ changes: [set(12)] }, { 'idempotency-key': 'order-4' })).status).toBe(409);
  });
});

describe('who acts', () => {
  const bearer = (key: string) => ({ authorization: `Bearer ${key}` });

  test('a key by its name; a trusted one for a person, both recorded', async () => {
    const operator = bearer(await http.keyOf('operator', { name: 'deploys' }));
    const plain = await changesets({ changes: [set(20)] }, operator);
    expect(plain.body.events[0].actor).toEqual({ id: 'deploys', kind: 'api_key' });
    const trusted = bearer(await http.keyOf('operator', { name: 'console', trusted: true }));
    const person = await changesets(
      { changes: [set(21)] },
      { ...trusted, 'varve-actor': 'alice@example.com', 'varve-source': 'console' },
    );
    expect(person.body.events[0]).toMatchObject({
      actor: { id: 'alice@example.com', kind: 'person', via: 'console' },
      source: 'console',
    });
    const name = Buffer.from('Zoë').toString('latin1');
    const utf8 = await changesets({ changes: [set(22)] }, { ...trusted, 'varve-actor': name });
    expect(utf8.body.events[0].actor.id).toBe('Zoë');
  });

  test('an untrusted key may not name a person, and only an admin may import', async () => {
    const operator = bearer(await http.keyOf('operator'));
    const named = await changesets(
      { changes: [set(23)] },
      { ...operator, 'varve-actor': 'alice@example.com' },
    );
    expect([named.status, named.body.reason, named.body.errors[0].path]).toEqual([
      403,
      'not_trusted',
      'header.Varve-Actor',
    ]);
    const imported = await changesets({ changes: [set(23)] }, { ...operator, 'varve-source': 'import' });
    expect([imported.status, imported.body.errors[0].path]).toEqual([403, 'header.Varve-Source']);
    expect(
      (await changesets({ changes: [set(24)] }, { 'varve-source': 'import' })).body.events[0].source,
    ).toBe('import');
  });

  test.each(['Zo\u00eb', ' ', 'x'.repeat(201)])(
    'a person is 1 to 200 printable characters in UTF-8, not %j',
    async (person) => {
      const trusted = bearer(await http.keyOf('operator', { trusted: true }));
      const answer = await changesets({ changes: [set(25)] }, { ...trusted, 'varve-actor': person });
      expect([answer.status, answer.body.errors[0].path]).toEqual([400, 'header.Varve-Actor']);
    },
  );

  test('a revoked key opens nothing from then on', async () => {
    const key = await http.keyOf('operator', { name: 'short-lived' });
    const keys = await http.call('GET', '/v1/api-keys');
    const { id } = keys.body.items.find((item: { name: string }) => item.name === 'short-lived');
    expect((await http.call('GET', '/v1/whoami', undefined, bearer(key))).body).toMatchObject({
      name: 'short-lived',
      role: 'operator',
    });
    const revoked = await http.call('DELETE', `/v1/api-keys/${id}?reason=done`);
    expect(revoked.body.events).toMatchObject([
      { type: 'ApiKeyRevoked', subject: `api-key:${id}`, reason: 'done' },
    ]);
    const after = await http.call('GET', '/v1/whoami', undefined, bearer(key));
    expect([after.status, after.body.reason]).toEqual([401, 'unknown_api_key']);
    expect((await http.call('DELETE', '/v1/api-keys/nobody')).status).toBe(404);
  });

  test('a made key tells its secret once, and nothing that is read tells it again', async () => {
    const made = await http.call('POST', '/v1/api-keys', { name: 'told-once', role: 'service' });
    expect(made.body).toEqual({
      id: expect.any(String),
      key: expect.stringMatching(/^varve_service_/),
      name: 'told-once',
      role: 'service',
      trusted: false,
    });
    for (const url of ['/v1/api-keys', '/v1/history?limit=1000'])
      expect((await http.call('GET', url)).text).not.toContain(made.body.key);
    expect(JSON.stringify(http.lines)).not.toContain(made.body.key);
    const retried = await http.call(
      'POST',
      '/v1/api-keys',
      { name: 'x', role: 'service' },
      { 'idempotency-key': 'k' },
    );
    expect([retried.status, retried.body.errors[0].path]).toEqual([400, 'header.Idempotency-Key']);
  });
});
