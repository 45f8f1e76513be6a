/**
 * A provider in trouble: what is tried again and what is not, what the caller hears, and that nothing hangs.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { Failure } from '../../../src/failure.ts';
import type { LlmClientOptions } from '../../../src/sdk/llm/llm-client.ts';
import { openLlmClient } from '../../../src/sdk/llm/open-llm-client.ts';
import { type LlmStand, startLlmStand } from '../../support/llm-stand.ts';
import {
  type Answering,
  completion,
  completionEvents,
  type ModelServer,
  sendEvents,
  sendJson,
} from '../../support/model-server.ts';
import { until } from '../../support/sdk-stand.ts';

let stand: LlmStand;
let provider: ModelServer;
let ask: LlmStand['ask'];

beforeAll(async () => {
  stand = await startLlmStand();
  await stand.begin();
  ({ provider, ask } = stand);
});
afterAll(() => stand.close());
beforeEach(() => provider.forget());

/** Without any pause but those that the provider asks for. */
const client = (more: Partial<LlmClientOptions> = {}) =>
  openLlmClient(
    stand.varve,
    {
      endpoints: { openai: { baseUrl: provider.url, apiKey: () => 'sk-secret' } },
      timeoutMs: 10_000,
      ...more,
    },
    { random: () => 0, newId: () => crypto.randomUUID() },
  );

/** Answers in this order, and whole from then on. */
const first = (...answers: readonly Answering[]): void => {
  provider.answerWith((response, asked, times) =>
    (answers[times - 1] ?? ((last) => sendJson(last, completion('Blue.'))))(response, asked, times),
  );
};
const status =
  (code: number, body: unknown = {}, headers = {}): Answering =>
  (response) =>
    sendJson(response, body, code, headers);
async function failed(work: Promise<unknown>): Promise<Failure> {
  try {
    await work;
  } catch (error) {
    if (error instanceof Failure) return error;
    throw error;
  }
  throw new Error('nothing failed');
}

describe('tried again', () => {
  test.each<[string, Answering]>([
    ['429 with Retry-After', status(429, {}, { 'retry-after': '0.01' })],
    ['429 with a date', status(429, {}, { 'retry-after': new Date(0).toUTCString() })],
    ['500', status(500)],
    ['503', status(503)],
    ['529', status(529)],
    ['408', status(408)],
    ['a connection that breaks off', (response) => void response.destroy()],
  ])('%s', async (_, answering) => {
    first(answering, answering);
    expect((await client().complete(ask)).text).toBe('Blue.');
    expect(provider.asked).toHaveLength(3);
    expect(provider.asked[2]?.body).toEqual(provider.asked[0]?.body);
  });

  test('as often as is allowed, and the last failure is told', async () => {
    first(...Array.from({ length: 9 }, () => status(503, { error: { message: 'overloaded' } })));
    expect(await failed(client({ retries: 4 }).complete(ask))).toMatchObject({
      name: 'Failure',
      code: 'unavailable',
      reason: 'provider_failed',
      message: 'openai answered 503: overloaded',
    });
    expect(provider.asked).toHaveLength(5);
    provider.forget();
    await failed(client({ retries: 0 }).complete(ask));
    expect(provider.asked).toHaveLength(1);
  });

  test('a stream, until it has begun', async () => {
    first(status(429), (response) => sendEvents(response, completionEvents('Blue.')));
    const pieces: string[] = [];
    for await (const chunk of client().stream(ask)) pieces.push(chunk.type);
    expect(pieces).toEqual(['text', 'end']);
    expect(provider.asked).toHaveLength(2);
  });
});

describe('not tried again', () => {
  test.each<[number, string, string, unknown, string]>([
    [400, 'refused', 'provider_refused', { error: { message: 'bad tools' } }, 'bad tools'],
    [401, 'unauthenticated', 'provider_refused', { error: 'no key' }, 'no key'],
    [403, 'forbidden', 'provider_refused', { detail: 'not yours' }, 'not yours'],
    [404, 'not_found', 'provider_refused', [{ error: { message: 'no model' } }], 'no model'],
    [413, 'refused', 'provider_refused', 'too long', 'too long'],
    [422, 'refused', 'provider_refused', {}, 'nothing more'],
    [302, 'unavailable', 'provider_redirected', {}, 'nothing more'],
  ])('%d', async (code, failure, reason, body, message) => {
    first(status(code, body, { location: `${provider.url}/elsewhere` }));
    expect(await failed(client().complete(ask))).toMatchObject({
      code: failure,
      reason,
      message: `openai answered ${code}: ${message}`,
    });
    expect(provider.asked).toHaveLength(1);
  });

  test('429 that asks for more patience than a call has: who called decides', async () => {
    first(status(429, {}, { 'retry-after': '3600' }));
    expect(await failed(client().complete(ask))).toMatchObject({
      code: 'limited',
      reason: 'provider_limited',
      retryAfterSeconds: 3600,
    });
    expect(provider.asked).toHaveLength(1);
  });

  test.each<[string, Answering, string]>([
    ['a page', (response) => void response.writeHead(200).end('<html>'), 'broken_answer'],
    ['another shape', status(200, { answer: 42 }), 'broken_answer'],
    [
      'half an answer',
      (response) => {
        response.writeHead(200, { 'content-length': 1000 });
        response.write('{"choices":');
        setImmediate(() => response.destroy());
      },
      'not_reached',
    ],
    ['an error that says 200', status(200, { error: { message: 'no' } }), 'provider_failed'],
  ])('%s', async (_, answering, reason) => {
    first(answering);
    expect(await failed(client().complete(ask))).toMatchObject({ code: 'unavailable', reason });
    expect(provider.asked).toHaveLength(1);
  });

  test.each<[string, Answering, string]>([
    [
      'is cut off',
      (response) => sendEvents(response, completionEvents('Bl').slice(0, 1), 'destroy'),
      'not_reached',
    ],
    ['ends too early', (response) => sendEvents(response, completionEvents('Bl').slice(0, 1)), 'cut_off'],
    [
      'tells an error',
      (response) => sendEvents(response, [...completionEvents('Bl').slice(0, 1), { error: 'no' }]),
      'provider_failed',
    ],
    [
      'falls silent',
      (response) => sendEvents(response, completionEvents('Bl').slice(0, 1), 'hang'),
      'timed_out',
    ],
  ])('a stream that has begun and %s', async (_, answering, reason) => {
    first(answering);
    const texts: string[] = [];
    const read = async () => {
      for await (const chunk of client({ timeoutMs: 300 }).stream(ask)) {
        if (chunk.type === 'text') texts.push(chunk.text);
      }
    };
    expect(await failed(read())).toMatchObject({ name: 'Failure', code: 'unavailable', reason });
    expect(texts).toEqual(['Bl']);
    expect(provider.asked).toHaveLength(1);
  });
});

