/**
 * Answers of four APIs in one shape: whole ones, streamed ones (which come to the same), and what is none.
 */
import { describe, expect, test } from 'vitest';
import type { ModelAnswer, ModelChunk, StreamReader, TokenUsage } from '../../../src/sdk/llm/answer.ts';
import { createAnthropicStreamReader, readAnthropicAnswer } from '../../../src/sdk/llm/anthropic-answer.ts';
import { buildAnthropicRequest } from '../../../src/sdk/llm/anthropic-request.ts';
import { createGeminiStreamReader, readGeminiAnswer } from '../../../src/sdk/llm/gemini-answer.ts';
import { createOpenAiStreamReader, readOpenAiAnswer } from '../../../src/sdk/llm/openai-answer.ts';
import { readPrediction } from '../../../src/sdk/llm/replicate-answer.ts';
import { promptOf } from '../../support/prompts.ts';

const none: TokenUsage = {
  inputTokens: 0,
  outputTokens: 0,
  cacheReadTokens: 0,
  cacheWriteTokens: 0,
  reasoningTokens: 0,
  inputAudioTokens: 0,
  outputAudioTokens: 0,
};

const answer = (parts: Partial<ModelAnswer> & { readonly text: string }): ModelAnswer => ({
  reasoning: '',
  toolCalls: [],
  brokenToolCalls: [],
  files: [],
  finishReason: 'stop',
  message: {
    role: 'assistant',
    content: parts.text,
    ...(parts.toolCalls === undefined ? {} : { toolCalls: [...parts.toolCalls] }),
  },
  ...parts,
});

function streamed(reader: StreamReader, events: readonly unknown[]) {
  const chunks: ModelChunk[] = [];
  for (const event of events) {
    chunks.push(...reader.read(typeof event === 'string' ? event : JSON.stringify(event)));
  }
  return { chunks, whole: reader.finish() };
}

const kiel = { id: 'c1', name: 'weather', arguments: { city: 'Kiel' } };

describe("OpenAI's style", () => {
  const usage = {
    prompt_tokens: 100,
    completion_tokens: 50,
    total_tokens: 150,
    prompt_tokens_details: { cached_tokens: 30, audio_tokens: 5 },
    completion_tokens_details: { reasoning_tokens: 20, audio_tokens: 1 },
  };
  const counted: TokenUsage = {
    ...none,
    inputTokens: 65,
    outputTokens: 29,
    cacheReadTokens: 30,
    reasoningTokens: 20,
    inputAudioTokens: 5,
    outputAudioTokens: 1,
  };

  test('text and calls, each token counted once', () => {
    const message = {
      role: 'assistant',
      content: 'Blue.',
      reasoning_content: 'Rayleigh',
      tool_calls: [
        { id: 'c1', type: 'function', function: { name: 'weather', arguments: '{"city":"Kiel"}' } },
        { id: 'c2', type: 'function', function: { name: 'weather', arguments: '{"city":' } },
      ],
    };
    const completion = { choices: [{ index: 0, message, finish_reason: 'tool_calls' }], usage };
    expect(readOpenAiAnswer(completion)).toStrictEqual(
      answer({
        text: 'Blue.',
        reasoning: 'Rayleigh',
        toolCalls: [kiel],
        brokenToolCalls: [{ id: 'c2', name: 'weather', argumentsText: '{"city":' }],
        finishReason: 'tool_calls',
        usage: counted,
      }),
    );
  });

  test('a stream in which calls come in pieces', () => {
    const delta = (words: object, finish: string | null = null) => ({
      choices: [{ index: 0, delta: words, finish_reason: finish }],
    });
    const { chunks, whole } = streamed(createOpenAiStreamReader(), [
      delta({ role: 'assistant', content: '' }),
      delta({ reasoning_content: 'Ray' }),
      delta({ content: 'Bl' }),
      delta({ content: 'ue.' }),
      delta({ tool_calls: [{ index: 0, id: 'c1', function: { name: 'weather', arguments: '' } }] }),
      delta({ tool_calls: [{ index: 0, function: { arguments: '{"city":' } }] }),
      delta({ tool_calls: [{ index: 0, function: { arguments: '"Kiel"}' } }] }),
      delta({}, 'tool_calls'),
      { choices: [], usage },
      '[DONE]',
    ]);
    expect(chunks).toStrictEqual([
      { type: 'reasoning', text: 'Ray' },
      { type: 'text', text: 'Bl' },
      { type: 'text', text: 'ue.' },
      { type: 'tool_call', toolCall: kiel },
    ]);
    expect(whole).toStrictEqual(
      answer({
        text: 'Blue.',
        reasoning: 'Ray',
        toolCalls: [kiel],
        finishReason: 'tool_calls',
        usage: counted,
      }),
    );
  });

  test('reasoning that is counted beside the completion (xAI), and thoughts among the parts (Mistral)', () => {
    const content = [
      { type: 'thinking', thinking: [{ type: 'text', text: 'Hm.' }] },
      { type: 'text', text: 'Blue.' },
    ];
    const beside = {
      prompt_tokens: 10,
      completion_tokens: 5,
      total_tokens: 35,
      completion_tokens_details: { reasoning_tokens: 20 },
    };
    expect(
      readOpenAiAnswer({ choices: [{ message: { content }, finish_reason: 'stop' }], usage: beside }),
    ).toStrictEqual(
      answer({
        text: 'Blue.',
        reasoning: 'Hm.',
        usage: { ...none, inputTokens: 10, outputTokens: 5, reasoningTokens: 20 },
      }),
    );
  });

  test.each([
    ['stop', 'stop'],
    ['length', 'length'],
    ['content_filter', 'content_filter'],
    ['tool_calls', 'tool_calls'],
    ['something new', 'other'],
    [null, 'other'],
  ])('finish reason %s', (word, finishReason) => {
    const completion = { choices: [{ message: { content: '' }, finish_reason: word }] };
    expect(readOpenAiAnswer(completion)).toStrictEqual(answer({ text: '', finishReason } as never));
  });
});

