/**
 * `npm run ledger:copy` as an operator uses it: the log of a Varve moves from Postgres to an EventStoreDB (the fake one) and
 * goes on there with the same read models; then it moves back, into a fresh database.
 */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { type FakeEventStore, startFakeEventStore } from '../support/fake-eventstore.ts';
import { run } from '../support/run-command.ts';
import { startVarveOn, type VarveOn } from '../support/varve-on.ts';

const adminKey = `varve_admin_test_${'s'.repeat(32)}`;

let database: TestDatabase;
let fresh: TestDatabase;
let fake: FakeEventStore;
let old: VarveOn | undefined;
beforeAll(async () => {
  [database, fresh, fake] = await Promise.all([
    createTestDatabase(),
    createTestDatabase(),
    startFakeEventStore(),
  ]);
});
afterAll(async () => {
  await fake.close();
  await Promise.all([database.drop(), fresh.drop()]);
});

const copy = (environment: Record<string, string>, ...words: string[]) =>
  run('scripts/ledger-copy.ts', words, environment);

const set = (varve: VarveOn, scope: string, value: string) =>
  varve.call('POST', '/v1/changesets', {
    reason: 'a move',
    changes: [{ type: 'setOverride', key: 'ai.planner.model', scope, value }],
  });

const identityOf = async ({ pool }: TestDatabase): Promise<unknown> =>
  (await pool.query('select id::text from log_identity')).rows[0]?.id;

test('a log moves from Postgres to an EventStoreDB, and the read models stay', async () => {
  old = await startVarveOn(database.url, adminKey, { seed: 'catalogue' });
  await old.call('POST', '/v1/ledgers', { name: 'staging' });
  await old.call(
    'PUT',
    '/v1/overrides/ai.planner.model?scope=global',
    { value: 'openai/gpt-4o', reason: 'x' },
    {
      'varve-ledger': 'staging',
    },
  );
  await set(old, 'tier:3', 'openai/gpt-4-turbo');
  const revision = (await old.call('GET', '/v1/status')).body.revision;
  await old.call('GET', `/v1/history?minRevision=${revision}`);
  await old.stop();

  const copied = await copy({ DATABASE_URL: database.url }, '--from', 'postgres', '--to', fake.url, '--json');
  expect(copied).toMatchObject({ code: 0 });
  expect(JSON.parse(copied.out.join('\n'))).toMatchObject({
    identity: await identityOf(database),
    ledgers: [
      { ledger: 'default', events: revision, copied: revision },
      { ledger: 'staging', events: expect.any(Number) as number },
    ],
  });

  const moved = await startVarveOn(database.url, adminKey, { eventstoreUrl: fake.url, seed: 'catalogue' });
  const status = (await moved.call('GET', '/v1/status')).body;
  expect(status).toMatchObject({ revision, log: { engine: 'eventstoredb' } });
  expect(status.projections.map((one: { revision: number }) => one.revision)).toContain(revision);
  expect((await moved.call('GET', '/v1/resolve/ai.planner.model?tier=3')).body).toMatchObject({
    value: 'openai/gpt-4-turbo',
    revision,
  });
  const written = await set(moved, 'tier:3', 'openai/gpt-4o');
  expect(written).toMatchObject({ status: 201, body: { revisions: { first: revision + 1 } } });
  await moved.call('GET', `/v1/history?minRevision=${revision + 1}`);
  await moved.stop();
  // The old log is behind now: a server on it must not begin.
  await expect(startVarveOn(database.url, adminKey)).rejects.toMatchObject({
    reason: 'log_behind_checkpoint',
  });
});

test('and back, into a fresh database', async () => {
  const there = { EVENTSTORE_URL: fake.url, DATABASE_URL: fresh.url };
  const first = await copy(there, '--from', 'eventstore', '--to', 'postgres');
  expect(first).toMatchObject({ code: 0 });
  expect(first.out[0]).toMatch(
    /^default: \d+ events, \d+ bytes, the same in both \(\d+ copied now\), sha256 [0-9a-f]{64}$/,
  );
  expect(first.out.at(-1)).toBe(`log ${String(await identityOf(database))}`);
  expect(await identityOf(fresh)).toBe(await identityOf(database));
  // Verifiers of API keys stand in no log: the fresh database gets a key of its own.
  const own = adminKey.replace('_test_', '_back_');
  const back = await startVarveOn(fresh.url, own);
  const { rows } = await database.pool.query<{ revision: string }>(
    `select max(revision) as revision from history where ledger = 'default'`,
  );
  const moved = Number(rows[0]?.revision);
  expect((await back.call('GET', '/v1/resolve/ai.planner.model?tier=3')).body).toMatchObject({
    value: 'openai/gpt-4o',
    revision: moved,
  });
  const history = await back.call('GET', '/v1/history?key=ai.planner.model&limit=1');
  expect(history.body.items).toMatchObject([{ revision: moved, reason: 'a move' }]);
  await back.stop();
});

test('a changeset that the server’s setting does not let in is refused, before anything is written', async () => {
  const small = await startFakeEventStore();
  const environment = { DATABASE_URL: database.url, EVENTSTORE_MAX_APPEND_BYTES: '65536' };
  const ended = await copy(environment, '--from', 'postgres', '--to', small.url);
  expect(ended).toMatchObject({ code: 1, out: [] });
  expect(ended.err.join('\n')).toMatch(
    /takes \d+ bytes, the target at most 65536.*KURRENTDB_MAX_APPEND_SIZE/,
  );
  expect(small.streams.names()).toEqual([]);
  await small.close();
});

test('one log is not copied to itself', async () => {
  const ended = await copy({ DATABASE_URL: database.url }, '--from', 'postgres', '--to', 'postgres');
  expect(ended).toEqual({ code: 2, out: [], err: ['ledger:copy: both sides are the same log'] });
});