describe('the time', () => {
  test('of a whole answer ends, and the connection with it', async () => {
    first(() => undefined);
    expect(await failed(client({ timeoutMs: 50 }).complete(ask))).toMatchObject({
      code: 'unavailable',
      reason: 'timed_out',
      message: 'openai did not answer within 50 ms',
    });
    await until(() => provider.givenUp() === 1);
    expect(provider.asked).toHaveLength(1);
  });

  test('holds for all attempts together: what was said last is told', async () => {
    first(status(503), status(429, {}, { 'retry-after': '5' }));
    expect(await failed(client().complete({ ...ask, timeoutMs: 500 }))).toMatchObject({
      reason: 'provider_limited',
      retryAfterSeconds: 5,
    });
  });

  test('of a stream is that of its silence: it may go on for longer in all', async () => {
    first(async (response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      for (const event of completionEvents('1', '2', '3', '4')) {
        response.write(typeof event === 'string' ? event : `data: ${JSON.stringify(event)}\n\n`);
        await sleep(60);
      }
      response.end();
    });
    let text = '';
    for await (const chunk of client({ timeoutMs: 300 }).stream(ask)) {
      if (chunk.type === 'text') text += chunk.text;
    }
    expect(text).toBe('1234');
  });

  test('of a whole answer is that of all of it, even if it comes as a stream that keeps itself alive', async () => {
    first(async (response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      while (!response.destroyed) {
        response.write(': still there\n\n');
        await sleep(20);
      }
    });
    const call = client({ timeoutMs: 150 }).complete({ ...ask, overrides: { stream: true } });
    expect(await failed(call)).toMatchObject({ code: 'unavailable', reason: 'timed_out' });
    await until(() => provider.givenUp() === 1);
  });
});

test('a stream that has said its last word is over, whether its connection ends or not', async () => {
  first((response) => sendEvents(response, completionEvents('Blue.'), 'hang'));
  expect((await client().complete({ ...ask, overrides: { stream: true } })).text).toBe('Blue.');
  await until(() => provider.givenUp() === 1);
});

test('the time that the reader takes for itself is no silence of the provider', async () => {
  first((response) => sendEvents(response, completionEvents('Bl', 'ue.')));
  const pieces: string[] = [];
  for await (const chunk of client({ timeoutMs: 100 }).stream(ask)) {
    pieces.push(chunk.type);
    if (pieces.length === 1) await sleep(250);
  }
  expect(pieces).toEqual(['text', 'text', 'end']);
});

describe('the caller', () => {
  test('aborts a call that waits, one that waits to try again, and one that never began', async () => {
    for (const answering of [() => undefined, status(429, {}, { 'retry-after': '20' })]) {
      first(answering);
      const abort = new AbortController();
      const call = failed(client().complete({ ...ask, signal: abort.signal }));
      await until(() => provider.asked.length === 1);
      abort.abort(new Error('enough'));
      expect(await call).toMatchObject({
        code: 'unavailable',
        reason: 'aborted',
        cause: { message: 'enough' },
      });
      provider.forget();
    }
    const call = client().complete({ ...ask, signal: AbortSignal.abort() });
    expect(await failed(call)).toMatchObject({ reason: 'aborted' });
    expect(provider.asked).toEqual([]);
  });

  test('leaves a stream, and the connection is given up', async () => {
    first((response) => sendEvents(response, completionEvents('Bl').slice(0, 1), 'hang'));
    for await (const chunk of client().stream(ask)) if (chunk.type === 'text') break;
    await until(() => provider.givenUp() === 1);
    expect(provider.givenUp()).toBe(1);
  });

  test('never finds the secret in a failure', async () => {
    first(status(401, { error: { message: 'there is no key sk-secret' } }));
    const failure = await failed(client().complete(ask));
    expect(failure.message).toBe('openai answered 401: there is no key …');
    expect(JSON.stringify([failure, failure.message, String(failure.cause)])).not.toContain('sk-secret');
  });
});
