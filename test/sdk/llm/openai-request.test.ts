/**
 * Requests of OpenAI's style, written out whole.
 */
import { describe, expect, test } from 'vitest';
import { buildOpenAiRequest, plainDialect } from '../../../src/sdk/llm/openai-request.ts';
import type { LlmParams } from '../../../src/sdk/llm/params.ts';
import { providers } from '../../../src/sdk/llm/providers.ts';
import {
  conversation,
  promptOf,
  sampling,
  weatherSchema,
  weatherTool,
  weatherTools,
} from '../../support/prompts.ts';

const user = { role: 'user', content: 'Why is the sky blue?' };

const written = (id: string, params: LlmParams, dialect = plainDialect) => {
  const { body, warnings } = buildOpenAiRequest(promptOf(id, params), dialect);
  return { body, told: warnings.map(({ code, path }) => `${code} ${path}`) };
};

test('the least that can be said', () => {
  expect(buildOpenAiRequest(promptOf('openai/gpt-4o', {}))).toStrictEqual({
    method: 'POST',
    path: '/chat/completions',
    headers: {},
    body: { model: 'gpt-4o', messages: [user] },
    isStreaming: false,
    warnings: [],
  });
});

test('all of sampling; topK is told, because OpenAI has none', () => {
  expect(written('openai/gpt-4o', { ...sampling, systemPrompt: 'Be brief.' })).toStrictEqual({
    body: {
      model: 'gpt-4o',
      messages: [{ role: 'system', content: 'Be brief.' }, user],
      max_tokens: 100,
      temperature: 0.5,
      top_p: 0.9,
      frequency_penalty: 0.1,
      presence_penalty: -0.1,
      stop: ['END', '###'],
      seed: 7,
    },
    told: ['not_carried topK'],
  });
});

test('a reasoning model: another name for the limit, effort, and no sampling', () => {
  expect(written('openai/gpt-5.4', { ...sampling, reasoningEffort: 'high' })).toStrictEqual({
    body: {
      model: 'gpt-5.4',
      messages: [user],
      max_completion_tokens: 100,
      seed: 7,
      reasoning_effort: 'high',
    },
    told: [
      'not_carried temperature',
      'not_carried topP',
      'not_carried topK',
      'not_carried frequencyPenalty',
      'not_carried presencePenalty',
      'not_carried stopSequences',
    ],
  });
  expect(written('openai/gpt-5.4', { temperature: 0.5, reasoningEffort: 'none' })).toStrictEqual({
    body: { model: 'gpt-5.4', messages: [user], temperature: 0.5, reasoning_effort: 'none' },
    told: [],
  });
});

test('what is asked of a model that does not reason is told', () => {
  expect(
    written('openai/gpt-4o', {
      reasoningEffort: 'low',
      thinkingMode: true,
      thinkingTokens: 1024,
      chainOfThought: true,
    }),
  ).toStrictEqual({
    body: { model: 'gpt-4o', messages: [user] },
    told: [
      'not_carried reasoningEffort',
      'not_carried chainOfThought',
      'not_carried thinkingMode',
      'not_carried thinkingTokens',
    ],
  });
});

test.each<[string, LlmParams, object, readonly string[]]>([
  ['mistral', { seed: 7, stream: true }, { random_seed: 7, stream: true }, []],
  ['groq', { seed: 7, stream: true }, { seed: 7, stream: true, stream_options: { include_usage: true } }, []],
  [
    'deepseek',
    { thinkingMode: false, thinkingTokens: 9 },
    { thinking: { type: 'disabled' } },
    ['not_carried thinkingTokens'],
  ],
  ['zai', { thinkingMode: true }, { thinking: { type: 'enabled' } }, []],
  [
    'alibaba',
    { topK: 4, thinkingMode: true, thinkingTokens: 900 },
    {
      top_k: 4,
      enable_thinking: true,
      thinking_budget: 900,
    },
    [],
  ],
  ['perplexity', { topK: 4 }, { top_k: 4 }, []],
  ['groq', { reasoningEffort: 'low' }, { reasoning_effort: 'low' }, []],
])('in the words of %s: %j', (provider, params, fields, told) => {
  expect(written(`${provider}/m`, params, providers[provider]?.dialect)).toStrictEqual({
    body: { model: 'm', messages: [user], ...fields },
    told,
  });
});

