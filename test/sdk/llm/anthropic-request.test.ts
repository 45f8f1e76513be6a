/**
 * Requests of Anthropic's style, written out whole, with what its API says about thinking.
 */
import { describe, expect, test } from 'vitest';
import { buildAnthropicRequest } from '../../../src/sdk/llm/anthropic-request.ts';
import type { Message } from '../../../src/sdk/llm/message.ts';
import type { LlmParams } from '../../../src/sdk/llm/params.ts';
import {
  conversation,
  promptOf,
  question,
  sampling,
  weatherSchema,
  weatherTool,
} from '../../support/prompts.ts';

const user = { role: 'user', content: [{ type: 'text', text: 'Why is the sky blue?' }] };

const written = (model: string, params: LlmParams, messages: readonly Message[] = question) => {
  const { body, warnings } = buildAnthropicRequest(promptOf(`anthropic/${model}`, params, messages));
  return { body, told: warnings.map(({ code, path }) => `${code} ${path}`) };
};

test('the least that can be said: the API wants a limit, which is told', () => {
  expect(buildAnthropicRequest(promptOf('anthropic/claude-3-5-haiku', {}))).toStrictEqual({
    method: 'POST',
    path: '/messages',
    headers: { 'anthropic-version': '2023-06-01' },
    body: { model: 'claude-3-5-haiku', max_tokens: 4096, messages: [user] },
    isStreaming: false,
    warnings: [{ code: 'assumed', path: 'maxTokens', message: 'this API wants a limit: 4096' }],
  });
});

test('all of sampling; what it has no parameter for is told', () => {
  const params = { ...sampling, systemPrompt: 'Be brief.', stream: true };
  expect(written('claude-3-5-haiku', params)).toStrictEqual({
    body: {
      model: 'claude-3-5-haiku',
      max_tokens: 100,
      system: 'Be brief.',
      messages: [user],
      stop_sequences: ['END', '###'],
      temperature: 0.5,
      top_p: 0.9,
      top_k: 40,
      stream: true,
    },
    told: ['not_carried frequencyPenalty', 'not_carried presencePenalty', 'not_carried seed'],
  });
});

test.each<[string, string, LlmParams, object, readonly string[]]>([
  [
    'a temperature above its range',
    'claude-3-5-haiku',
    { temperature: 1.5 },
    { temperature: 1 },
    ['adjusted temperature'],
  ],
  [
    'topP beside a temperature, later',
    'claude-opus-4-5',
    { temperature: 0.5, topP: 0.9 },
    { temperature: 0.5 },
    ['not_carried topP'],
  ],
  ['topP alone, later', 'claude-opus-4-5', { topP: 0.9 }, { top_p: 0.9 }, []],
  [
    'sampling, from Opus 4.7 on',
    'claude-opus-4-7',
    { temperature: 1, topP: 1, topK: 1 },
    {},
    ['not_carried temperature', 'not_carried topP', 'not_carried topK'],
  ],
])('%s: %s %j', (_, model, params, fields, told) => {
  expect(written(model, { maxTokens: 10, ...params })).toStrictEqual({
    body: { model, max_tokens: 10, messages: [user], ...fields },
    told,
  });
});

