/**
 * Proof of arrival over two servers of one database: a heartbeat at one ends a wait at the other, the list is the same at both,
 * rollbacks wait too, contexts are kept, and what a server still holds is written when it stops.
 */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { startVarveOn, type VarveOn } from '../support/varve-on.ts';

const adminKey = `varve_admin_arrival_${'a'.repeat(32)}`;
const wait = '?waitFor=consumers&waitMs=30000';

let database: TestDatabase;
let one: VarveOn;
let two: VarveOn;
beforeAll(async () => {
  database = await createTestDatabase();
  one = await startVarveOn(database.url, adminKey);
  two = await startVarveOn(database.url, adminKey);
  const changes = [
    { type: 'defineKey', key: 'runtime.provider', valueType: 'string', fallback: 'Google' },
    { type: 'setOverride', key: 'runtime.provider', scope: 'user:ann', value: 'Anthropic' },
  ];
  await one.call('POST', '/v1/changesets', { reason: 'a beginning', changes });
});
afterAll(async () => {
  await Promise.all([one.stop(), two.stop()]);
  await database.drop();
});

const head = async (at: VarveOn) => (await at.call('GET', '/v1/status')).body.revision as number;
const beat = (at: VarveOn, client: string, revision: number, more: object = {}) =>
  at.call('POST', '/v1/heartbeats', { client, revision, ...more });
const set = (value: string) => ({
  reason: 'x',
  changes: [{ type: 'setOverride', key: 'runtime.provider', scope: 'tier:1', value }],
});

/** The head once a server has more than `before`. */
async function moved(at: VarveOn, before: number): Promise<number> {
  for (;;) {
    const now = await head(at);
    if (now > before) return now;
  }
}

test('a heartbeat at one server ends a wait at the other', async () => {
  const before = await head(one);
  expect((await beat(one, 'at one', before)).status).toBe(200);
  // This server may hear of it a moment later: it waits for that.
  expect((await beat(two, 'at two', before)).status).toBe(200);
  const writing = two.call('POST', `/v1/changesets${wait}`, set('first'));
  const revision = await moved(two, before);
  await beat(two, 'at two', revision);
  await beat(one, 'at one', revision);
  const { status, body } = await writing;
  expect(status).toBe(201);
  expect(body.consumers).toMatchObject({ revision, reached: ['at one', 'at two'], missing: [] });
  for (const server of [one, two]) {
    const { items } = (await server.call('GET', '/v1/consumers')).body;
    expect(items).toMatchObject([
      { client: 'at one', revision, lag: 0, state: 'current' },
      { client: 'at two', revision, lag: 0, state: 'current' },
    ]);
  }
});

test('a rollback waits as well, and tells its conflicts beside', async () => {
  const before = await head(one);
  const undo = { reason: 'back', undo: { revisions: [before] } };
  const writing = one.call('POST', `/v1/rollbacks${wait}`, undo);
  const revision = await moved(one, before);
  await beat(two, 'at one', revision);
  await beat(two, 'at two', revision);
  const { status, body } = await writing;
  expect(status).toBe(201);
  expect(body).toMatchObject({ conflicts: [], consumers: { reached: ['at one', 'at two'] } });
});

test('contexts that a consumer saw are listed with what they have now, and blast radius knows them', async () => {
  const revision = await head(one);
  const contexts = [{ user: 'ann', tenant: 'acme' }, { tenant: 'acme' }];
  expect((await beat(one, 'at one', revision, { contexts })).status).toBe(200);
  const listed = await two.call('GET', '/v1/contexts');
  expect(listed.body.items).toMatchObject([
    { user: 'ann', tenant: 'acme', tier: null, provider: 'Anthropic', model: null, how: 'consumer' },
  ]);
  const draft = { type: 'setOverride', key: 'runtime.provider', scope: 'tenant:acme', value: 'x' };
  const preview = { reason: 'x', dryRun: true, changes: [draft] };
  const { blastRadius } = (await two.call('POST', '/v1/changesets', preview)).body;
  expect(blastRadius.contexts).toMatchObject({
    changed: 1,
    sample: [{ context: { tenant: 'acme' }, after: 'x' }],
  });
});

test('the chores of a day are scheduled, and a server that stops writes what it still holds', async () => {
  const { jobs } = (await one.call('GET', '/v1/status')).body;
  const names = jobs.map(({ name }: { name: string }) => name);
  expect(names).toEqual(expect.arrayContaining(['forget-consumers', 'forget-contexts']));
  const revision = await head(two);
  const seenAt = async () =>
    (await one.call('GET', '/v1/consumers?limit=1')).body.items[0].lastSeenAt as string;
  await beat(two, 'at one', revision);
  const before = await seenAt();
  await beat(two, 'at one', revision);
  await two.stop();
  expect(Date.parse(await seenAt())).toBeGreaterThan(Date.parse(before));
});
