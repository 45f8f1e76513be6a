/**
 * The LLM client before a real Varve server and a real provider: what is asked of the provider, and what comes back, is what
 * the ledger says at that moment for that user.
 */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createLlmClient } from '../../../src/sdk/llm/create-llm-client.ts';
import { runInContext } from '../../../src/sdk/request-context.ts';
import { defined, type LlmStand, override, startLlmStand } from '../../support/llm-stand.ts';
import { completion, sendJson } from '../../support/model-server.ts';
import { question } from '../../support/prompts.ts';

let stand: LlmStand;

beforeAll(async () => {
  stand = await startLlmStand();
});
afterAll(() => stand.close());
beforeEach(() => stand.begin());

describe('what the ledger says', () => {
  test('is what the stand.provider is asked, and the answer tells by what', async () => {
    const result = await stand.client().complete(stand.ask);
    expect(stand.provider.asked).toMatchObject([
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
      revision: stand.varve.resolve(stand.planner).revision,
      resolved: { key: stand.planner, value: 'openai/gpt-4o', scope: 'fallback', reason: 'DEFAULT' },
      warnings: [],
    });
    expect(result).not.toHaveProperty('arm');
  });

  test('a change counts from the next call on, for that user and nobody else', async () => {
    const llm = stand.client();
    const models = async () => {
      const results = await Promise.all(
        ['u', 'v'].map((user) => llm.complete({ ...stand.ask, context: { user } })),
      );
      const asked = stand.provider.asked.slice(-2).map(({ body }) => body.model);
      expect(new Set(asked)).toEqual(new Set(results.map((result) => result.model.model)));
      return results.map((result) => result.model.id);
    };
    expect(await models()).toEqual(['openai/gpt-4o', 'openai/gpt-4o']);
    await stand.change(override(stand.planner, 'user:u', 'groq/llama'));
    expect(await models()).toEqual(['groq/llama', 'openai/gpt-4o']);
    await stand.change({ type: 'clearOverride', key: stand.planner, scope: 'user:u' });
    expect(await models()).toEqual(['openai/gpt-4o', 'openai/gpt-4o']);
  });

  test('a call that runs keeps the model with which it began', async () => {
    const llm = stand.client();
    let go = (): void => undefined;
    const gate = new Promise<void>((open) => {
      go = open;
    });
    stand.provider.answerWith(async (response) => {
      await gate;
      sendJson(response, completion('Blue.'));
    });
    const running = llm.complete(stand.ask);
    await stand.change(override(stand.planner, 'global', 'groq/llama'));
    go();
    expect((await running).model.id).toBe('openai/gpt-4o');
    expect((await llm.complete(stand.ask)).model.id).toBe('groq/llama');
  });

  test('two users at once, two models, no leak: the request’s own context', async () => {
    await stand.change(override(stand.planner, 'user:u', 'groq/llama'));
    const llm = stand.client();
    const users = Array.from({ length: 100 }, (_, index) => (index % 2 === 0 ? 'u' : 'v'));
    const models = await Promise.all(
      users.map((user) =>
        runInContext({ user }, async () => {
          await new Promise((turn) => setImmediate(turn));
          return (await llm.complete(stand.ask)).model.id;
        }),
      ),
    );
    expect(models).toEqual(users.map((user) => (user === 'u' ? 'groq/llama' : 'openai/gpt-4o')));
  });

  test('an arm of an A/B test is told', async () => {
    const arms = [{ name: 'b', value: 'groq/llama', weight: 1 }];
    await stand.change({
      ...override(stand.planner, 'global', undefined),
      allocation: { unit: 'user', share: 10_000, arms },
    });
    expect(await stand.client().complete({ ...stand.ask, context: { user: 'u' } })).toMatchObject({
      model: { id: 'groq/llama' },
      arm: 'b',
      resolved: { reason: 'SPLIT' },
    });
  });
});

