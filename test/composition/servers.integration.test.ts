/**
 * Three servers that start in the same moment on one fresh database: one of them makes the admin, one seeds, and
 * afterwards they are one Varve with three doors. Then keys, in the settings and by the API, across them.
 */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { type Answer, type Api, createApi, startVarveOn, type VarveOn } from '../support/varve-on.ts';

let database: TestDatabase;
let servers: readonly VarveOn[];
/** The three, as the admin that one of them made. */
let apis: readonly Api[];
beforeAll(async () => {
  // Not even migrated: they race for that as well.
  database = await createTestDatabase('nothing');
  servers = await Promise.all(
    [1, 2, 3].map(() => startVarveOn(database.url, 'none', { adminKey: undefined, seed: 'catalogue' })),
  );
  const key = servers.map(({ shownKey }) => shownKey).find((shown) => shown !== undefined) ?? '';
  apis = servers.map(({ url }) => createApi(url, key));
});
afterAll(async () => {
  await Promise.all(servers.map((server) => server.stop()));
  await database.drop();
});

const ofEach = (path: string, headers?: Record<string, string>): Promise<readonly Answer[]> =>
  Promise.all(apis.map((api) => api.call('GET', path, undefined, headers)));

const [one, two, three] = [0, 1, 2].map(
  (index): Api['call'] =>
    (...call) =>
      (apis[index] as Api).call(...call),
) as [Api['call'], Api['call'], Api['call']];

const setTutor = (scope: string, value: string) => ({
  reason: 'across servers',
  changes: [{ type: 'setOverride', key: 'ai.tutor.model', scope, value }],
});

test('one admin key is shown in all, and it opens every server', async () => {
  expect(servers.filter(({ shownKey }) => shownKey !== undefined)).toHaveLength(1);
  for (const { status, body } of await ofEach('/v1/api-keys')) {
    expect(status).toBe(200);
    expect(body.items).toMatchObject([{ name: 'admin', role: 'admin', revoked: false }]);
  }
  const { rows } = await database.pool.query('select id from api_key_verifiers order by id');
  expect(rows).toHaveLength(1);
});

test('one changeset seeds, one makes the admin, and nothing else stands', async () => {
  // Answers are made of the tables once these have reached the head.
  await ofEach('/v1/history?limit=1');
  const { rows } = await database.pool.query<{
    actor: string;
    idempotency: string;
    first: number;
    last: number;
  }>(
    `select actor, idempotency_key as idempotency, first_revision as first, last_revision as last
       from changesets order by first_revision`,
  );
  const head = Number(rows[1]?.last);
  expect(head).toBeGreaterThan(100);
  expect(rows.map(({ actor, idempotency }) => [actor, idempotency])).toEqual([
    ['varve', 'seed'],
    ['varve', 'first-admin'],
  ]);
  expect(rows.map(({ first, last }) => [Number(first), Number(last)])).toEqual([
    [1, head - 1],
    [head, head],
  ]);
  await ofEach(`/v1/resolve?minRevision=${head}`);
  const statuses = await ofEach('/v1/status');
  expect(statuses.map(({ body }) => body.revision)).toEqual([head, head, head]);
});

test('all three answer the same', async () => {
  const paths = [
    '/v1/resolve',
    '/v1/keys',
    '/v1/models?limit=1000',
    '/v1/history',
    '/v1/overrides',
    '/v1/ledgers',
  ];
  for (const path of paths) {
    const [first, ...others] = await ofEach(path);
    expect(first?.status, path).toBe(200);
    for (const other of others) expect(other.body, path).toEqual(first?.body);
  }
});

test('a write at one is seen at another with minRevision, from memory and from the tables', async () => {
  const written = await one('PUT', '/v1/overrides/ai.tutor.model?scope=tenant:acme', {
    value: 'openai/gpt-4o',
    reason: 'across servers',
  });
  const revision = Number(written.headers.get('varve-revision'));
  const clock = `minRevision=${revision}`;
  const resolved = await two('GET', `/v1/resolve/ai.tutor.model?tenant=acme&${clock}`);
  expect(resolved.body).toMatchObject({ value: 'openai/gpt-4o', scope: 'tenant:acme', revision });
  const listed = await three('GET', `/v1/overrides?scope=tenant:acme&${clock}`);
  expect(listed.body.items).toMatchObject([{ key: 'ai.tutor.model', revision }]);
});

