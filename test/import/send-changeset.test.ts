/** The sender over a real socket: what goes out, what each answer becomes, and how often it tries. */
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import type { Failure } from '../../src/failure.ts';
import { createSendChangeset } from '../../src/import/send-changeset.ts';

interface Heard {
  readonly method: string | undefined;
  readonly url: string | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

type Answer = (response: ServerResponse) => void;

const changeset = { reason: 'why', changes: [{ type: 'removeModel', id: 'acme/one' } as const] };
const cleanups: (() => void)[] = [];

afterEach(() => {
  for (const clean of cleanups.splice(0)) clean();
});

/** A server that gives the answers in turn, the last one from then on. */
async function serve(...answers: Answer[]): Promise<{ url: string; heard: Heard[] }> {
  const heard: Heard[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const { method, url, headers } = request;
      heard.push({ method, url, headers, body: Buffer.concat(chunks).toString() });
      const answer = answers[Math.min(heard.length, answers.length) - 1];
      answer?.(response);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  cleanups.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${portOf(server.address())}`, heard };
}

function portOf(address: AddressInfo | string | null): number {
  if (address === null || typeof address === 'string') throw new Error('the server has no port');
  return address.port;
}

function answer(status: number, body: unknown, headers: Record<string, string> = {}): Answer {
  return (response) => {
    response.writeHead(status, { 'content-type': 'application/json', ...headers });
    response.end(typeof body === 'string' ? body : JSON.stringify(body));
  };
}

const created = answer(201, { changesetId: 'c', events: [{ type: 'ModelRemoved', revision: 4 }] });

function sender(url: string, options: { apiKey?: string; attempts?: number; timeoutMs?: number } = {}) {
  const waits: number[] = [];
  const retries: string[] = [];
  const wait = async (ms: number): Promise<void> => {
    waits.push(ms);
  };
  const onRetry = (problem: Failure): void => {
    retries.push(problem.code);
  };
  return { send: createSendChangeset({ fetch, wait }, { url, onRetry, ...options }), waits, retries };
}

const options = { idempotencyKey: 'models.dev:abcdef0' };

describe('a request', () => {
  test('carries key, source, credential and the changeset', async () => {
    const { url, heard } = await serve(created);
    const reply = await sender(url, { apiKey: 'varve_operator_x_y' }).send(changeset, options);
    expect(reply).toMatchObject({ events: [{ type: 'ModelRemoved' }], warnings: [], isReplay: false });
    expect(heard).toHaveLength(1);
    expect(heard[0]).toMatchObject({
      method: 'POST',
      url: '/v1/changesets',
      body: JSON.stringify(changeset),
      headers: {
        'idempotency-key': 'models.dev:abcdef0',
        'varve-source': 'import',
        authorization: 'Bearer varve_operator_x_y',
        'content-type': 'application/json',
      },
    });
  });

  test('knows a first answer that is given again', async () => {
    const { url } = await serve(answer(201, { events: [] }, { 'idempotent-replayed': 'true' }));
    expect((await sender(url).send(changeset, options)).isReplay).toBe(true);
  });

  test('is sent again with the same key and bytes until it is answered', async () => {
    const { url, heard } = await serve(
      (response) => response.destroy(),
      answer(503, { code: 'unavailable', detail: 'queue full' }, { 'retry-after': '3' }),
      answer(502, '<html>bad gateway</html>'),
      created,
    );
    const { send, waits, retries } = sender(url);
    expect((await send(changeset, options)).events).toHaveLength(1);
    expect(heard).toHaveLength(4);
    expect(new Set(heard.map(({ headers }) => headers['idempotency-key']))).toEqual(
      new Set(['models.dev:abcdef0']),
    );
    expect(new Set(heard.map(({ body }) => body))).toEqual(new Set([JSON.stringify(changeset)]));
    expect(waits).toEqual([200, 3000, 800]);
    expect(retries).toEqual(['unavailable', 'unavailable', 'unavailable']);
  });

  test('that is never answered ends after the attempts, and says so', async () => {
    const { url } = await serve(() => {});
    const { send, waits } = sender(url, { attempts: 3, timeoutMs: 50 });
    await expect(send(changeset, options)).rejects.toMatchObject({
      code: 'unavailable',
      reason: 'no_answer',
    });
    expect(waits).toEqual([200, 400]);
  });

  test('to where nobody listens says where that is', async () => {
    const { send } = sender('http://127.0.0.1:1', { attempts: 1 });
    await expect(send(changeset, options)).rejects.toThrow(/^no answer from http:\/\/127\.0\.0\.1:1: \w/);
  });
});

describe('an answer', () => {
  test.each([
    [400, 'invalid'],
    [401, 'unauthenticated'],
    [403, 'forbidden'],
    [409, 'conflict'],
    [422, 'refused'],
  ])('of %i is the failure that it says, at once', async (status, code) => {
    const errors = [{ path: 'changes.0.id', message: 'not so' }];
    const { url, heard } = await serve(
      answer(status, {
        type: 'about:blank',
        title: 'No',
        status,
        code,
        reason: 'why_not',
        detail: 'because',
        errors,
      }),
    );
    await expect(sender(url).send(changeset, options)).rejects.toMatchObject({
      code,
      reason: 'why_not',
      message: 'because',
      details: errors,
    });
    expect(heard).toHaveLength(1);
  });

  test.each([
    ['of another server', answer(200, '<html>hello</html>')],
    ['without events', answer(200, { ok: true })],
    ['with an unknown problem', answer(418, { code: 'teapot' })],
  ])('%s is not taken for one', async (_, given) => {
    const { url, heard } = await serve(given);
    await expect(sender(url).send(changeset, options)).rejects.toMatchObject({
      code: 'corrupt',
      reason: 'not_varve',
    });
    expect(heard).toHaveLength(1);
  });
});
