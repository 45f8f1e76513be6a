/**
 * The LLM client before a real Varve server and a real provider: what is asked of the provider, and what comes back, is what
 * the ledger says at that moment for that user.
 */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { ModelAnswer } from '../../../src/sdk/llm/answer.ts';
import { createLlmClient } from '../../../src/sdk/llm/create-llm-client.ts';
import type { LlmChunk, LlmClientOptions } from '../../../src/sdk/llm/llm-client.ts';
import { runInContext } from '../../../src/sdk/request-context.ts';
import type { Varve } from '../../../src/sdk/varve.ts';
import {
  completion,
  completionEvents,
  type ModelServer,
  sendEvents,
  sendJson,
  startModelServer,
} from '../../support/model-server.ts';
import { question } from '../../support/prompts.ts';
import { type SdkStand, startSdkStand } from '../../support/sdk-stand.ts';

let stand: SdkStand;
let provider: ModelServer;
let varve: Varve;

const model = (id: string) => ({
  type: 'addModel',
  model: { id, provider: id.split('/')[0], name: id, contextWindow: 1000 },
});
const defined = (key: string, valueType: string, fallback: unknown) => ({
  type: 'defineKey',
  key,
  valueType,
  fallback,
});
const set = (key: string, scope: string, value: unknown) => ({ type: 'setOverride', key, scope, value });

/** Of the test that runs: keys of its own, so that one server does for all of them. */
let planner: string;
let params: string;
let ask: { readonly key: string; readonly messages: typeof question };
let tests = 0;

beforeAll(async () => {
  stand = await startSdkStand();
  provider = stand.closeWith(await startModelServer(() => undefined));
  const models = ['openai/gpt-4o', 'groq/llama', 'anthropic/claude-opus-4-5', 'gemini/gemini-2.5-flash'];
  await stand.http.change(...models.map(model), model('qwen/qwen-image-edit'), model('xai/grok'));
  varve = stand.client();
  await varve.ready();
});
afterAll(() => stand.close());

beforeEach(async () => {
  tests += 1;
  planner = `ai.t${tests}.model`;
  params = `ai.t${tests}.params`;
  ask = { key: planner, messages: question };
  provider.forget();
  provider.answerWith((response) => sendJson(response, completion('Blue.')));
  await change(defined(planner, 'model', 'openai/gpt-4o'));
});

/** Made and arrived. */
async function change(...changes: readonly object[]): Promise<void> {
  await stand.http.change(...changes);
  await varve.reached(stand.http.ledger().state.revision);
}

const client = (more: Partial<LlmClientOptions> = {}) => {
  const endpoint = { baseUrl: provider.url, apiKey: () => 'sk-test' };
  const endpoints = {
    openai: endpoint,
    groq: endpoint,
    anthropic: endpoint,
    gemini: endpoint,
    qwen: endpoint,
  };
  return stand.closeWith(createLlmClient(varve, { endpoints, ...more }));
};