describe("Anthropic's style", () => {
  const usage = {
    input_tokens: 10,
    output_tokens: 50,
    cache_creation_input_tokens: 20,
    cache_read_input_tokens: 30,
  };
  const counted = { ...none, inputTokens: 10, outputTokens: 50, cacheReadTokens: 30, cacheWriteTokens: 20 };
  const thought = { type: 'thinking', thinking: 'Rayleigh', signature: 'sig' };
  const call = { type: 'tool_use', id: 'c1', name: 'weather', input: { city: 'Kiel' } };
  const content = [thought, { type: 'text', text: 'Blue.' }, call];
  const expected = answer({
    text: 'Blue.',
    reasoning: 'Rayleigh',
    toolCalls: [kiel],
    finishReason: 'tool_calls',
    usage: counted,
    message: {
      role: 'assistant',
      content: 'Blue.',
      toolCalls: [kiel],
      native: { style: 'anthropic', content },
    },
  });

  test('thoughts, text and a call', () => {
    expect(readAnthropicAnswer({ type: 'message', content, stop_reason: 'tool_use', usage })).toStrictEqual(
      expected,
    );
  });

  test('a stream of it, and the turn goes back signed as it came', () => {
    const at = (index: number, delta: object) => ({ type: 'content_block_delta', index, delta });
    const { chunks, whole } = streamed(createAnthropicStreamReader(), [
      { type: 'message_start', message: { usage: { ...usage, output_tokens: 1 } } },
      { type: 'content_block_start', index: 0, content_block: { ...thought, thinking: '', signature: '' } },
      { type: 'ping' },
      at(0, { type: 'thinking_delta', thinking: 'Ray' }),
      at(0, { type: 'thinking_delta', thinking: 'leigh' }),
      at(0, { type: 'signature_delta', signature: 'sig' }),
      { type: 'content_block_stop', index: 0 },
      { type: 'content_block_start', index: 1, content_block: { type: 'text', text: '' } },
      at(1, { type: 'text_delta', text: 'Blue.' }),
      { type: 'content_block_stop', index: 1 },
      { type: 'content_block_start', index: 2, content_block: { ...call, input: {} } },
      at(2, { type: 'input_json_delta', partial_json: '{"city":' }),
      at(2, { type: 'input_json_delta', partial_json: '"Kiel"}' }),
      { type: 'content_block_stop', index: 2 },
      { type: 'message_delta', delta: { stop_reason: 'tool_use' }, usage: { output_tokens: 50 } },
      { type: 'something_new' },
      { type: 'message_stop' },
    ]);
    expect(chunks).toStrictEqual([
      { type: 'reasoning', text: 'Ray' },
      { type: 'reasoning', text: 'leigh' },
      { type: 'text', text: 'Blue.' },
      { type: 'tool_call', toolCall: kiel },
    ]);
    expect(whole).toStrictEqual(expected);
    const next = [
      { role: 'user', content: 'Weather?' } as const,
      whole.message,
      { role: 'tool', toolCallId: 'c1', content: 'rain' } as const,
    ];
    const { body } = buildAnthropicRequest(promptOf('anthropic/claude-opus-4-5', {}, next));
    expect(body['messages']).toMatchObject([{}, { role: 'assistant', content }, {}]);
  });

  test('a tool without parameters, called in a stream without any', () => {
    const { whole } = streamed(createAnthropicStreamReader(), [
      { type: 'message_start', message: {} },
      { type: 'content_block_start', index: 0, content_block: { ...call, input: {} } },
      { type: 'content_block_stop', index: 0 },
      { type: 'message_delta', delta: { stop_reason: 'tool_use' } },
      { type: 'message_stop' },
    ]);
    expect(whole).toStrictEqual(
      answer({ text: '', toolCalls: [{ ...kiel, arguments: {} }], finishReason: 'tool_calls' }),
    );
  });

  test.each([
    ['end_turn', 'stop'],
    ['stop_sequence', 'stop'],
    ['max_tokens', 'length'],
    ['refusal', 'content_filter'],
    ['pause_turn', 'other'],
  ])('stop reason %s', (word, finishReason) => {
    const read = readAnthropicAnswer({ content: [{ type: 'text', text: 'x' }], stop_reason: word });
    expect(read).toStrictEqual(answer({ text: 'x', finishReason } as never));
  });
});

