/**
 * The whole product with its log in an EventStoreDB (the fake one) and its read models in Postgres: seed, write, resolve,
 * history, the past, idempotence, several servers, a restart, an outage, and read models of another log.
 */
import pino from 'pino';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startVarve } from '../../src/composition/varve.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { type FakeEventStore, startFakeEventStore } from '../support/fake-eventstore.ts';
import { settingsOn, startVarveOn, type VarveOn } from '../support/varve-on.ts';

const adminKey = `varve_admin_test_${'s'.repeat(32)}`;
const path = '/v1/resolve/ai.planner.model?tier=3';

let database: TestDatabase;
let fake: FakeEventStore;
let servers: VarveOn[];
const start = () => startVarveOn(database.url, adminKey, { eventstoreUrl: fake.url, seed: 'catalogue' });
beforeAll(async () => {
  [database, fake] = await Promise.all([createTestDatabase(), startFakeEventStore()]);
  servers = [await start(), await start()];
});
afterAll(async () => {
  await Promise.all(servers.map((server) => server.stop()));
  await fake.close();
  await database.drop();
});

const one: VarveOn['call'] = (...call) => (servers[0] as VarveOn).call(...call);
const two: VarveOn['call'] = (...call) => (servers[1] as VarveOn).call(...call);
const set = (value: string, scope = 'tier:3') => ({
  reason: 'Premium plans better',
  changes: [{ type: 'setOverride', key: 'ai.planner.model', scope, value }],
});

test('a fresh log is seeded once, and nothing of it stands in Postgres', async () => {
  const { body } = await one('GET', '/v1/status');
  expect(body.log).toMatchObject({
    engine: 'eventstoredb',
    maxChangesetBytes: 1_048_576,
    state: 'connected',
  });
  expect(body.revision).toBeGreaterThan(60);
  expect(fake.streams.events('varve_ledger-default')).toHaveLength(body.revision);
  const { rows } = await database.pool.query('select ledger from ledger_heads');
  expect(rows).toEqual([]);
});

test('what is written at one server is resolved, explained and listed at both, now and as of before', async () => {
  const before = (await one('GET', '/v1/status')).body.revision;
  const written = await one('POST', '/v1/changesets', set('openai/gpt-4-turbo'));
  expect(written.status).toBe(201);
  const revision = Number(written.headers.get('varve-revision'));
  expect(revision).toBe(before + 1);
  for (const call of [one, two]) {
    const now = await call('GET', `${path}&minRevision=${revision}`);
    expect(now.body).toMatchObject({ value: 'openai/gpt-4-turbo', scope: 'tier:3', revision });
    const then = await call('GET', `${path}&asOf=${before}`);
    expect(then.body).toMatchObject({ scope: 'fallback', reason: 'DEFAULT' });
    const history = await call('GET', '/v1/history?key=ai.planner.model&limit=1');
    expect(history.body.items).toMatchObject([{ revision, reason: 'Premium plans better' }]);
  }
});

test('an idempotency key holds across servers, also when the answer of the log was lost', async () => {
  const key = { 'idempotency-key': 'across' };
  fake.next('append', 'commit_and_drop');
  const first = await one('POST', '/v1/changesets', set('openai/gpt-4o', 'user:once'), key);
  expect(first.status).toBe(201);
  const again = await two('POST', '/v1/changesets', set('openai/gpt-4o', 'user:once'), key);
  expect(again).toMatchObject({ status: 201, body: first.body });
  expect(again.headers.get('idempotent-replayed')).toBe('true');
});

test('of writes that expect one revision at two servers one wins', async () => {
  const expectedRevision = (await one('GET', '/v1/status')).body.revision;
  const answers = await Promise.all(
    [one, two].map((call, index) =>
      call('POST', '/v1/changesets', { ...set('openai/gpt-4o', `user:race-${index}`), expectedRevision }),
    ),
  );
  expect(answers.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([201, 409]);
});

test('a changeset larger than one append is refused, and a dry run says how much the log takes', async () => {
  const changes = Array.from({ length: 2_500 }, (_, n) => ({
    type: 'setOverride',
    key: 'ai.planner.model',
    scope: `user:many-${n}`,
    value: 'openai/gpt-4o',
  }));
  const preview = await one('POST', '/v1/changesets', { reason: 'many', changes, dryRun: true });
  expect(preview.body.maxBytes).toBe(1_048_576);
  expect(preview.body.bytes).toBeGreaterThan(1_048_576);
  const answer = await one('POST', '/v1/changesets', { reason: 'many', changes });
  expect(answer).toMatchObject({ status: 422, body: { reason: 'changeset_too_large' } });
});

test('an API key and a ledger made at one server are known at the other', async () => {
  const made = await one('POST', '/v1/ledgers', { name: 'staging' });
  await two('GET', `/v1/resolve?minRevision=${made.headers.get('varve-revision')}`);
  const staging = { 'varve-ledger': 'staging' };
  const written = await two('POST', '/v1/changesets', set('openai/gpt-4o', 'global'), staging);
  expect(written.status).toBe(201);
  const read = await one(
    'GET',
    `${path}&minRevision=${written.headers.get('varve-revision')}`,
    undefined,
    staging,
  );
  expect(read.body).toMatchObject({ value: 'openai/gpt-4o', scope: 'global' });
  const key = (await one('POST', '/v1/api-keys', { name: 'ci', role: 'service' })).body.key;
  const revision = (await one('GET', '/v1/status')).body.revision;
  await two('GET', `${path}&minRevision=${revision}`);
  expect((await two('GET', path, undefined, { authorization: `Bearer ${key}` })).status).toBe(200);
});

test('while the log is away reads go on, writes are refused, and it is told', async () => {
  await fake.door.setOpen(false);
  expect(await one('GET', path)).toMatchObject({ status: 200, body: { value: 'openai/gpt-4-turbo' } });
  expect((await one('POST', '/v1/changesets', set('openai/gpt-4o'))).status).toBe(503);
  expect((await one('GET', '/v1/status')).body.log).toMatchObject({ state: 'unreachable' });
  await fake.door.setOpen(true);
  await expect
    .poll(async () => (await one('POST', '/v1/changesets', set('openai/gpt-4o-mini'))).status, {
      timeout: 10_000,
    })
    .toBe(201);
});

test('after a restart everything is there, from the read models and the log', async () => {
  const before = await one('GET', '/v1/resolve');
  await servers[0]?.stop();
  servers[0] = await start();
  expect((await one('GET', '/v1/resolve')).body).toEqual(before.body);
  expect((await one('GET', '/v1/status')).body.revision).toBe(before.body.revision);
});

test('read models of another log end the start with a clear word', async () => {
  const otherLog = { code: 'conflict', reason: 'other_log' };
  await expect(startVarveOn(database.url, adminKey)).rejects.toMatchObject(otherLog);
  const silent = pino({ level: 'silent' });
  await expect(startVarve(settingsOn(database.url, adminKey), 'worker', silent)).rejects.toMatchObject(
    otherLog,
  );
});