describe('what the ledger says', () => {
  test('is what the provider is asked, and the answer tells by what', async () => {
    const result = await client().complete(ask);
    expect(provider.asked).toMatchObject([
      {
        method: 'POST',
        url: '/chat/completions',
        headers: { authorization: 'Bearer sk-test', 'content-type': 'application/json' },
        body: { model: 'gpt-4o', messages: question },
      },
    ]);
    expect(result).toMatchObject({
      text: 'Blue.',
      toolCalls: [],
      finishReason: 'stop',
      usage: { inputTokens: 10, outputTokens: 5 },
      model: { id: 'openai/gpt-4o', provider: 'openai', model: 'gpt-4o' },
      revision: varve.resolve(planner).revision,
      resolved: { key: planner, value: 'openai/gpt-4o', scope: 'fallback', reason: 'DEFAULT' },
      warnings: [],
    });
    expect(result).not.toHaveProperty('arm');
  });

  test('a change counts from the next call on, for that user and nobody else', async () => {
    const llm = client();
    const models = async () => {
      const results = await Promise.all(
        ['u', 'v'].map((user) => llm.complete({ ...ask, context: { user } })),
      );
      const asked = provider.asked.slice(-2).map(({ body }) => body.model);
      expect(asked.toSorted()).toEqual(results.map((result) => result.model.model).toSorted());
      return results.map((result) => result.model.id);
    };
    expect(await models()).toEqual(['openai/gpt-4o', 'openai/gpt-4o']);
    await change(set(planner, 'user:u', 'groq/llama'));
    expect(await models()).toEqual(['groq/llama', 'openai/gpt-4o']);
    await change({ type: 'clearOverride', key: planner, scope: 'user:u' });
    expect(await models()).toEqual(['openai/gpt-4o', 'openai/gpt-4o']);
  });

  test('a call that runs keeps the model with which it began', async () => {
    const llm = client();
    let go = (): void => undefined;
    const gate = new Promise<void>((open) => {
      go = open;
    });
    provider.answerWith(async (response) => {
      await gate;
      sendJson(response, completion('Blue.'));
    });
    const running = llm.complete(ask);
    await change(set(planner, 'global', 'groq/llama'));
    go();
    expect((await running).model.id).toBe('openai/gpt-4o');
    expect((await llm.complete(ask)).model.id).toBe('groq/llama');
  });

  test('two users at once, two models, no leak: the request’s own context', async () => {
    await change(set(planner, 'user:u', 'groq/llama'));
    const llm = client();
    const users = Array.from({ length: 100 }, (_, index) => (index % 2 === 0 ? 'u' : 'v'));
    const models = await Promise.all(
      users.map((user) =>
        runInContext({ user }, async () => {
          await new Promise((turn) => setImmediate(turn));
          return (await llm.complete(ask)).model.id;
        }),
      ),
    );
    expect(models).toEqual(users.map((user) => (user === 'u' ? 'groq/llama' : 'openai/gpt-4o')));
  });

  test('an arm of an A/B test is told', async () => {
    const arms = [{ name: 'b', value: 'groq/llama', weight: 1 }];
    await change({ ...set(planner, 'global', undefined), allocation: { unit: 'user', share: 10_000, arms } });
    expect(await client().complete({ ...ask, context: { user: 'u' } })).toMatchObject({
      model: { id: 'groq/llama' },
      arm: 'b',
      resolved: { reason: 'SPLIT' },
    });
  });
});

