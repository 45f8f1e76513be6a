/**
 * The outgoing client of webhooks against real servers on this machine: what it sends, what it follows, what it refuses.
 * Names are resolved by the test, as somebody who controls a name would have them resolved.
 */

import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import { createServer as createTcpServer } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { Resolve } from '../../src/jobs/address-guard.ts';
import { type PostOptions, postNotice } from '../../src/jobs/post-notice.ts';
import { signNotice } from '../../src/jobs/webhook-secret.ts';

const notice = signNotice('id-1', Date.UTC(2026, 0, 1), '{"type":"KeyDefined"}', [Buffer.alloc(24, 1)]);

/** A name leads to these addresses; every other name to this machine. */
const resolving =
  (names: Readonly<Record<string, readonly string[]>> = {}): Resolve =>
  (hostname, done) =>
    done(
      null,
      (names[hostname] ?? ['127.0.0.1']).map((address) => ({
        address,
        family: address.includes(':') ? 6 : 4,
      })),
    );

async function serve(listener: RequestListener): Promise<number> {
  const server = createServer(listener).listen(0, '127.0.0.1');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port was given');
  return address.port;
}

const open: PostOptions = { resolve: resolving(), mayBePrivate: true };
const guarded: PostOptions = { resolve: resolving(), mayBePrivate: false };

describe('what is sent', () => {
  test('a POST with the signed body and headers', async () => {
    const heard: unknown[] = [];
    const port = await serve((request, response) => {
      request.setEncoding('utf8').on('data', (body) => {
        const { 'webhook-id': id, 'webhook-signature': signature, 'content-type': type } = request.headers;
        heard.push({ method: request.method, url: request.url, body, id, signature, type });
        response.writeHead(204).end();
      });
    });
    expect(await postNotice(`http://example.com:${port}/hook?a=1`, notice, open)).toEqual({ status: 204 });
    expect(heard).toEqual([
      {
        method: 'POST',
        url: '/hook?a=1',
        body: notice.body,
        id: 'id-1',
        signature: notice.headers['webhook-signature'],
        type: 'application/json',
      },
    ]);
  });

  test('only 2xx acknowledges', async () => {
    const port = await serve((request, response) => response.writeHead(Number(request.url?.slice(1))).end());
    const post = (status: number) => postNotice(`http://example.com:${port}/${status}`, notice, open);
    for (const status of [200, 202, 299]) expect(await post(status)).toEqual({ status });
    for (const status of [300, 303, 304, 400, 410, 500]) {
      expect(await post(status)).toEqual({ status, error: 'not_acknowledged' });
    }
  });

  test('a long answer is cut off and counts; a silent receiver, a slow one and none are told', async () => {
    const endless = await serve((_request, response) => {
      response.writeHead(200);
      const write = () => {
        while (response.write('x'.repeat(16_384)));
      };
      response.on('drain', write);
      write();
    });
    expect(await postNotice(`http://example.com:${endless}/`, notice, open)).toEqual({ status: 200 });
    const silent = await serve(() => undefined);
    const hurried = { ...open, totalMs: 100 };
    expect(await postNotice(`http://example.com:${silent}/`, notice, hurried)).toEqual({
      status: null,
      error: 'timeout',
    });
    const dripping = await serve((_request, response) => void response.writeHead(200).write('x'));
    expect(await postNotice(`http://example.com:${dripping}/`, notice, hurried)).toEqual({
      status: null,
      error: 'timeout',
    });
    expect(await postNotice('http://example.com:1/', notice, open)).toEqual({
      status: null,
      error: 'ECONNREFUSED',
    });
    const lost: Resolve = (_hostname, done) =>
      done(Object.assign(new Error('no'), { code: 'ENOTFOUND' }), []);
    expect(await postNotice('http://example.com/', notice, { ...open, resolve: lost })).toEqual({
      status: null,
      error: 'ENOTFOUND',
    });
  });

  test('a name that is not resolved in time, and what speaks no HTTP', async () => {
    const never: PostOptions = { ...open, resolve: () => undefined, connectMs: 50 };
    expect(await postNotice('http://example.com/', notice, never)).toEqual({
      status: null,
      error: 'connect_timeout',
    });
    const server = createTcpServer((socket) => socket.end('hello\r\n\r\n')).listen(0, '127.0.0.1');
    onTestFinished(() => void server.close());
    await once(server, 'listening');
    const address = server.address();
    const port = address !== null && typeof address !== 'string' ? address.port : 0;
    const answer = await postNotice(`http://example.com:${port}/`, notice, open);
    expect(answer).toMatchObject({ status: null, error: expect.stringMatching(/^HPE_/) });
  });
});

