/**
 * The server as a process holds it: requests under way are finished when it ends, what HTTP itself refuses is a problem.
 */
import { once } from 'node:events';
import { createServer } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { expect, test } from 'vitest';
import { answerMalformed } from '../../src/http/faults.ts';
import { startHttp } from '../support/http-assembly.ts';

test('a request that was taken is finished, and a new connection is refused', async () => {
  const http = await startHttp();
  await http.app.listen({ port: 0, host: '127.0.0.1' });
  const { port } = http.app.server.address() as AddressInfo;
  const { reads } = http.dependencies;
  let goOn: () => void = () => undefined;
  let taken: () => void = () => undefined;
  const isTaken = new Promise<void>((resolve) => {
    taken = resolve;
  });
  Object.assign(reads, {
    waitFor: () =>
      new Promise<void>((resolve) => {
        goOn = resolve;
        taken();
      }),
  });
  const answer = fetch(`http://127.0.0.1:${port}/v1/keys`, {
    headers: { authorization: `Bearer ${http.adminKey}` },
  });
  await isTaken;
  const closing = http.close();
  while (http.app.server.listening) await new Promise((resolve) => setImmediate(resolve));
  await expect(fetch(`http://127.0.0.1:${port}/healthz`)).rejects.toThrow('fetch failed');
  goOn();
  const response = await answer;
  expect(response.status).toBe(200);
  expect(await response.json()).toEqual({ items: [], nextCursor: null });
  await closing;
});

test('a connection on which nothing was ever asked does not hold up the end', async () => {
  const http = await startHttp();
  await http.app.listen({ port: 0, host: '127.0.0.1' });
  const { port } = http.app.server.address() as AddressInfo;
  const early = connect(port, '127.0.0.1').on('error', () => undefined);
  await once(early, 'connect');
  const accepted = new Promise((resolve) => http.app.server.getConnections((_, count) => resolve(count)));
  expect(await accepted).toBe(1);
  const gone = once(early, 'close');
  await http.close();
  await gone;
});

test.each([
  ['ERR_HTTP_REQUEST_TIMEOUT', 408, 'request_timeout'],
  ['HPE_HEADER_OVERFLOW', 431, 'headers_too_large'],
  ['HPE_INVALID_EOF_STATE', 400, 'malformed'],
  ['HPE_SOMETHING_NEW', 400, 'malformed'],
] as const)('%s is told as %i', async (code, status, reason) => {
  const server = createServer().listen(0, '127.0.0.1');
  server.on('connection', (socket) => answerMalformed({ code }, socket));
  await once(server, 'listening');
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1');
  let text = '';
  client.setEncoding('utf8').on('data', (data: string) => {
    text += data;
  });
  await once(client, 'close');
  server.close();
  const [head = '', body = ''] = text.split('\r\n\r\n');
  expect(head).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
  expect(head).toMatch(/content-type: application\/problem\+json/i);
  expect(head).toContain(`Content-Length: ${Buffer.byteLength(body)}`);
  expect(JSON.parse(body)).toMatchObject({ status, code: 'invalid', reason });
});

test('a connection that was reset is answered by nothing', () => {
  let isDestroyed = false;
  const socket = connect(1, '127.0.0.1');
  socket.on('error', () => undefined);
  socket.on('close', () => {
    isDestroyed = true;
  });
  answerMalformed({ code: 'ECONNRESET' }, socket);
  expect([socket.destroyed, isDestroyed]).toEqual([true, false]);
});

test('a server whose dependencies cannot serve says why on /readyz', async () => {
  const http = await startHttp();
  Object.assign(http.dependencies, {
    readiness: () => ({ ready: false, reason: 'the database does not answer' }),
  });
  const answer = await http.call('GET', '/readyz');
  expect([answer.status, answer.body.reason, answer.body.detail]).toEqual([
    503,
    'not_ready',
    'the database does not answer',
  ]);
  await http.close();
});
