/**
 * Requests of Gemini's style, written out whole.
 */
import { describe, expect, test } from 'vitest';
import { buildGeminiRequest } from '../../../src/sdk/llm/gemini-request.ts';
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

const contents = [{ role: 'user', parts: [{ text: 'Why is the sky blue?' }] }];

const written = (model: string, params: LlmParams, messages: readonly Message[] = question) => {
  const { body, warnings } = buildGeminiRequest(promptOf(`gemini/${model}`, params, messages));
  return { body, told: warnings.map(({ code, path }) => `${code} ${path}`) };
};

test('the least that can be said, whole and streamed', () => {
  const prompt = promptOf('gemini/gemini-2.5-flash', {});
  const whole = {
    method: 'POST',
    path: '/models/gemini-2.5-flash:generateContent',
    headers: {},
    body: { contents },
    isStreaming: false,
    warnings: [],
  };
  expect(buildGeminiRequest(prompt)).toStrictEqual(whole);
  expect(buildGeminiRequest({ ...prompt, params: { stream: true } })).toStrictEqual({
    ...whole,
    path: '/models/gemini-2.5-flash:streamGenerateContent?alt=sse',
    isStreaming: true,
  });
});

test('all of sampling', () => {
  expect(written('gemini-2.0-flash', { ...sampling, systemPrompt: 'Be brief.' })).toStrictEqual({
    body: {
      contents,
      systemInstruction: { parts: [{ text: 'Be brief.' }] },
      generationConfig: {
        temperature: 0.5,
        topP: 0.9,
        topK: 40,
        maxOutputTokens: 100,
        stopSequences: ['END', '###'],
        frequencyPenalty: 0.1,
        presencePenalty: -0.1,
        seed: 7,
      },
    },
    told: [],
  });
});

describe('thinking', () => {
  test.each<[string, LlmParams, object | undefined, readonly string[]]>([
    ['gemini-2.5-flash', { thinkingTokens: 512 }, { thinkingBudget: 512 }, []],
    ['gemini-2.5-flash', { thinkingMode: false }, { thinkingBudget: 0 }, []],
    ['gemini-2.5-flash', { thinkingMode: true }, { thinkingBudget: -1 }, []],
    ['gemini-2.5-flash', { reasoningEffort: 'medium' }, { thinkingBudget: 8192 }, ['assumed thinkingTokens']],
    [
      'gemini-2.5-flash',
      { thinkingTokens: 9, reasoningEffort: 'high' },
      { thinkingBudget: 9 },
      ['not_carried reasoningEffort'],
    ],
    [
      'gemini-2.5-flash',
      { thinkingMode: false, thinkingTokens: 9 },
      { thinkingBudget: 0 },
      ['not_carried thinkingTokens'],
    ],
    [
      'gemini-2.5-flash',
      { thinkingTokens: 9, chainOfThought: true },
      { thinkingBudget: 9, includeThoughts: true },
      [],
    ],
    ['gemini-2.5-pro', { thinkingTokens: 0 }, { thinkingBudget: 128 }, ['adjusted thinkingTokens']],
    ['gemini-3.5-flash', { reasoningEffort: 'medium' }, { thinkingLevel: 'medium' }, []],
    ['gemini-3.5-flash', { reasoningEffort: 'max' }, { thinkingLevel: 'high' }, ['adjusted reasoningEffort']],
    ['gemini-3.5-flash', { thinkingTokens: 512 }, { thinkingBudget: 512 }, []],
    [
      'gemini-3.5-flash',
      { reasoningEffort: 'low', thinkingTokens: 512 },
      { thinkingLevel: 'low' },
      ['not_carried thinkingTokens'],
    ],
    ['vertex-gemini-3.0-pro', { thinkingMode: false }, { thinkingLevel: 'low' }, ['adjusted thinkingMode']],
    ['gemini-3.5-flash', { thinkingMode: true }, undefined, []],
    ['gemini-2.0-flash', { thinkingMode: false, thinkingTokens: 0, reasoningEffort: 'none' }, undefined, []],
    [
      'gemini-2.0-flash',
      { thinkingMode: true, thinkingTokens: 9, reasoningEffort: 'low', chainOfThought: true },
      undefined,
      [
        'not_carried thinkingMode',
        'not_carried thinkingTokens',
        'not_carried reasoningEffort',
        'not_carried chainOfThought',
      ],
    ],
  ])('%s %j', (model, params, thinkingConfig, told) => {
    expect(written(model, params)).toStrictEqual({
      body: thinkingConfig === undefined ? { contents } : { contents, generationConfig: { thinkingConfig } },
      told,
    });
  });
});

