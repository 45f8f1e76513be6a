/**
 * Replicate's predictions cost money from the moment they are asked for: they are asked for once, and one that nobody waits
 * for any more is cancelled.
 */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { LlmClientOptions } from '../../../src/sdk/llm/llm-client.ts';
import { openLlmClient } from '../../../src/sdk/llm/open-llm-client.ts';
import { type LlmStand, override, startLlmStand } from '../../support/llm-stand.ts';
import { type Answering, sendEvents, sendJson } from '../../support/model-server.ts';
import { until } from '../../support/sdk-stand.ts';

let stand: LlmStand;

beforeAll(async () => {
  stand = await startLlmStand();
});
afterAll(() => stand.close());
beforeEach(async () => {
  await stand.begin();
  await stand.change(override(stand.planner, 'global', 'qwen/qwen-image-edit'));
});

const client = (more: Partial<LlmClientOptions> = {}) =>
  openLlmClient(
    stand.varve,
    { endpoints: { qwen: { baseUrl: stand.provider.url, apiKey: () => 'sk-secret' } }, ...more },
    { random: () => 0, newId: () => crypto.randomUUID() },
  );
const asked = () => stand.provider.asked.map(({ method, url }) => `${method} ${url}`);
const creation = 'POST /models/qwen/qwen-image-edit/predictions';
const reading = 'GET /predictions/p';
const cancelling = 'POST /predictions/p/cancel';
const done: Answering = (response) => sendJson(response, { id: 'p', status: 'succeeded', output: 'Blue.' });

/** One that was sent by now has arrived. */
const laterRequests = () => new Promise((turn) => setTimeout(turn, 20));

/** A prediction that never ends, of which `more` answers everything but its beginning. */
const running = (more: Answering, streamUrl?: string): void => {
  const begun = { id: 'p', status: 'processing', urls: { stream: streamUrl } };
  stand.provider.answerWith((response, question, times) =>
    times === 1 ? sendJson(response, begun, 201) : more(response, question, times),
  );
};
const stillRunning: Answering = (response) => sendJson(response, { id: 'p', status: 'processing' });

describe('asked for', () => {
  test.each<[string, Answering, string]>([
    ['503', (response) => sendJson(response, {}, 503), 'provider_failed'],
    ['408', (response) => sendJson(response, {}, 408), 'provider_failed'],
    ['a connection that breaks off', (response) => void response.destroy(), 'not_reached'],
  ])('once, whatever it may have begun: %s', async (_, answering, reason) => {
    stand.provider.answerWith(answering);
    await expect(client().complete(stand.ask)).rejects.toMatchObject({ code: 'unavailable', reason });
    expect(asked()).toEqual([creation]);
  });

  test('again after 429, which began nothing', async () => {
    stand.provider.answerWith((response, question, times) =>
      times === 1 ? sendJson(response, {}, 429) : done(response, question, times),
    );
    expect((await client().complete(stand.ask)).text).toBe('Blue.');
    expect(asked()).toEqual([creation, creation]);
  });
});

describe('cancelled', () => {
  test('when the time is up', async () => {
    running(stillRunning);
    await expect(client({ timeoutMs: 100 }).complete(stand.ask)).rejects.toMatchObject({
      reason: 'timed_out',
    });
    await until(() => asked().includes(cancelling));
    expect(asked()).toEqual([creation, cancelling]);
    expect(stand.provider.asked[1]?.headers).toMatchObject({ authorization: 'Bearer sk-secret' });
  });

  test('when the caller aborts it; that it cannot be cancelled is nobody’s failure', async () => {
    running((response, question, times) =>
      question.method === 'GET' ? stillRunning(response, question, times) : sendJson(response, {}, 404),
    );
    const abort = new AbortController();
    const call = client().complete({ ...stand.ask, signal: abort.signal });
    // Before an id is told there is nothing to cancel.
    await until(() => asked().includes(reading));
    abort.abort();
    await expect(call).rejects.toMatchObject({ reason: 'aborted' });
    await until(() => asked().includes(cancelling));
  });

  test('when the loop is left', async () => {
    const words = ['event: output\ndata: Bl\n\n'];
    running(
      (response, { url }) => (url === '/out' ? sendEvents(response, words, 'hang') : sendJson(response, {})),
      `${stand.provider.url}/out`,
    );
    for await (const chunk of client().stream(stand.ask)) if (chunk.type === 'text') break;
    await until(() => asked().includes(cancelling));
    expect(asked()).toEqual([creation, 'GET /out', cancelling]);
  });

  test('not when it failed', async () => {
    running((response) => sendJson(response, { id: 'p', status: 'failed' }));
    await expect(client().complete(stand.ask)).rejects.toMatchObject({ reason: 'provider_failed' });
    await laterRequests();
    expect(asked()).toEqual([creation, reading]);
  });
});

test('a stream is over with its last word, whether its connection ends or not', async () => {
  const words = ['event: output\ndata: Blue.\n\n', 'event: done\ndata: {}\n\n'];
  running(
    (response, question, times) =>
      question.url === '/out' ? sendEvents(response, words, 'hang') : done(response, question, times),
    `${stand.provider.url}/out`,
  );
  const chunks: string[] = [];
  for await (const chunk of client().stream(stand.ask)) chunks.push(chunk.type);
  expect(chunks).toEqual(['text', 'end']);
  await laterRequests();
  expect(asked()).toEqual([creation, 'GET /out', reading]);
});