describe("Gemini's style", () => {
  const usageMetadata = {
    promptTokenCount: 100,
    cachedContentTokenCount: 30,
    candidatesTokenCount: 50,
    thoughtsTokenCount: 20,
    promptTokensDetails: [
      { modality: 'TEXT', tokenCount: 95 },
      { modality: 'AUDIO', tokenCount: 5 },
    ],
  };
  const counted = {
    ...none,
    inputTokens: 65,
    outputTokens: 50,
    cacheReadTokens: 30,
    reasoningTokens: 20,
    inputAudioTokens: 5,
  };
  const parts = [
    { text: 'Rayleigh', thought: true },
    { text: 'Blue.' },
    { functionCall: { id: 'c1', name: 'weather', args: { city: 'Kiel' } }, thoughtSignature: 's' },
  ];
  const expected = answer({
    text: 'Blue.',
    reasoning: 'Rayleigh',
    toolCalls: [kiel],
    finishReason: 'tool_calls',
    usage: counted,
    message: {
      role: 'assistant',
      content: 'Blue.',
      toolCalls: [kiel],
      native: { style: 'gemini', content: parts },
    },
  });

  test('thoughts, text and a call, whole and streamed', () => {
    const of = (some: readonly object[], more: object = {}) => ({
      candidates: [{ content: { role: 'model', parts: some }, ...more }],
    });
    expect(readGeminiAnswer({ ...of(parts, { finishReason: 'STOP' }), usageMetadata })).toStrictEqual(
      expected,
    );
    const { chunks, whole } = streamed(createGeminiStreamReader(), [
      ...parts.map((part) => of([part])),
      { ...of([{ text: '' }].slice(1), { finishReason: 'STOP' }), usageMetadata },
    ]);
    expect(chunks).toStrictEqual([
      { type: 'reasoning', text: 'Rayleigh' },
      { type: 'text', text: 'Blue.' },
      { type: 'tool_call', toolCall: kiel },
    ]);
    expect(whole).toStrictEqual(expected);
  });

  test('an image, and calls without ids', () => {
    const image = { inlineData: { mimeType: 'image/png', data: 'aGVsbG8=' } };
    const read = readGeminiAnswer({
      candidates: [
        {
          content: { parts: [image, { functionCall: { name: 'a' } }, { functionCall: { name: 'b' } }] },
          finishReason: 'STOP',
        },
      ],
    });
    expect(read.files).toStrictEqual([{ mediaType: 'image/png', data: 'aGVsbG8=' }]);
    expect(read.toolCalls).toStrictEqual([
      { id: 'call_0', name: 'a', arguments: {} },
      { id: 'call_1', name: 'b', arguments: {} },
    ]);
  });

  test.each([
    [{ candidates: [{ finishReason: 'MAX_TOKENS' }] }, 'length'],
    [{ candidates: [{ finishReason: 'SAFETY' }] }, 'content_filter'],
    [{ promptFeedback: { blockReason: 'PROHIBITED_CONTENT' } }, 'content_filter'],
    [{ candidates: [{ finishReason: 'MALFORMED_FUNCTION_CALL' }] }, 'other'],
  ])('%j', (value, finishReason) => {
    expect(readGeminiAnswer(value)).toStrictEqual(answer({ text: '', finishReason } as never));
  });
});

