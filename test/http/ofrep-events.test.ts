/**
 * The event stream that a bulk answer names: opened by its ticket alone, told what concerns it and nothing else, told to ask
 * at the beginning of each connection, and ended with its API key. The clock is turned by hand; timers run as they do.
 */
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { formatInstant } from '../../src/domain/instant.ts';
import { type EventStream, openStream } from '../support/event-stream.ts';
import { type HttpAssembly, startHttp } from '../support/http-assembly.ts';

const hour = 3_600_000;
let http: HttpAssembly;
let service: string;
let open: EventStream[];

beforeEach(async () => {
  open = [];
  http = await startHttp({ heartbeatMs: 20, maxStreams: 9 });
  service = await http.keyOf('service', { name: 'web' });
  await http.change(
    { type: 'defineKey', key: 'a.b', valueType: 'integer', fallback: 0 },
    { type: 'addModel', model: { id: 'acme/one', name: 'One', contextWindow: 1, pricing: { input: 1 } } },
  );
  await http.app.listen({ port: 0, host: '127.0.0.1' });
});
afterEach(async () => {
  for (const stream of open) stream.cut();
  await http.close();
});

const set = (value: number, scope = 'global', options: object = {}) =>
  http.change({ type: 'setOverride', key: 'a.b', scope, value, ...options });

async function addressFor(context: object, headers: Record<string, string> = {}): Promise<string> {
  const all = { authorization: `Bearer ${service}`, ...headers };
  const { body } = await http.call('POST', '/ofrep/v1/evaluate/flags', { context }, all);
  expect(body.eventStreams).toEqual([
    { type: 'sse', endpoint: { requestUri: expect.any(String) }, inactivityDelaySec: 120 },
  ]);
  return body.eventStreams[0].endpoint.requestUri;
}

/** As an EventSource: no header says who it is. */
async function listen(address: string, headers: Record<string, string> = {}): Promise<EventStream> {
  const { port } = http.app.server.address() as AddressInfo;
  const stream = await openStream(port, address, headers);
  open.push(stream);
  return stream;
}

const told = ({ messages }: EventStream) => messages.map(({ event, data }) => [event, JSON.parse(data)]);
const notice = (revision: number) => [
  undefined,
  { type: 'refetchEvaluation', etag: String(revision), lastModified: Math.floor(http.now() / 1000) },
];

test('a connection begins with a notice, and each change that concerns it is one; no values, no key, any origin', async () => {
  const stream = await listen(await addressFor({ targetingKey: 'u-1', tenant: 'acme', tier: 3 }), {
    origin: 'https://shop.example',
  });
  expect([
    stream.status,
    stream.headers['content-type'],
    stream.headers['access-control-allow-origin'],
  ]).toEqual([200, 'text/event-stream; charset=utf-8', '*']);
  await stream.until(1);
  const first = http.ledger().state.revision;
  expect(told(stream)).toEqual([notice(first)]);
  for (const [index, scope] of ['global', 'user:u-1', 'tenant:acme', 'tier:3'].entries()) {
    await set(1, scope);
    await stream.until(index + 2);
    expect(told(stream).at(-1)).toEqual(notice(first + index + 1));
  }
  expect(stream.retries).toEqual([1_000]);
});

test('what changes for others, and what nobody resolves with, is not told', async () => {
  const stream = await listen(await addressFor({ targetingKey: 'u-1' }));
  await stream.until(1);
  await http.change({ type: 'changePrice', id: 'acme/one', pricing: { input: '2' } });
  await http.change({ type: 'tagRevision', name: 'x' });
  await set(1, 'user:u-2');
  await set(1, 'tier:3');
  await set(2, 'user:u-1');
  await stream.until(2);
  expect(told(stream).slice(1)).toEqual([notice(http.ledger().state.revision)]);
});

test('a new key, a model and what turns by itself are told', async () => {
  const stream = await listen(await addressFor({ targetingKey: 'u-1' }));
  await stream.until(1);
  await http.change({ type: 'defineKey', key: 'a.c', valueType: 'integer', fallback: 0 });
  await stream.until(2);
  await http.change({ type: 'deprecateModel', id: 'acme/one', sunsetAt: formatInstant(http.now() + hour) });
  await stream.until(3);
  await set(1, 'user:u-2', { effectiveFrom: formatInstant(http.now() + hour / 2) });
  await set(1, 'user:u-1', { effectiveFrom: formatInstant(http.now() + hour / 2) });
  await stream.until(4);
  const { revision } = http.ledger().state;
  // A notice without a new revision: the override begins, then the model retires.
  for (const count of [5, 6]) {
    http.pass(hour / 2);
    await stream.until(count);
  }
  expect(told(stream).map(([, { etag }]) => Number(etag))).toEqual([
    revision - 4,
    revision - 3,
    revision - 2,
    revision,
    revision,
    revision,
  ]);
});

test('many changes at once are few notices, the last of them of the last one', async () => {
  const stream = await listen(await addressFor({}));
  await stream.until(1);
  for (let value = 1; value <= 50; value++) await set(value);
  const { revision } = http.ledger().state;
  while (told(stream).at(-1)?.[1].etag !== String(revision)) await stream.until(stream.messages.length + 1);
  expect(stream.messages.length).toBeLessThan(20);
});