describe('parameters', () => {
  test('come from the key beside the model’s, for the context, in either spelling; the call overrides', async () => {
    await change(
      defined(params, 'object', { temperature: 0.2, max_tokens: 100 }),
      set(params, 'tenant:acme', {
        temperature: 0.9,
        systemPrompt: 'Be brief.',
        stopSequences: ['X'],
      }),
    );
    const llm = client();
    await llm.complete(ask);
    await llm.complete({ ...ask, context: { tenant: 'acme' } });
    await llm.complete({
      ...ask,
      context: { tenant: 'acme' },
      overrides: { temperature: null, maxTokens: 7 },
    });
    await llm.complete({ ...ask, paramsKey: null });
    expect(provider.asked.map(({ body }) => body)).toEqual([
      { model: 'gpt-4o', messages: question, temperature: 0.2, max_tokens: 100 },
      {
        model: 'gpt-4o',
        messages: [{ role: 'system', content: 'Be brief.' }, ...question],
        temperature: 0.9,
        stop: ['X'],
      },
      {
        model: 'gpt-4o',
        messages: [{ role: 'system', content: 'Be brief.' }, ...question],
        max_tokens: 7,
        stop: ['X'],
      },
      { model: 'gpt-4o', messages: question },
    ]);
  });

  test('come from another key when the call names it; one that is not there is refused', async () => {
    await change(defined('ai.warm', 'object', { temperature: 1 }));
    await client().complete({ ...ask, paramsKey: 'ai.warm' });
    expect(provider.asked[0]?.body).toMatchObject({ temperature: 1 });
    await expect(client().complete({ ...ask, paramsKey: 'ai.cold' })).rejects.toMatchObject({
      code: 'not_found',
    });
  });

  test('that are none are refused with their place, before anything is asked', async () => {
    await change(defined(params, 'object', { temperature: 0.2, max_token: 100 }));
    await expect(client().complete(ask)).rejects.toMatchObject({
      code: 'invalid',
      reason: 'bad_params',
      message: expect.stringContaining(params),
      details: [{ path: 'max_token' }],
    });
    expect(provider.asked).toEqual([]);
  });

  test('that the model cannot take are told, and the call is made', async () => {
    await change(set(planner, 'global', 'anthropic/claude-opus-4-5'));
    provider.answerWith((response) =>
      sendJson(response, { content: [{ type: 'text', text: 'Blue.' }], stop_reason: 'end_turn' }),
    );
    const result = await client().complete({ ...ask, overrides: { seed: 7, maxTokens: 10 } });
    expect(result.warnings).toEqual([
      { code: 'not_carried', path: 'seed', message: 'this API has no such parameter' },
    ]);
    expect(provider.asked[0]?.body).not.toHaveProperty('seed');
  });
});

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
      { authorization: 'Bearer sk-test', prefer: 'wait=60' },
    ],
  ])('%s answers as a whole', async (id, body, more, url, headers) => {
    await change(set(planner, 'global', id));
    provider.answerWith((response) => sendJson(response, body));
    expect(text(await client().complete({ ...ask, ...more }))).toEqual(['Blue.', 'stop', 10, 5]);
    expect(provider.asked).toMatchObject([{ method: 'POST', url, headers }]);
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
    await change(set(planner, 'global', id));
    provider.answerWith((response) => sendEvents(response, events));
    const chunks: LlmChunk[] = [];
    for await (const chunk of client().stream(ask)) chunks.push(chunk);
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
    expect(provider.asked).toMatchObject([{ url }]);
  });

  test('Replicate: waits until a prediction is done, and streams from the address that it names', async () => {
    await change(set(planner, 'global', 'qwen/qwen-image-edit'));
    const done = {
      id: 'p',
      status: 'succeeded',
      output: ['Bl', 'ue.'],
      metrics: { input_token_count: 10, output_token_count: 5 },
    };
    provider.answerWith((response, { url }) => {
      if (url === '/out')
        return sendEvents(response, [
          'event: output\ndata: Bl\n\nevent: output\ndata: ue.\n\nevent: done\ndata: {}\n\n',
        ]);
      if (url === '/predictions/p') return sendJson(response, done);
      return sendJson(
        response,
        { id: 'p', status: 'processing', urls: { stream: `${provider.url}/out` } },
        201,
      );
    });
    const result = await client().complete({ ...ask, settings: { go_fast: true } });
    expect(text(result)).toEqual(['Blue.', 'stop', 10, 5]);
    const waited = provider.asked.map(({ method, url, headers }) => [method, url, headers.authorization]);
    expect(waited).toEqual([
      ['POST', '/models/qwen/qwen-image-edit/predictions', 'Bearer sk-test'],
      ['GET', '/predictions/p', 'Bearer sk-test'],
    ]);
    const chunks: LlmChunk[] = [];
    for await (const chunk of client().stream(ask)) chunks.push(chunk);
    expect(chunks).toMatchObject([
      { type: 'text', text: 'Bl' },
      { type: 'text', text: 'ue.' },
      { type: 'end', result: { text: 'Blue.', usage: { inputTokens: 10, outputTokens: 5 } } },
    ]);
  });

  test('a whole answer is asked for as a stream when the parameters say so', async () => {
    provider.answerWith((response) => sendEvents(response, completionEvents('Bl', 'ue.')));
    expect(text(await client().complete({ ...ask, overrides: { stream: true } }))).toEqual([
      'Blue.',
      'stop',
      10,
      5,
    ]);
    expect(provider.asked[0]?.body).toMatchObject({ stream: true, stream_options: { include_usage: true } });
  });
});

