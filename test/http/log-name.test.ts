/**
 * The log is named to who reads on from what it holds: two logs have the same revisions, and nothing else tells them apart.
 */
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openStream } from '../support/event-stream.ts';
import { type HttpAssembly, startHttp } from '../support/http-assembly.ts';

let one: HttpAssembly;
let other: HttpAssembly;

beforeAll(async () => {
  [one, other] = [await startHttp({ logId: 'log-one' }), await startHttp({ logId: 'log-other' })];
});
afterAll(() => Promise.all([one.close(), other.close()]));

test('a snapshot names it in its first line and its head, also where it has not changed', async () => {
  const answer = await one.call('GET', '/v1/snapshot');
  expect(answer.headers['varve-log']).toBe('log-one');
  expect(JSON.parse(answer.text.slice(0, answer.text.indexOf('\n')))).toMatchObject({ log: 'log-one' });
  const headers = { 'if-none-match': String(answer.headers['etag']) };
  const again = await one.call('GET', '/v1/snapshot', undefined, headers);
  expect([again.status, again.headers['varve-log']]).toEqual([304, 'log-one']);
});

test('what has not changed in one log is not what another one says', async () => {
  const { headers } = await one.call('GET', '/v1/snapshot');
  const question = { 'if-none-match': String(headers['etag']) };
  const answer = await other.call('GET', '/v1/snapshot', undefined, question);
  expect([answer.status, answer.headers['varve-revision']]).toEqual([200, headers['varve-revision']]);
});

test('a stream names it, and so does the refusal to resume where the log does not reach', async () => {
  await one.app.listen({ port: 0, host: '127.0.0.1' });
  const { port } = one.app.server.address() as AddressInfo;
  const stream = await openStream(port, '/v1/stream', { authorization: `Bearer ${one.adminKey}` });
  expect([stream.status, stream.headers['varve-log']]).toEqual([200, 'log-one']);
  stream.cut();
  const refused = await one.call('GET', '/v1/stream?from=99');
  expect([refused.status, refused.headers['varve-log']]).toEqual([400, 'log-one']);
});

test('the document tells of it', async () => {
  const { info } = (await one.app.inject({ url: '/openapi.json' })).json();
  expect(info.description).toContain('`Varve-Log`');
});