describe('what is refused', () => {
  const refused = { status: null, error: 'forbidden_address' };

  test('a private address, written or by its name, before anything is sent', async () => {
    let requests = 0;
    const port = await serve((_request, response) => {
      requests += 1;
      response.end();
    });
    for (const host of [
      '127.0.0.1',
      'localhost',
      '[::1]',
      '169.254.169.254',
      '2130706433',
      '[::ffff:169.254.169.254]',
    ]) {
      expect([host, await postNotice(`http://${host}:${port}/`, notice, guarded)]).toEqual([host, refused]);
    }
    const names = { 'loop.example.com': ['127.0.0.1'], 'metadata.example.com': ['169.254.169.254'] };
    const byName = { ...guarded, resolve: resolving(names) };
    for (const host of Object.keys(names)) {
      expect([host, await postNotice(`http://${host}:${port}/`, notice, byName)]).toEqual([host, refused]);
    }
    expect(requests).toBe(0);
    // The same names and the same server, where the settings allow it.
    expect(
      await postNotice(`http://loop.example.com:${port}/`, notice, { ...byName, mayBePrivate: true }),
    ).toEqual({
      status: 200,
    });
  });

  test('a name that leads to a public and to a private address', async () => {
    const resolve = resolving({ 'both.example.com': ['93.184.216.34', '10.0.0.1'] });
    expect(await postNotice('http://both.example.com/', notice, { ...guarded, resolve })).toEqual(refused);
  });

  test('a name that answers something else the second time is asked once, and connected to as it was checked', async () => {
    let asked = 0;
    const resolve: Resolve = (_hostname, done) => {
      asked += 1;
      done(null, [{ address: asked === 1 ? '127.0.0.1' : '93.184.216.34', family: 4 }]);
    };
    expect(await postNotice('http://rebinding.example.com/', notice, { ...guarded, resolve })).toEqual(
      refused,
    );
    expect(asked).toBe(1);
  });

  test('redirects to a private address, written or by name', async () => {
    // The first server is reached because this test resolves its name to itself, past a guard that is asked in between.
    let inner = 0;
    const target = await serve((_request, response) => {
      inner += 1;
      response.end();
    });
    for (const location of [
      `http://127.0.0.1:${target}/`,
      `http://169.254.169.254/latest/meta-data/`,
      `http://localhost:${target}/`,
      `http://inner.example.com:${target}/`,
    ]) {
      const front = await serve((_request, response) => response.writeHead(307, { location }).end());
      const { status, error } = await postThroughPublicFront(front, guarded);
      expect([location, status, error]).toEqual([location, null, 'forbidden_address']);
    }
    expect(inner).toBe(0);
  });

  test('redirects: three are followed with method and body, a fourth is not; never away from http', async () => {
    const methods: (string | undefined)[] = [];
    const port = await serve((request, response) => {
      methods.push(request.method);
      const left = Number(request.url?.slice(1));
      if (left === 0) response.end();
      else response.writeHead(left % 2 === 0 ? 302 : 308, { location: `/${left - 1}` }).end();
    });
    expect(await postNotice(`http://example.com:${port}/3`, notice, open)).toEqual({ status: 200 });
    expect(methods).toEqual(['POST', 'POST', 'POST', 'POST']);
    expect(await postNotice(`http://example.com:${port}/4`, notice, open)).toMatchObject({
      error: 'too_many_redirects',
    });
    for (const [location, error] of [
      ['file:///etc/passwd', 'forbidden_protocol'],
      ['ftp://example.com/', 'forbidden_protocol'],
      ['http://user:secret@example.com/', 'credentials_in_url'],
      ['http://[', 'bad_redirect'],
    ]) {
      const front = await serve((_request, response) => response.writeHead(307, { location }).end());
      expect(await postNotice(`http://example.com:${front}/`, notice, open)).toMatchObject({ error });
    }
    const nowhere = await serve((_request, response) => response.writeHead(307).end());
    expect(await postNotice(`http://example.com:${nowhere}/`, notice, open)).toMatchObject({
      error: 'bad_redirect',
    });
  });
});

/**
 * Posts to a front on this machine as if it stood at a public address: the resolver names the public one to the guard,
 * and hands the connection a proxy of the same list whose address is ours. Every other name leads to this machine.
 */
async function postThroughPublicFront(port: number, options: PostOptions) {
  let isFirst = true;
  const resolve: Resolve = (_hostname, done) => {
    if (!isFirst) return done(null, [{ address: '127.0.0.1', family: 4 }]);
    isFirst = false;
    let looked = 0;
    const entry = {
      family: 4,
      // The guard looks first, the connection second: a resolver that could do this would have to run in this process.
      get address() {
        looked += 1;
        return looked === 1 ? '93.184.216.34' : '127.0.0.1';
      },
    };
    done(null, [entry]);
  };
  return postNotice(`http://front.example.com:${port}/`, notice, { ...options, resolve });
}