describe('tools', () => {
  const tool = {
    type: 'function',
    function: { name: 'weather', description: 'Tells the weather', parameters: weatherSchema },
  };

  test.each(weatherTools)('are read in each spelling: %j', (each) => {
    expect(written('openai/gpt-4o', { tools: [each] }).body['tools']).toStrictEqual([tool]);
  });

  test.each<[LlmParams['toolChoice'], unknown]>([
    ['auto', 'auto'],
    ['none', 'none'],
    ['required', 'required'],
    ['any', 'required'],
    ['weather', { type: 'function', function: { name: 'weather' } }],
    [
      { type: 'function', function: { name: 'weather' } },
      { type: 'function', function: { name: 'weather' } },
    ],
    [
      { type: 'tool', name: 'weather' },
      { type: 'function', function: { name: 'weather' } },
    ],
    [{ type: 'any' }, 'required'],
  ])('choice %j', (toolChoice, expected) => {
    const { body, told } = written('openai/gpt-4o', { tools: [weatherTool], toolChoice: toolChoice ?? '' });
    expect(body).toStrictEqual({
      model: 'gpt-4o',
      messages: [user],
      tools: [tool],
      tool_choice: expected,
    });
    expect(told).toEqual([]);
  });

  test('one call at a time, to the letter', () => {
    const tools = [{ name: 'weather', parameters: weatherSchema, strict: true }];
    expect(written('openai/gpt-4o', { tools, parallelToolCalls: false }).body).toStrictEqual({
      model: 'gpt-4o',
      messages: [user],
      tools: [{ type: 'function', function: { name: 'weather', parameters: weatherSchema, strict: true } }],
      parallel_tool_calls: false,
    });
    expect(written('openai/gpt-4o', { tools, parallelToolCalls: true }).body).not.toHaveProperty(
      'parallel_tool_calls',
    );
  });

  test.each<[string, LlmParams, RegExp]>([
    ['a choice of a tool that is not offered', { tools: [weatherTool], toolChoice: 'sea' }, /^toolChoice: /],
    [
      'a choice that nobody knows',
      { tools: [weatherTool], toolChoice: { type: 'allowed' } },
      /^toolChoice: /,
    ],
    ['a call that is asked for without tools', { toolChoice: 'required' }, /^toolChoice: /],
    ['five stop sequences', { stopSequences: ['1', '2', '3', '4', '5'] }, /^stopSequences: .* at most 4/],
  ])('refused: %s', (_, params, message) => {
    expect(() => written('openai/gpt-4o', params)).toThrow(
      expect.objectContaining({
        code: 'invalid',
        reason: 'unfit_params',
        message: expect.stringMatching(message),
      }),
    );
  });
});

test('a conversation with an image, calls and their answers', () => {
  const prompt = promptOf('openai/gpt-4o', {}, conversation);
  expect(buildOpenAiRequest(prompt).body['messages']).toStrictEqual([
    { role: 'system', content: 'Speak like a sailor.' },
    {
      role: 'user',
      content: [
        { type: 'text', text: 'Where is this?' },
        { type: 'image_url', image_url: { url: 'data:image/png;base64,aGVsbG8=' } },
      ],
    },
    {
      role: 'assistant',
      content: 'Let me look.',
      tool_calls: [
        { id: 'c1', type: 'function', function: { name: 'weather', arguments: '{"city":"Kiel"}' } },
        { id: 'c2', type: 'function', function: { name: 'weather', arguments: '{}' } },
      ],
    },
    { role: 'tool', tool_call_id: 'c1', content: '{"degrees":12}' },
    { role: 'tool', tool_call_id: 'c2', content: 'no city' },
    { role: 'user', content: 'And tomorrow?' },
  ]);
});

test('settings stand beside the parameters, and never replace one', () => {
  const settings = { response_format: { type: 'json_object' } };
  expect(buildOpenAiRequest(promptOf('openai/gpt-4o', {}, undefined, { settings })).body).toStrictEqual({
    model: 'gpt-4o',
    messages: [user],
    ...settings,
  });
  const twice = promptOf('openai/gpt-4o', { topP: 1 }, undefined, { settings: { top_p: 0.5 } });
  expect(() => buildOpenAiRequest(twice)).toThrow(/^settings\.top_p: /);
});