test('an address names nobody, stays the same for hours, and the entity tag with it; then it is another one', async () => {
  const context = { targetingKey: 'alice@example.com', tenant: 'acme-tenant' };
  const ask = () =>
    http.call('POST', '/ofrep/v1/evaluate/flags', { context }, { authorization: `Bearer ${service}` });
  const first = await ask();
  const address = await addressFor(context);
  expect(decodeURIComponent(address)).not.toMatch(/alice|example|acme-tenant/);
  http.pass(hour);
  expect((await ask()).headers['etag']).toBe(first.headers['etag']);
  http.pass(6 * hour);
  const later = await ask();
  expect(later.headers['etag']).not.toBe(first.headers['etag']);
  // Whoever has the old one has not been left alone in between: it is good for one window more.
  expect((await listen(address)).status).toBe(200);
  http.pass(6 * hour);
  const refused = await http.app.inject({ url: address });
  expect([refused.statusCode, refused.json().errorCode]).toEqual([401, 'GENERAL']);
  expect((await listen(later.body.eventStreams[0].endpoint.requestUri)).status).toBe(200);
});

test('a ticket opens nothing else, and nothing else opens the stream', async () => {
  const address = await addressFor({});
  const ticket = new URL(address, 'http://varve').searchParams.get('ticket') ?? '';
  for (const [method, url] of [
    ['GET', '/v1/stream'],
    ['GET', '/v1/resolve/a.b'],
    ['POST', '/ofrep/v1/evaluate/flags'],
  ] as const) {
    const answer = await http.call(method, url, method === 'POST' ? {} : undefined, {
      authorization: `Bearer ${ticket}`,
    });
    expect([url, answer.status]).toEqual([url, 401]);
  }
  for (const query of ['', '?ticket=', '?ticket=x', `?ticket=${service}`, `?ticket=${ticket}&x=1`]) {
    const answer = await http.call('GET', `/ofrep/v1/events${query}`);
    expect([query, answer.status >= 400 && answer.status < 402, answer.body.errorCode]).toEqual([
      query,
      true,
      'GENERAL',
    ]);
  }
});

test('a stream ends with its ticket, told once more to ask, which answers with a newer address', async () => {
  const address = await addressFor({ targetingKey: 'u-1' });
  const stream = await listen(address);
  await stream.until(1);
  const first = told(stream);
  http.pass(6 * hour);
  const newer = await addressFor({ targetingKey: 'u-1' });
  const other = await listen(newer);
  await other.until(1);
  http.pass(6 * hour);
  await stream.ended();
  expect(told(stream)).toEqual([...first, ...first]);
  expect([stream, other].map(({ messages }) => messages.length)).toEqual([2, 1]);
});

test('a stream ends with its API key', async () => {
  const address = await addressFor({});
  const stream = await listen(address);
  await stream.until(1);
  const { items } = (await http.call('GET', '/v1/api-keys')).body;
  const { id } = items.find(({ name }: { name: string }) => name === 'web');
  await http.call('DELETE', `/v1/api-keys/${id}`, { reason: 'it has leaked' });
  await stream.ended();
  expect((await http.app.inject({ url: address })).statusCode).toBe(401);
});

test('ledgers hear nothing of each other', async () => {
  await http.call('POST', '/v1/ledgers', { name: 'other' });
  const other = { 'varve-ledger': 'other' };
  await http.call(
    'POST',
    '/v1/changesets',
    { reason: 'x', changes: [{ type: 'defineKey', key: 'o.key', valueType: 'integer', fallback: 0 }] },
    other,
  );
  const admin = { authorization: `Bearer ${http.adminKey}` };
  const here = await listen(await addressFor({}, admin));
  const there = await listen(await addressFor({}, { ...admin, ...other }));
  await here.until(1);
  await there.until(1);
  await set(1);
  await here.until(2);
  const change = { reason: 'x', changes: [{ type: 'setOverride', key: 'o.key', scope: 'global', value: 1 }] };
  await http.call('POST', '/v1/changesets', change, other);
  await there.until(2);
  expect([here.messages.length, there.messages.length]).toEqual([2, 2]);
  expect(told(there).at(-1)).toEqual(notice(http.ledger('other').state.revision));
});

test('at most so many streams of one ledger; the end of the server ends them all', async () => {
  const address = await addressFor({});
  for (let count = 0; count < 3; count++) await (await listen(address)).until(1);
  const refused = await http.app.inject({ url: address });
  expect([refused.statusCode, refused.headers['retry-after']]).toEqual([429, '10']);
  // Not those of other ledgers.
  await http.call('POST', '/v1/ledgers', { name: 'other' });
  const there = { authorization: `Bearer ${http.adminKey}`, 'varve-ledger': 'other' };
  const elsewhere = await listen(await addressFor({}, there));
  await elsewhere.until(1);
  elsewhere.cut();
  open.pop();
  // Who goes makes room.
  open.shift()?.cut();
  while ((await listen(address)).status !== 200) open.pop();
  await open.at(-1)?.until(1);
  const ended = Promise.all(open.map((stream) => stream.ended()));
  await http.app.close();
  await ended;
  expect(open.map(({ retries }) => retries)).toEqual([
    [1_000, 1_000],
    [1_000, 1_000],
    [1_000, 1_000],
  ]);
});