describe('Replicate', () => {
  test.each<[unknown, Partial<ModelAnswer> & { text: string }]>([
    [['Bl', 'ue.'], { text: 'Blue.' }],
    ['Blue.', { text: 'Blue.' }],
    [['https://r.example/a.webp'], { text: '', files: [{ url: 'https://r.example/a.webp' }] }],
    [{ score: 1 }, { text: '{"score":1}' }],
    [null, { text: '' }],
    [[], { text: '' }],
  ])('output %j', (output, parts) => {
    expect(readPrediction({ id: 'p', status: 'succeeded', output })).toStrictEqual({
      id: 'p',
      isDone: true,
      answer: answer(parts),
    });
  });

  test('counts tokens, and says where it is read while it runs', () => {
    const metrics = { input_token_count: 3, output_token_count: 4, predict_time: 0.5 };
    expect(readPrediction({ id: 'p', status: 'succeeded', output: 'x', metrics })).toMatchObject({
      answer: { usage: { ...none, inputTokens: 3, outputTokens: 4 } },
    });
    const urls = { stream: 'https://stream.example/p' };
    expect(readPrediction({ id: 'p', status: 'starting', urls })).toStrictEqual({
      id: 'p',
      isDone: false,
      streamUrl: urls.stream,
    });
  });
});

describe('what is no answer', () => {
  test.each<[string, () => unknown, string]>([
    ['nothing of OpenAI', () => readOpenAiAnswer({}), 'broken_answer'],
    ['a page for OpenAI', () => readOpenAiAnswer('<html>'), 'broken_answer'],
    ['choices of another shape', () => readOpenAiAnswer({ choices: [{ text: 'old' }] }), 'broken_answer'],
    ['an error in place of choices', () => readOpenAiAnswer({ error: { message: 'no' } }), 'provider_failed'],
    ['nothing of Anthropic', () => readAnthropicAnswer({}), 'broken_answer'],
    ['blocks without a type', () => readAnthropicAnswer({ content: [{}] }), 'broken_answer'],
    [
      'an error of Anthropic',
      () => readAnthropicAnswer({ type: 'error', error: { message: 'Overloaded' } }),
      'provider_failed',
    ],
    ['nothing of Gemini', () => readGeminiAnswer({}), 'cut_off'],
    ['an error of Gemini', () => readGeminiAnswer({ error: { message: 'no' } }), 'provider_failed'],
    ['nothing of Replicate', () => readPrediction({}), 'broken_answer'],
    [
      'a failed prediction',
      () => readPrediction({ id: 'p', status: 'failed', error: 'NSFW' }),
      'provider_failed',
    ],
    ['a cancelled prediction', () => readPrediction({ id: 'p', status: 'canceled' }), 'provider_failed'],
  ])('%s', (_, read, reason) => {
    expect(read).toThrow(expect.objectContaining({ code: 'unavailable', reason }));
  });

  test.each<[string, () => StreamReader, readonly unknown[], string]>([
    ['OpenAI, broken', createOpenAiStreamReader, ['{"choices"'], 'broken_answer'],
    ['OpenAI, an error', createOpenAiStreamReader, [{ error: { message: 'no' } }], 'provider_failed'],
    ['OpenAI, cut off', createOpenAiStreamReader, [{ choices: [{ delta: { content: 'Bl' } }] }], 'cut_off'],
    ['Anthropic, broken', createAnthropicStreamReader, ['x'], 'broken_answer'],
    [
      'Anthropic, a piece of nothing',
      createAnthropicStreamReader,
      [{ type: 'content_block_delta', index: 3, delta: { text: 'x' } }],
      'broken_answer',
    ],
    [
      'Anthropic, an error',
      createAnthropicStreamReader,
      [{ type: 'error', error: { type: 'overloaded_error', message: 'Overloaded' } }],
      'provider_failed',
    ],
    [
      'Anthropic, cut off',
      createAnthropicStreamReader,
      [{ type: 'message_delta', delta: { stop_reason: 'end_turn' } }],
      'cut_off',
    ],
    ['Gemini, broken', createGeminiStreamReader, ['{'], 'broken_answer'],
    [
      'Gemini, cut off',
      createGeminiStreamReader,
      [{ candidates: [{ content: { parts: [{ text: 'Bl' }] } }] }],
      'cut_off',
    ],
  ])('in a stream: %s', (_, create, events, reason) => {
    expect(() => streamed(create(), events)).toThrow(
      expect.objectContaining({ code: 'unavailable', reason }),
    );
  });
});