describe('thinking', () => {
  const budget = (budget_tokens: number) => ({ thinking: { type: 'enabled', budget_tokens } });

  test.each<[string, LlmParams, object, readonly string[]]>([
    ['claude-sonnet-4-5', { thinkingMode: true, thinkingTokens: 2000 }, budget(2000), []],
    ['claude-sonnet-4-5', { thinkingTokens: 2000 }, budget(2000), []],
    ['claude-sonnet-4-5', { thinkingMode: true }, budget(1024), ['assumed thinkingTokens']],
    ['claude-sonnet-4-5', { reasoningEffort: 'medium' }, budget(2048), ['assumed thinkingTokens']],
    [
      'claude-sonnet-4-5',
      { reasoningEffort: 'low', thinkingTokens: 1500 },
      budget(1500),
      ['not_carried reasoningEffort'],
    ],
    ['claude-sonnet-4-5', { reasoningEffort: 'none' }, {}, []],
    ['claude-sonnet-4-5', { thinkingTokens: 0 }, {}, []],
    ['claude-sonnet-4-5', { thinkingMode: false, thinkingTokens: 2000 }, {}, ['not_carried thinkingTokens']],
    [
      'claude-sonnet-4-5',
      { thinkingTokens: 1024, chainOfThought: true },
      {
        thinking: { type: 'enabled', budget_tokens: 1024, display: 'summarized' },
      },
      [],
    ],
    [
      'claude-sonnet-4-5',
      { thinkingTokens: 1024, temperature: 1, topP: 0.95 },
      { ...budget(1024), top_p: 0.95 },
      [],
    ],
    [
      'claude-sonnet-4-5',
      { thinkingTokens: 1024, temperature: 0.5, topP: 0.9, topK: 4 },
      budget(1024),
      ['not_carried temperature', 'not_carried topP', 'not_carried topK'],
    ],
    [
      'claude-opus-4-6',
      { thinkingTokens: 2000, reasoningEffort: 'high' },
      {
        ...budget(2000),
        output_config: { effort: 'high' },
      },
      [],
    ],
    [
      'claude-opus-4-6',
      { reasoningEffort: 'minimal' },
      { output_config: { effort: 'low' } },
      ['adjusted reasoningEffort'],
    ],
    [
      'claude-opus-4-7',
      { thinkingMode: true, thinkingTokens: 2000, reasoningEffort: 'xhigh' },
      {
        thinking: { type: 'adaptive' },
        output_config: { effort: 'xhigh' },
      },
      ['not_carried thinkingTokens'],
    ],
    [
      'claude-sonnet-5',
      { thinkingMode: true, chainOfThought: false },
      {
        thinking: { type: 'adaptive', display: 'omitted' },
      },
      [],
    ],
    [
      'claude-3-5-haiku',
      { thinkingMode: true, thinkingTokens: 2000, reasoningEffort: 'low', chainOfThought: true },
      {},
      [
        'not_carried thinkingMode',
        'not_carried reasoningEffort',
        'not_carried thinkingTokens',
        'not_carried chainOfThought',
      ],
    ],
  ])('%s %j', (model, params, fields, told) => {
    expect(written(model, { maxTokens: 8000, ...params })).toStrictEqual({
      body: { model, max_tokens: 8000, messages: [user], ...fields },
      told,
    });
  });

  test('a limit that nobody said leaves room for both', () => {
    expect(written('claude-sonnet-4-5', { thinkingTokens: 2000 }).body['max_tokens']).toBe(6096);
  });

  test.each<[string, LlmParams, RegExp]>([
    ['all of the answer for thinking', { maxTokens: 2000, thinkingTokens: 2000 }, /^thinkingTokens: /],
    ['less than the least budget', { thinkingTokens: 1023 }, /^thinkingTokens: .*1024/],
    [
      'a forced call',
      { thinkingTokens: 1024, tools: [weatherTool], toolChoice: 'required' },
      /^toolChoice: .*while the model thinks/,
    ],
    ['a stop sequence of white space', { stopSequences: ['\n'] }, /^stopSequences: /],
  ])('refused: %s', (_, params, message) => {
    expect(() => written('claude-sonnet-4-5', params)).toThrow(
      expect.objectContaining({ code: 'invalid', message: expect.stringMatching(message) }),
    );
  });
});

test.each<[LlmParams['toolChoice'], boolean, object]>([
  [undefined, true, {}],
  [undefined, false, { tool_choice: { type: 'auto', disable_parallel_tool_use: true } }],
  ['auto', true, { tool_choice: { type: 'auto' } }],
  ['none', false, { tool_choice: { type: 'none' } }],
  ['required', false, { tool_choice: { type: 'any', disable_parallel_tool_use: true } }],
  ['weather', true, { tool_choice: { type: 'tool', name: 'weather' } }],
])('tools, choice %j, parallel calls %j', (toolChoice, parallelToolCalls, fields) => {
  const params = { maxTokens: 10, tools: [weatherTool], parallelToolCalls };
  const { body } = written('claude-opus-4-5', toolChoice === undefined ? params : { ...params, toolChoice });
  expect(body).toStrictEqual({
    model: 'claude-opus-4-5',
    max_tokens: 10,
    messages: [user],
    tools: [{ name: 'weather', description: 'Tells the weather', input_schema: weatherSchema }],
    ...fields,
  });
});

test('a conversation: the answers of all tools and what follows are one turn', () => {
  const { body, told } = written(
    'claude-opus-4-5',
    { maxTokens: 10, systemPrompt: 'Be brief.' },
    conversation,
  );
  expect(body).toStrictEqual({
    model: 'claude-opus-4-5',
    max_tokens: 10,
    system: 'Be brief.\n\nSpeak like a sailor.',
    messages: [
      {
        role: 'user',
        content: [
          { type: 'text', text: 'Where is this?' },
          { type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'aGVsbG8=' } },
        ],
      },
      {
        role: 'assistant',
        content: [
          { type: 'text', text: 'Let me look.' },
          { type: 'tool_use', id: 'c1', name: 'weather', input: { city: 'Kiel' } },
          { type: 'tool_use', id: 'c2', name: 'weather', input: {} },
        ],
      },
      {
        role: 'user',
        content: [
          { type: 'tool_result', tool_use_id: 'c1', content: '{"degrees":12}' },
          { type: 'tool_result', tool_use_id: 'c2', content: 'no city', is_error: true },
          { type: 'text', text: 'And tomorrow?' },
        ],
      },
    ],
  });
  expect(told).toEqual([]);
});

test('a system message in the midst is moved, and told; a turn of its own comes back word for word', () => {
  const thought = { type: 'thinking', thinking: 'Hm.', signature: 's' };
  const { body, told } = written('claude-opus-4-5', { maxTokens: 10 }, [
    { role: 'user', content: 'Hello' },
    { role: 'system', content: 'Be rude.' },
    { role: 'assistant', content: 'x', native: { style: 'anthropic', content: [thought] } },
    { role: 'user', content: 'Bye' },
  ]);
  expect(body['system']).toBe('Be rude.');
  expect(body['messages']).toStrictEqual([
    { role: 'user', content: [{ type: 'text', text: 'Hello' }] },
    { role: 'assistant', content: [thought] },
    { role: 'user', content: [{ type: 'text', text: 'Bye' }] },
  ]);
  expect(told).toEqual(['adjusted messages.1']);
});
