/**
 * A client that asks for a stream and then reads nothing, over a raw socket: it is cut off, what waits for it stays
 * bounded all the while, and nobody else notices.
 */
import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openStream } from '../support/event-stream.ts';
import { type HttpAssembly, startHttp } from '../support/http-assembly.ts';

/** What a socket may hold back (1 MiB), and one changeset more with what is written together. */
const bound = 1024 * 1024 + 2 * 65_536;
const big = 'x'.repeat(60_000);
/** More than the kernel keeps for two ends of a connection on one machine. */
const changesets = 300;

let http: HttpAssembly;
let stuck: Socket;

beforeEach(async () => {
  http = await startHttp({ stallMs: 100 });
  await http.change({ type: 'defineKey', key: 'a.text', valueType: 'string', fallback: '' });
  await http.app.listen({ port: 0, host: '127.0.0.1' });
});
afterEach(async () => {
  stuck.destroy();
  await http.close();
});

const set = (n: number) => ({ type: 'setOverride', key: 'a.text', scope: `user:u${n}`, value: `${n}${big}` });
const port = () => (http.app.server.address() as AddressInfo).port;

/** Asks and never reads; answers the server's side of it. */
async function askAndFallSilent(query: string): Promise<ServerResponse> {
  const asked = once(http.app.server, 'request');
  stuck = connect({
    port: port(),
    host: '127.0.0.1',
    onread: { buffer: Buffer.alloc(1), callback: () => false },
  });
  stuck.pause();
  stuck.on('error', () => undefined);
  stuck.write(`GET /v1/stream${query} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${http.adminKey}\r\n\r\n`);
  const [, response] = await asked;
  return response;
}

test('while changes come in: it is cut off, the others have everything', async () => {
  const quick = await openStream(port(), '/v1/stream?from=2', { authorization: `Bearer ${http.adminKey}` });
  const response = await askAndFallSilent('?from=2');
  const closed = once(response, 'close');
  let most = 0;
  for (let n = 0; n < changesets; n += 1) {
    await http.change(set(n));
    most = Math.max(most, response.writableLength);
  }
  const messages = await quick.until(changesets);
  expect(messages.map(({ id }) => Number(id))).toEqual(Array.from({ length: changesets }, (_, n) => n + 3));
  quick.cut();
  await closed;
  expect(response.writableFinished).toBe(false);
  expect(most).toBeGreaterThan(1024 * 1024);
  expect(most).toBeLessThan(bound);
});

test.each(['?from=0', '?from=0&follow=false'])('while it catches up from the log (%s)', async (query) => {
  for (let n = 0; n < changesets; n += 1) await http.change(set(n));
  const response = await askAndFallSilent(query);
  let most = 0;
  const watch = setInterval(() => {
    most = Math.max(most, response.writableLength);
  }, 1);
  await once(response, 'close');
  clearInterval(watch);
  expect(response.writableFinished).toBe(false);
  expect(most).toBeGreaterThan(1024 * 1024);
  expect(most).toBeLessThan(bound);
});