test.each<[LlmParams['toolChoice'], object]>([
  [undefined, {}],
  ['auto', { toolConfig: { functionCallingConfig: { mode: 'AUTO' } } }],
  ['none', { toolConfig: { functionCallingConfig: { mode: 'NONE' } } }],
  ['required', { toolConfig: { functionCallingConfig: { mode: 'ANY' } } }],
  ['weather', { toolConfig: { functionCallingConfig: { mode: 'ANY', allowedFunctionNames: ['weather'] } } }],
])('tools, choice %j', (toolChoice, fields) => {
  const params = { tools: [weatherTool], ...(toolChoice === undefined ? {} : { toolChoice }) };
  expect(written('gemini-2.5-flash', params).body).toStrictEqual({
    contents,
    tools: [
      {
        functionDeclarations: [
          { name: 'weather', description: 'Tells the weather', parametersJsonSchema: weatherSchema },
        ],
      },
    ],
    ...fields,
  });
  expect(written('gemini-2.5-flash', { ...params, parallelToolCalls: false }).told).toEqual([
    'not_carried parallelToolCalls',
  ]);
});

test('a conversation: answers of tools name the function, and stand in one turn', () => {
  expect(written('gemini-2.5-flash', {}, conversation).body).toStrictEqual({
    contents: [
      {
        role: 'user',
        parts: [{ text: 'Where is this?' }, { inlineData: { mimeType: 'image/png', data: 'aGVsbG8=' } }],
      },
      {
        role: 'model',
        parts: [
          { text: 'Let me look.' },
          { functionCall: { name: 'weather', args: { city: 'Kiel' } } },
          { functionCall: { name: 'weather', args: {} } },
        ],
      },
      {
        role: 'user',
        parts: [
          { functionResponse: { name: 'weather', response: { degrees: 12 } } },
          { functionResponse: { name: 'weather', response: { error: 'no city' } } },
          { text: 'And tomorrow?' },
        ],
      },
    ],
    systemInstruction: { parts: [{ text: 'Speak like a sailor.' }] },
  });
});

test('a turn of its own comes back word for word, and its calls under their own ids', () => {
  const part = { functionCall: { id: 'f1', name: 'weather', args: {} }, thoughtSignature: 's' };
  const { body } = written('gemini-3.5-flash', {}, [
    { role: 'user', content: 'Weather?' },
    {
      role: 'assistant',
      content: '',
      toolCalls: [{ id: 'f1', name: 'weather', arguments: {} }],
      native: { style: 'gemini', content: [part] },
    },
    { role: 'tool', toolCallId: 'f1', content: 'rain' },
  ]);
  expect(body['contents']).toStrictEqual([
    { role: 'user', parts: [{ text: 'Weather?' }] },
    { role: 'model', parts: [part] },
    {
      role: 'user',
      parts: [{ functionResponse: { id: 'f1', name: 'weather', response: { output: 'rain' } } }],
    },
  ]);
});

test('an answer is that of the latest call of its id', () => {
  const turn = (name: string): readonly Message[] => [
    { role: 'assistant', content: '', toolCalls: [{ id: 'call_0', name, arguments: {} }] },
    { role: 'tool', toolCallId: 'call_0', content: 'x' },
  ];
  const { body } = written('gemini-2.5-flash', {}, [...question, ...turn('weather'), ...turn('tide')]);
  const named = (name: string) => [
    { role: 'model', parts: [{ functionCall: { name } }] },
    { role: 'user', parts: [{ functionResponse: { name } }] },
  ];
  expect(body['contents']).toMatchObject([{}, ...named('weather'), ...named('tide')]);
});

test('settings are part of the generation', () => {
  const settings = { responseModalities: ['IMAGE'] };
  expect(
    buildGeminiRequest(promptOf('gemini/gemini-2.5-flash-image', {}, question, { settings })).body,
  ).toStrictEqual({
    contents,
    generationConfig: settings,
  });
});

test.each<[string, LlmParams, readonly Message[], RegExp]>([
  ['six stop sequences', { stopSequences: ['1', '2', '3', '4', '5', '6'] }, question, /at most 5/],
  ['a seed beyond 32 bits', { seed: 2 ** 31 }, question, /^seed: /],
  [
    'an image at an address',
    {},
    [{ role: 'user', content: [{ type: 'image', url: 'https://x.org/a.png' }] }],
    /^messages\.0: /,
  ],
  [
    'an answer to no call',
    {},
    [{ role: 'tool', toolCallId: 'x', content: '' }],
    /^messages\.0\.toolCallId: /,
  ],
  ['system messages alone', {}, [{ role: 'system', content: 'x' }], /^messages: /],
])('refused: %s', (_, params, messages, message) => {
  expect(() => written('gemini-2.5-flash', params, messages)).toThrow(
    expect.objectContaining({ code: 'invalid', message: expect.stringMatching(message) }),
  );
});
