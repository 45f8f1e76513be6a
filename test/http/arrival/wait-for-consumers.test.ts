/** Waiting for consumers: the write is answered when all have it, or when the time is over with who has not; nobody else waits. */
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Failure } from '../../../src/failure.ts';
import { type HttpAnswer, type HttpAssembly, startHttp } from '../../support/http-assembly.ts';

let http: HttpAssembly;
beforeEach(async () => {
  http = await startHttp();
  await http.change({ type: 'defineKey', key: 'a.number', valueType: 'integer', fallback: 0 });
});
afterEach(() => http.close());

const head = () => http.ledger().state.revision;
let value = 0;
const changes = () => {
  value += 1;
  return [{ type: 'setOverride', key: 'a.number', scope: 'global', value }];
};
const write = (query = '?waitFor=consumers', body: object = {}, headers: Record<string, string> = {}) =>
  http.call('POST', `/v1/changesets${query}`, { reason: 'x', changes: changes(), ...body }, headers);
const beat = (client: string, revision = head(), more: object = {}) =>
  http.call('POST', '/v1/heartbeats', { client, revision, ...more });
const quick = '?waitFor=consumers&waitMs=60';
const long = '?waitFor=consumers&waitMs=30000';

/** Begins a write that may wait long, and goes on once it is in the ledger. */
async function begin(): Promise<{ readonly answer: Promise<HttpAnswer> }> {
  const before = head();
  const answer = write(long, {}, { 'idempotency-key': 'begun' });
  while (head() === before) await new Promise(setImmediate);
  return { answer };
}

test('answers when every consumer has it, and not before', async () => {
  await beat('one');
  await beat('two');
  let answered = false;
  const { answer } = await begin();
  void answer.finally(() => {
    answered = true;
  });
  await beat('one');
  // Somebody else's write and read are answered meanwhile.
  expect((await write('')).body).not.toHaveProperty('consumers');
  expect((await http.call('GET', '/v1/resolve/a.number')).body.value).toBe(value);
  expect(answered).toBe(false);
  await beat('two');
  const { status, body } = await answer;
  expect(status).toBe(201);
  expect(body.consumers).toEqual({
    revision: body.revisions.last,
    reached: ['one', 'two'],
    reachedCount: 2,
    missing: [],
    missingCount: 0,
  });
});

test('names who has not when the time is over, silent ones too, which are not waited for', async () => {
  await beat('silent');
  http.pass(61_000);
  await beat('slow');
  await beat('good');
  const { answer } = await begin();
  await beat('good');
  // Nobody says anything more: the time of this one is over.
  value -= 1;
  const { status, body } = await write(quick, {}, { 'idempotency-key': 'begun' });
  expect(status).toBe(201);
  expect(body.consumers).toMatchObject({
    reached: ['good'],
    missing: [
      { client: 'silent', state: 'silent' },
      {
        client: 'slow',
        state: 'behind',
        revision: head() - 1,
        lastSeenAt: new Date(http.now()).toISOString(),
      },
    ],
    missingCount: 2,
  });
  // The write stands.
  expect((await http.call('GET', '/v1/resolve/a.number')).body.revision).toBe(head());
  // Whoever says good-bye is waited for no longer.
  await beat('slow', head(), { leaving: true });
  expect((await answer).body.consumers).toMatchObject({
    missing: [{ client: 'silent' }],
    reached: ['good'],
  });
});

test('without consumers, and without an event, nothing is waited for', async () => {
  const { body } = await write(long);
  expect(body.consumers).toMatchObject({ reached: [], missing: [] });
  await beat('one', head() - 1);
  const same = [{ type: 'setOverride', key: 'a.number', scope: 'global', value }];
  const nothing = await write(long, { changes: same });
  expect(nothing.status).toBe(200);
  expect(nothing.body).toMatchObject({ changesetId: null, events: [] });
  expect(nothing.body).not.toHaveProperty('consumers');
});

test('a request again under its key waits again, for as long as it says', async () => {
  await beat('one');
  const written = await write(quick, {}, { 'idempotency-key': 'k' });
  expect(written.body.consumers.missing).toMatchObject([{ client: 'one' }]);
  await beat('one');
  value -= 1;
  const again = await write(long, {}, { 'idempotency-key': 'k' });
  const { revisions } = written.body;
  expect(again).toMatchObject({
    status: 201,
    body: { revisions, consumers: { reached: ['one'], missing: [] } },
  });
  expect(again.headers['idempotent-replayed']).toBe('true');
});

test('who has it cannot be told: the write stands, with a warning', async () => {
  await beat('one');
  const { reads } = http.dependencies;
  const away = () => Promise.reject(new Failure('unavailable', 'away'));
  Object.assign(reads, { leastRevision: away, consumers: away });
  const { status, body } = await write(quick);
  expect(status).toBe(201);
  expect(body.warnings).toMatchObject([{ code: 'consumers_unknown', path: 'query.waitFor' }]);
  expect(body).not.toHaveProperty('consumers');
});

describe('bounds', () => {
  test('256 wait at once; one more is turned away before anything is written', async () => {
    await beat('one');
    const before = head();
    const waiting = Array.from({ length: 256 }, () => write(long));
    while (head() < before + 256) await new Promise(setImmediate);
    expect(await write()).toMatchObject({ status: 429, body: { code: 'limited', reason: 'too_many_waits' } });
    expect(head()).toBe(before + 256);
    await beat('one');
    const answers = await Promise.all(waiting);
    expect(answers.every(({ body }) => body.consumers.reached[0] === 'one')).toBe(true);
    expect((await write(quick)).status).toBe(201);
  });

  test('who hangs up waits no longer', async () => {
    await beat('one');
    await http.app.listen({ port: 0, host: '127.0.0.1' });
    const { port } = http.app.server.address() as AddressInfo;
    const before = head();
    const ending = new AbortController();
    const asked = Array.from({ length: 256 }, () =>
      fetch(`http://127.0.0.1:${port}/v1/changesets?waitFor=consumers&waitMs=30000`, {
        method: 'POST',
        headers: { authorization: `Bearer ${http.adminKey}`, 'content-type': 'application/json' },
        body: JSON.stringify({ reason: 'x', changes: changes() }),
        signal: ending.signal,
      }).catch(() => undefined),
    );
    while (head() < before + 256) await new Promise(setImmediate);
    expect((await write(quick)).status).toBe(429);
    ending.abort();
    await Promise.all(asked);
    let status = 429;
    while (status === 429) ({ status } = await write(quick));
    expect(status).toBe(201);
  });

  test('a server that ends lets nobody wait', async () => {
    await beat('one');
    const { answer } = await begin();
    await http.app.close();
    expect((await answer).body.consumers.missing).toMatchObject([{ client: 'one' }]);
  });
});
