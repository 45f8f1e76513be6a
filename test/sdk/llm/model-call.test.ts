/**
 * Calls of each style of API, whole and streamed, as they go over the wire.
 */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { ModelAnswer } from '../../../src/sdk/llm/answer.ts';
import type { LlmChunk } from '../../../src/sdk/llm/llm-client.ts';
import { type LlmStand, override, startLlmStand } from '../../support/llm-stand.ts';
import {
  completion,
  completionEvents,
  type ModelServer,
  sendEvents,
  sendJson,
  startModelServer,
} from '../../support/model-server.ts';

let stand: LlmStand;

beforeAll(async () => {
  stand = await startLlmStand();
});
afterAll(() => stand.close());
beforeEach(() => stand.begin());

describe('each style of API', () => {
  const text = (of: ModelAnswer) => [of.text, of.finishReason, of.usage?.inputTokens, of.usage?.outputTokens];

  test.each<[string, object, object, string, Record<string, string>]>([
    ['openai/gpt-4o', completion('Blue.'), {}, '/chat/completions', { authorization: 'Bearer sk-test' }],
    [
      'anthropic/claude-opus-4-5',
      {
        content: [{ type: 'text', text: 'Blue.' }],
        stop_reason: 'end_turn',
        usage: { input_tokens: 10, output_tokens: 5 },
      },
      {},
      '/messages',
      { 'x-api-key': 'sk-test', 'anthropic-version': '2023-06-01' },
    ],
    [
      'gemini/gemini-2.5-flash',
      {
        candidates: [{ content: { parts: [{ text: 'Blue.' }] }, finishReason: 'STOP' }],
        usageMetadata: { promptTokenCount: 10, candidatesTokenCount: 5 },
      },
      {},
      '/models/gemini-2.5-flash:generateContent',
      { 'x-goog-api-key': 'sk-test' },
    ],
    [
      'qwen/qwen-image-edit',
      {
        id: 'p',
        status: 'succeeded',
        output: ['Blue', '.'],
        metrics: { input_token_count: 10, output_token_count: 5 },
      },
      { settings: { go_fast: true } },
      '/models/qwen/qwen-image-edit/predictions',
      { authorization: 'Bearer sk-test', prefer: 'wait=1' },
    ],
  ])('%s answers as a whole', async (id, body, more, url, headers) => {
    await stand.change(override(stand.planner, 'global', id));
    stand.provider.answerWith((response) => sendJson(response, body));
    expect(text(await stand.client().complete({ ...stand.ask, ...more }))).toEqual(['Blue.', 'stop', 10, 5]);
    expect(stand.provider.asked).toMatchObject([{ method: 'POST', url, headers }]);
  });

  test.each<[string, readonly (object | string)[], string]>([
    ['openai/gpt-4o', completionEvents('Bl', 'ue.'), '/chat/completions'],
    [
      'anthropic/claude-opus-4-5',
      [
        { type: 'message_start', message: { usage: { input_tokens: 10, output_tokens: 1 } } },
        { type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } },
        ': a comment\n\nevent: ping\ndata: {"type":"ping"}\n\n',
        { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'Bl' } },
        { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'ue.' } },
        { type: 'content_block_stop', index: 0 },
        { type: 'message_delta', delta: { stop_reason: 'end_turn' }, usage: { output_tokens: 5 } },
        // The last event has no empty line after it.
        'event: message_stop\r\ndata: {"type":"message_stop"}',
      ],
      '/messages',
    ],
    [
      'gemini/gemini-2.5-flash',
      [
        { candidates: [{ content: { parts: [{ text: 'Bl' }] } }] },
        {
          candidates: [{ content: { parts: [{ text: 'ue.' }] }, finishReason: 'STOP' }],
          usageMetadata: { promptTokenCount: 10, candidatesTokenCount: 5 },
        },
      ],
      '/models/gemini-2.5-flash:streamGenerateContent?alt=sse',
    ],
  ])('%s answers as it writes', async (id, events, url) => {
    await stand.change(override(stand.planner, 'global', id));
    stand.provider.answerWith((response) => sendEvents(response, events));
    const chunks: LlmChunk[] = [];
    for await (const chunk of stand.client().stream(stand.ask)) chunks.push(chunk);
    expect(chunks.slice(0, -1)).toEqual([
      { type: 'text', text: 'Bl' },
      { type: 'text', text: 'ue.' },
    ]);
    expect(chunks.at(-1)).toMatchObject({
      type: 'end',
      result: { text: 'Blue.', model: { id }, revision: expect.any(Number) },
    });
    const last = chunks.at(-1);
    expect(last?.type === 'end' && text(last.result)).toEqual(['Blue.', 'stop', 10, 5]);
    expect(stand.provider.asked).toMatchObject([{ url }]);
  });

  test('Replicate: waits until a prediction is done, and streams from the address that it names', async () => {
    await stand.change(override(stand.planner, 'global', 'qwen/qwen-image-edit'));
    const done = {
      id: 'p',
      status: 'succeeded',
      output: ['Bl', 'ue.'],
      metrics: { input_token_count: 10, output_token_count: 5 },
    };
    const written = ['Bl', 'ue.'].map((piece) => `event: output\ndata: ${piece}\n\n`);
    const elsewhere = await startModelServer((response) =>
      sendEvents(response, [...written, 'event: done\ndata: {}\n\n']),
    );
    const begun = { id: 'p', status: 'processing', urls: { stream: `${elsewhere.url}/out` } };
    stand.provider.answerWith((response, { url }) =>
      url === '/predictions/p' ? sendJson(response, done) : sendJson(response, begun, 201),
    );
    const shown = ({ asked }: ModelServer) =>
      asked.map(({ method, url, headers }) => [method, url, headers.authorization]);
    const result = await stand.client().complete({ ...stand.ask, settings: { go_fast: true } });
    expect(text(result)).toEqual(['Blue.', 'stop', 10, 5]);
    expect(shown(stand.provider)).toEqual([
      ['POST', '/models/qwen/qwen-image-edit/predictions', 'Bearer sk-test'],
      ['GET', '/predictions/p', 'Bearer sk-test'],
    ]);
    const chunks: LlmChunk[] = [];
    for await (const chunk of stand.client().stream(stand.ask)) chunks.push(chunk);
    expect(chunks).toMatchObject([
      { type: 'text', text: 'Bl' },
      { type: 'text', text: 'ue.' },
      { type: 'end', result: { text: 'Blue.', usage: { inputTokens: 10, outputTokens: 5 } } },
    ]);
    // The secret goes nowhere but to the endpoint.
    expect(shown(elsewhere)).toEqual([['GET', '/out', undefined]]);
    await elsewhere.close();
  });

  test('a whole answer is asked for as a stream when the parameters say so', async () => {
    stand.provider.answerWith((response) => sendEvents(response, completionEvents('Bl', 'ue.')));
    expect(text(await stand.client().complete({ ...stand.ask, overrides: { stream: true } }))).toEqual([
      'Blue.',
      'stop',
      10,
      5,
    ]);
    expect(stand.provider.asked[0]?.body).toMatchObject({
      stream: true,
      stream_options: { include_usage: true },
    });
  });
});
