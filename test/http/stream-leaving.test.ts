/**
 * Clients that leave before their stream opens, while the server looks up their key or waits for the revision that they have:
 * they are let go of, so that they do not add up until streams are closed to everybody.
 */
import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { StreamHub } from '../../src/http/stream-hub.ts';
import { openStream } from '../support/event-stream.ts';
import { type HttpAssembly, startHttp } from '../support/http-assembly.ts';

const maxStreams = 3;

let http: HttpAssembly;

beforeEach(async () => {
  http = await startHttp({ maxStreams });
  await http.change({ type: 'defineKey', key: 'a.text', valueType: 'string', fallback: '' });
  await http.app.listen({ port: 0, host: '127.0.0.1' });
});
afterEach(() => http.close());

const port = () => (http.app.server.address() as AddressInfo).port;
const bearer = () => ({ authorization: `Bearer ${http.adminKey}` });

/** From now on a key is looked up only when it is let go; answers how to let it go. */
function holdKeys(): () => void {
  const { authenticate } = http.dependencies;
  let letGo: () => void = () => undefined;
  const held = new Promise<void>((resolve) => {
    letGo = resolve;
  });
  Object.assign(http.dependencies, { authenticate: (token: string) => held.then(() => authenticate(token)) });
  return letGo;
}

/** Asks for a stream, and leaves when the server has the question; answers the server's side of it. */
async function askAndLeave(query: string): Promise<ServerResponse> {
  const asked = once(http.app.server, 'request');
  const socket = connect({ port: port(), host: '127.0.0.1' });
  socket.write(
    `GET /v1/stream${query} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${http.adminKey}\r\n\r\n`,
  );
  const [, response] = (await asked) as [unknown, ServerResponse];
  const closed = once(response, 'close');
  socket.destroy();
  await closed;
  return response;
}

test.each(['?from=1', '?from=1&follow=false'])(
  'they take no place among the open streams (%s)',
  async (query) => {
    const letKeysGo = holdKeys();
    for (let n = 0; n < maxStreams; n += 1) await askAndLeave(query);
    letKeysGo();
    const stream = await openStream(port(), '/v1/stream?follow=false&from=1', bearer());
    expect(stream.status).toBe(200);
    await stream.ended();
    expect(stream.messages.map(({ id }) => Number(id))).toEqual([2]);
  },
);

test.each([true, false])('who has gone is not served (would follow: %s)', async (isFollowing) => {
  const { now } = http;
  const hub = new StreamHub(http.ledger(), { heartbeatMs: 20, maxPendingBytes: 1_024, stallMs: 20, now });
  const letKeysGo = holdKeys();
  const response = await askAndLeave('');
  const isStillKnown = async () => true;
  await hub.serve(response, { lens: { view: 'events' }, position: 0, isFollowing, isStillKnown });
  expect(hub.size).toBe(0);
  letKeysGo();
});