describe('secrets', () => {
  test('are brought by the address that the ledger holds, for the context, before each call', async () => {
    await change(
      defined('ai.openai.api_key', 'secret', 'env:A'),
      set('ai.openai.api_key', 'tenant:acme', 'env:B'),
    );
    const secrets: Record<string, string> = { 'env:A': 'a1', 'env:B': 'b1' };
    const llm = client({
      endpoints: { openai: { baseUrl: provider.url, secretKey: 'ai.openai.api_key' } },
      readSecret: async (address) => secrets[address] ?? '',
    });
    await llm.complete(ask);
    await llm.complete({ ...ask, context: { tenant: 'acme' } });
    secrets['env:A'] = 'a2';
    await llm.complete(ask);
    expect(provider.asked.map(({ headers }) => headers.authorization)).toEqual([
      'Bearer a1',
      'Bearer b1',
      'Bearer a2',
    ]);
    const without = client({
      endpoints: { openai: { baseUrl: provider.url, secretKey: 'ai.openai.api_key' } },
    });
    await expect(without.complete(ask)).rejects.toMatchObject({ code: 'invalid', reason: 'no_secret' });
  });

  test('are not needed, and own headers win', async () => {
    const llm = client({
      endpoints: { openai: { baseUrl: provider.url, headers: { 'x-team': 'planner' } } },
    });
    await llm.complete(ask);
    expect(provider.asked[0]?.headers).toMatchObject({ 'x-team': 'planner' });
    expect(provider.asked[0]?.headers).not.toHaveProperty('authorization');
  });
});

describe('what is refused before anything is asked', () => {
  test.each<[string, object, string, string]>([
    ['no messages', { messages: [] }, 'invalid', 'bad_messages'],
    ['a message of nobody', { messages: [{ role: 'nobody', content: '' }] }, 'invalid', 'bad_messages'],
    ['a key that is not there', { key: 'ai.nothing.model' }, 'not_found', 'unknown_key'],
    ['a key of another type', { key: 'ai.text' }, 'invalid', 'not_a_model'],
    ['an unknown override', { overrides: { temprature: 1 } }, 'invalid', 'bad_params'],
    [
      'parameters that the API cannot carry',
      { overrides: { toolChoice: 'required' } },
      'invalid',
      'unfit_params',
    ],
    ['a provider that is not here', { context: { user: 'x' } }, 'unavailable', 'no_endpoint'],
  ])('%s', async (_, more, code, reason) => {
    await change(defined('ai.text', 'string', 'hello'), set(planner, 'user:x', 'xai/grok'));
    const failure = await client()
      .complete({ ...ask, ...more })
      .catch((error: unknown) => error);
    expect(failure).toMatchObject({ name: 'Failure', code });
    if (reason !== 'unknown_key') expect(failure).toMatchObject({ reason });
    expect(provider.asked).toEqual([]);
  });
});

test('without a server the caller’s fallback is called', async () => {
  const alone = stand.client({ url: 'http://127.0.0.1:1' });
  const endpoints = { openai: { baseUrl: provider.url } };
  const llm = stand.closeWith(createLlmClient(alone, { endpoints }));
  await expect(llm.complete(ask)).rejects.toMatchObject({ code: 'unavailable' });
  expect(await llm.complete({ ...ask, fallback: 'openai/gpt-4o-mini' })).toMatchObject({
    text: 'Blue.',
    model: { id: 'openai/gpt-4o-mini', status: 'unlisted' },
    revision: 0,
    resolved: { source: 'caller', reason: 'ERROR' },
  });
  await expect(llm.complete({ ...ask, fallback: 'gpt-4o' })).rejects.toMatchObject({ reason: 'not_a_model' });
});