test('an idempotency key holds across servers, one after the other and at once', async () => {
  const once = setTutor('user:once', 'openai/gpt-4o');
  const key = { 'idempotency-key': 'across' };
  const first = await one('POST', '/v1/changesets', once, key);
  expect(first.status).toBe(201);
  const again = await two('POST', '/v1/changesets', once, key);
  expect(again).toMatchObject({ status: 201, body: first.body });
  expect(again.headers.get('idempotent-replayed')).toBe('true');
  const other = await three('POST', '/v1/changesets', setTutor('user:once', 'openai/gpt-4-turbo'), key);
  expect(other).toMatchObject({ status: 409, body: { reason: 'idempotency_key_reused' } });

  const atOnce = { 'idempotency-key': 'at-once' };
  const answers = await Promise.all(
    [one, two, three, one, two, three].map((call) =>
      call('POST', '/v1/changesets', setTutor('user:at-once', 'openai/gpt-4o'), atOnce),
    ),
  );
  expect(answers.map(({ status }) => status)).toEqual([201, 201, 201, 201, 201, 201]);
  expect(new Set(answers.map(({ body }) => body.changesetId)).size).toBe(1);
});

test('of writes that expect one revision at three servers one wins', async () => {
  const expectedRevision = (await one('GET', '/v1/status')).body.revision;
  const answers = await Promise.all(
    [one, two, three].map((call, index) =>
      call('POST', '/v1/changesets', {
        ...setTutor(`user:race-${index}`, 'openai/gpt-4o'),
        expectedRevision,
      }),
    ),
  );
  expect(answers.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([201, 409, 409]);
});

test('a key made at one opens the others, and revoked at one it opens none', async () => {
  const made = await one('POST', '/v1/api-keys', { name: 'ci', role: 'operator' });
  const { id, key } = made.body;
  const headers = { authorization: `Bearer ${key}` };
  const revision = made.headers.get('varve-revision');
  // As the admin waits for the revision, so that every server has heard of the key.
  for (const { status } of await ofEach(`/v1/resolve?minRevision=${revision}`)) expect(status).toBe(200);
  for (const { body } of await ofEach('/v1/whoami', headers))
    expect(body).toMatchObject({ id, role: 'operator' });
  const tampered = { authorization: `Bearer ${String(key).replace('_operator_', '_admin_')}` };
  for (const { status } of await ofEach('/v1/whoami', tampered)) expect(status).toBe(401);

  const revoked = await two('DELETE', `/v1/api-keys/${id}`, {});
  expect(revoked.status).toBe(201);
  expect((await two('GET', '/v1/whoami', undefined, headers)).status).toBe(401);
  await ofEach(`/v1/resolve?minRevision=${revoked.headers.get('varve-revision')}`);
  for (const { status, body } of await ofEach('/v1/whoami', headers)) {
    expect(status).toBe(401);
    expect(body).toMatchObject({ code: 'unauthenticated', reason: 'unknown_api_key' });
  }
});

test('a ledger made at one is open at the others', async () => {
  const made = await one('POST', '/v1/ledgers', { name: 'staging' });
  const revision = made.headers.get('varve-revision');
  await ofEach(`/v1/resolve?minRevision=${revision}`);
  const written = await two(
    'PUT',
    '/v1/overrides/ai.tutor.model?scope=global',
    { value: 'openai/gpt-4o', reason: 'x' },
    {
      'varve-ledger': 'staging',
    },
  );
  expect(written.status).toBe(201);
  const read = await three(
    'GET',
    `/v1/resolve/ai.tutor.model?minRevision=${written.headers.get('varve-revision')}`,
    undefined,
    {
      'varve-ledger': 'staging',
    },
  );
  expect(read.body).toMatchObject({ value: 'openai/gpt-4o', scope: 'global' });
});

test('a later start shows no key and adds nothing; one with a key of its own adds that key', async () => {
  const head = async (): Promise<number> => {
    const { rows } = await database.pool.query(`select revision from ledger_heads where ledger = 'default'`);
    return Number(rows[0]?.revision);
  };
  const revision = await head();
  const later = await startVarveOn(database.url, 'none', { adminKey: undefined, seed: 'catalogue' });
  expect(later.shownKey).toBeUndefined();
  await later.stop();
  expect(await head()).toBe(revision);

  const own = `varve_admin_settings_${'o'.repeat(40)}`;
  const mine = await startVarveOn(database.url, own);
  expect((await mine.call('GET', '/v1/whoami')).body).toMatchObject({
    id: 'settings',
    name: 'admin-settings',
  });
  await mine.stop();
  expect(await head()).toBe(revision + 1);
  // Another secret for the id that is taken: the server starts, says so in its log, and the key opens nothing.
  const other = await startVarveOn(database.url, `varve_admin_settings_${'p'.repeat(40)}`);
  expect((await other.call('GET', '/v1/whoami')).status).toBe(401);
  await other.stop();
});
