/**
 * Bulk imports as jobs: handed over, worked off in the background each changeset once, stopped, resumed, refused.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { wipePostgresQueues } from '../support/queue-places.ts';
import { startVarveOn, type VarveOn } from '../support/varve-on.ts';

const adminKey = `varve_admin_imports_${'s'.repeat(32)}`;
let database: TestDatabase;
let varve: VarveOn;
beforeAll(async () => {
  database = await createTestDatabase();
  varve = await startVarveOn(database.url, adminKey);
});
afterAll(async () => {
  await varve.stop();
  await database.drop();
});

const ndjson = { 'content-type': 'application/x-ndjson' };
const define = (key: string, fallback: unknown = 1) => ({
  type: 'defineKey',
  key,
  valueType: 'integer',
  fallback,
});
const line = (idempotencyKey: string, ...changes: object[]) =>
  JSON.stringify({ idempotencyKey, reason: `import of ${idempotencyKey}`, changes });
const linesOf = (name: string, count: number) =>
  Array.from({ length: count }, (_, n) => line(`${name}-${n}`, define(`${name}.k${n}`))).join('\n');
const handOver = (text: string) => varve.call('POST', '/v1/imports', text, ndjson);
const stateOf = async (id: string) => (await varve.call('GET', `/v1/imports/${id}`)).body;

async function ended(id: string) {
  for (;;) {
    const state = await stateOf(id);
    if (state.state !== 'open') return state;
    await sleep(20);
  }
}

test('changesets are brought in in their order, by who handed them over, as an import', async () => {
  const text = `${linesOf('first', 3)}\n\n${line('first-3', define('first.k3', 'no integer'))}\r\n${line('first-4', define('first.k4'))}\n`;
  const made = await varve.call('POST', '/v1/imports', text, { ...ndjson, 'varve-actor': 'ann@example.com' });
  expect(made.status).toBe(202);
  expect(made.headers.get('location')).toBe(`/v1/imports/${made.body.id}`);
  expect(made.body).toMatchObject({ state: 'open', total: 5, done: 0 });
  const done = await ended(made.body.id);
  expect(done).toMatchObject({
    state: 'finished',
    total: 5,
    done: 5,
    events: 4,
    refused: 1,
    replayed: 0,
    lastError: null,
  });
  expect(done.refusals).toEqual([
    expect.objectContaining({
      line: 4,
      idempotencyKey: 'first-3',
      code: expect.stringMatching(/refused|invalid/),
    }),
  ]);
  const history = await varve.call('GET', '/v1/history?type=KeyDefined&limit=5');
  expect(history.body.items.slice(0, 4).map(({ subject }: { subject: string }) => subject)).toEqual(
    ['k4', 'k2', 'k1', 'k0'].map((key) => `key:first.${key}`),
  );
  expect(history.body.items[0]).toMatchObject({
    source: 'import',
    reason: 'import of first-4',
    actor: { id: 'ann@example.com', kind: 'person' },
    requestId: `import-${made.body.id}`,
  });
});

test('what is there already, by an import or by the other door, is not brought in again', async () => {
  const body = { reason: 'import of door', changes: [define('door.k')] };
  const headers = { 'idempotency-key': 'door', 'varve-source': 'import' };
  expect((await varve.call('POST', '/v1/changesets', body, headers)).status).toBe(201);
  const text = `${linesOf('twice', 5)}\n${line('door', define('door.k'))}`;
  const first = await ended((await handOver(text)).body.id);
  expect(first).toMatchObject({ events: 5, replayed: 1, refused: 0 });
  const head = (await varve.call('GET', '/v1/status')).body.revision;
  const second = await ended((await handOver(text)).body.id);
  expect(second).toMatchObject({ state: 'finished', events: 0, replayed: 6, refused: 0 });
  expect((await varve.call('GET', '/v1/status')).body.revision).toBe(head);
  const other = await ended((await handOver(line('door', define('other.k')))).body.id);
  expect(other.refusals).toEqual([expect.objectContaining({ line: 1, code: 'conflict' })]);
});

test('the queue is wiped and the server stopped in the middle: the next one goes on where it stood', async () => {
  const { id } = (await handOver(linesOf('middle', 150))).body;
  while ((await stateOf(id)).done < 20) await sleep(2);
  await wipePostgresQueues(database.pool);
  await varve.stop();
  const { rows } = await database.pool.query('select done, state from imports where id = $1', [id]);
  expect(rows).toEqual([{ done: expect.any(Number), state: 'open' }]);
  expect(rows[0].done).toBeLessThan(150);
  varve = await startVarveOn(database.url, adminKey);
  expect(await ended(id)).toMatchObject({
    state: 'finished',
    done: 150,
    events: 150,
    replayed: 0,
    refused: 0,
  });
});

test('a bad line is told at once, and nothing of the import is kept', async () => {
  const before = (await varve.call('GET', '/v1/imports?limit=1000')).body.items.length;
  const good = line('good', define('bad.good'));
  const bad: readonly (readonly [string, string])[] = [
    ['', 'body'],
    ['\n \n', 'body'],
    [`${good}\n{"idempotencyKey":"x"`, 'lines.2'],
    [`${good}\n${good}`, 'lines.2.idempotencyKey'],
    [`${good}\n\n${JSON.stringify({ idempotencyKey: 'x', changes: [define('bad.x')] })}`, 'lines.3.reason'],
    [line('x', { type: 'createApiKey', id: 'x' }), 'lines.1.changes.0.type'],
    [line('x'), 'lines.1.changes'],
    [line('ü', define('bad.x')), 'lines.1.idempotencyKey'],
    [`{"idempotencyKey":"a","idempotencyKey":"b","reason":"r","changes":[]}`, 'lines.1'],
  ];
  for (const [text, place] of bad) {
    const answer = await handOver(text);
    expect([text, answer.status, answer.body.errors?.[0]?.path]).toEqual([
      text,
      400,
      expect.stringContaining(place),
    ]);
  }
  expect((await varve.call('POST', '/v1/imports', { changes: [] })).status).toBe(400);
  expect((await varve.call('POST', '/v1/changesets', good, ndjson)).status).toBe(415);
  expect((await varve.call('GET', '/v1/imports?limit=1000')).body.items).toHaveLength(before);
  expect((await varve.call('GET', '/v1/imports/00000000-0000-4000-8000-000000000000')).status).toBe(404);
});

test('an import can be ended where it stands', async () => {
  const { id } = (await handOver(linesOf('ended', 150))).body;
  while ((await stateOf(id)).done < 5) await sleep(2);
  const cancelled = (await varve.call('DELETE', `/v1/imports/${id}`)).body;
  expect(cancelled).toMatchObject({ state: 'cancelled', total: 150 });
  await sleep(100);
  const later = await stateOf(id);
  expect(later).toEqual(cancelled);
  expect((await varve.call('DELETE', `/v1/imports/${id}`)).body).toEqual(cancelled);
  // One changeset may have been under way; it is in the ledger, and not counted.
  const keys = (await varve.call('GET', '/v1/keys?limit=1000')).body.items;
  const brought = keys.filter(({ key }: { key: string }) => key.startsWith('ended.')).length;
  expect(brought - cancelled.done).toBeOneOf([0, 1]);
});