describe('parameters', () => {
  test('come from the key beside the model’s, for the context, in either spelling; the call overrides', async () => {
    await stand.change(
      defined(stand.params, 'object', { temperature: 0.2, max_tokens: 100 }),
      override(stand.params, 'tenant:acme', {
        temperature: 0.9,
        systemPrompt: 'Be brief.',
        stopSequences: ['X'],
      }),
    );
    const llm = stand.client();
    await llm.complete(stand.ask);
    await llm.complete({ ...stand.ask, context: { tenant: 'acme' } });
    await llm.complete({
      ...stand.ask,
      context: { tenant: 'acme' },
      overrides: { temperature: null, maxTokens: 7 },
    });
    await llm.complete({ ...stand.ask, paramsKey: null });
    expect(stand.provider.asked.map(({ body }) => body)).toEqual([
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
    await stand.change(defined('ai.warm', 'object', { temperature: 1 }));
    await stand.client().complete({ ...stand.ask, paramsKey: 'ai.warm' });
    expect(stand.provider.asked[0]?.body).toMatchObject({ temperature: 1 });
    await expect(stand.client().complete({ ...stand.ask, paramsKey: 'ai.cold' })).rejects.toMatchObject({
      code: 'not_found',
    });
  });

  test('that are none are refused with their place, before anything is asked', async () => {
    await stand.change(defined(stand.params, 'object', { temperature: 0.2, max_token: 100 }));
    await expect(stand.client().complete(stand.ask)).rejects.toMatchObject({
      code: 'invalid',
      reason: 'bad_params',
      message: expect.stringContaining(stand.params),
      details: [{ path: 'max_token' }],
    });
    expect(stand.provider.asked).toEqual([]);
  });

  test('that the model cannot take are told, and the call is made', async () => {
    await stand.change(override(stand.planner, 'global', 'anthropic/claude-opus-4-5'));
    stand.provider.answerWith((response) =>
      sendJson(response, { content: [{ type: 'text', text: 'Blue.' }], stop_reason: 'end_turn' }),
    );
    const result = await stand.client().complete({ ...stand.ask, overrides: { seed: 7, maxTokens: 10 } });
    expect(result.warnings).toEqual([
      { code: 'not_carried', path: 'seed', message: 'this API has no such parameter' },
    ]);
    expect(stand.provider.asked[0]?.body).not.toHaveProperty('seed');
  });
});

describe('secrets', () => {
  test('are brought by the address that the ledger holds, for the context, before each call', async () => {
    await stand.change(
      defined('ai.openai.api_key', 'secret', 'env:A'),
      override('ai.openai.api_key', 'tenant:acme', 'env:B'),
    );
    const secrets: Record<string, string> = { 'env:A': 'a1', 'env:B': 'b1' };
    const llm = stand.client({
      endpoints: { openai: { baseUrl: stand.provider.url, secretKey: 'ai.openai.api_key' } },
      readSecret: async (address) => secrets[address] ?? '',
    });
    await llm.complete(stand.ask);
    await llm.complete({ ...stand.ask, context: { tenant: 'acme' } });
    secrets['env:A'] = 'a2';
    await llm.complete(stand.ask);
    expect(stand.provider.asked.map(({ headers }) => headers.authorization)).toEqual([
      'Bearer a1',
      'Bearer b1',
      'Bearer a2',
    ]);
  });

  test('and addresses are missed at the start, not in a call', () => {
    const openai = { baseUrl: stand.provider.url, secretKey: 'ai.openai.api_key' };
    expect(() => stand.client({ endpoints: { openai } })).toThrow(
      expect.objectContaining({ code: 'invalid', reason: 'no_secret' }),
    );
    expect(() => stand.client({ endpoints: { azure: {} } })).toThrow(
      expect.objectContaining({ code: 'invalid', reason: 'bad_url' }),
    );
  });

  test('are not needed, and own headers win', async () => {
    const llm = stand.client({
      endpoints: { openai: { baseUrl: stand.provider.url, headers: { 'x-team': 'planner' } } },
    });
    await llm.complete(stand.ask);
    expect(stand.provider.asked[0]?.headers).toMatchObject({ 'x-team': 'planner' });
    expect(stand.provider.asked[0]?.headers).not.toHaveProperty('authorization');
    const headers = { Authorization: 'Bearer gateway', 'Content-Type': 'application/json; charset=utf-8' };
    const gateway = { baseUrl: stand.provider.url, apiKey: () => 'sk-test', headers };
    await stand.client({ endpoints: { openai: gateway } }).complete(stand.ask);
    expect(stand.provider.asked[1]?.headers).toMatchObject({
      authorization: 'Bearer gateway',
      'content-type': 'application/json; charset=utf-8',
    });
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
    ['a stand.provider that is not here', { context: { user: 'x' } }, 'unavailable', 'no_endpoint'],
  ])('%s', async (_, more, code, reason) => {
    await stand.change(defined('ai.text', 'string', 'hello'), override(stand.planner, 'user:x', 'xai/grok'));
    const failure = await stand
      .client()
      .complete({ ...stand.ask, ...more })
      .catch((error: unknown) => error);
    expect(failure).toMatchObject({ name: 'Failure', code });
    if (reason !== 'unknown_key') expect(failure).toMatchObject({ reason });
    expect(stand.provider.asked).toEqual([]);
  });
});

test('without a server the caller’s fallback is called', async () => {
  const alone = stand.sdk.client({ url: 'http://127.0.0.1:1' });
  const endpoints = { openai: { baseUrl: stand.provider.url } };
  const llm = createLlmClient(alone, { endpoints });
  await expect(llm.complete(stand.ask)).rejects.toMatchObject({ code: 'unavailable' });
  expect(await llm.complete({ ...stand.ask, fallback: 'openai/gpt-4o-mini' })).toMatchObject({
    text: 'Blue.',
    model: { id: 'openai/gpt-4o-mini', status: 'unlisted' },
    revision: 0,
    resolved: { source: 'caller', reason: 'ERROR' },
  });
  await expect(llm.complete({ ...stand.ask, fallback: 'gpt-4o' })).rejects.toMatchObject({
    reason: 'not_a_model',
  });
});
