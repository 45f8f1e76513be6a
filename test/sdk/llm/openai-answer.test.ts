/**
 * Answers of OpenAI's style in the one shape: whole ones, and streamed ones, which come to the same.
 */

import { describe, expect, test } from 'vitest';
import { noTokens, type TokenCounts } from '../../../src/domain/usage/usage.ts';
import { createOpenAiStreamReader, readOpenAiAnswer } from '../../../src/sdk/llm/openai-answer.ts';
import { buildOpenAiRequest, type OpenAiDialect, plainDialect } from '../../../src/sdk/llm/openai-request.ts';
import { answer, kiel, newId, streamed } from '../../support/model-answers.ts';
import { promptOf, question } from '../../support/prompts.ts';

describe("OpenAI's style", () => {
  const usage = {
    prompt_tokens: 100,
    completion_tokens: 50,
    total_tokens: 150,
    prompt_tokens_details: { cached_tokens: 30, audio_tokens: 5 },
    completion_tokens_details: { reasoning_tokens: 20, audio_tokens: 1 },
  };
  const counted: TokenCounts = {
    ...noTokens,
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
    expect(readOpenAiAnswer(completion, newId)).toStrictEqual(
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
    const { chunks, whole } = streamed(createOpenAiStreamReader(newId), [
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
      readOpenAiAnswer({ choices: [{ message: { content }, finish_reason: 'stop' }], usage: beside }, newId),
    ).toStrictEqual(
      answer({
        text: 'Blue.',
        reasoning: 'Hm.',
        usage: { ...noTokens, inputTokens: 10, outputTokens: 5, reasoningTokens: 20 },
      }),
    );
  });

  test('calls that the API does not name are named apart, whole and in a stream', () => {
    const ids = ['a', 'b', 'c', 'd'];
    const next = () => ids.shift() ?? '';
    const calls = [
      { index: 0, function: { name: 'a', arguments: '{}' } },
      { index: 1, id: '', function: { name: 'b', arguments: '{}' } },
    ];
    const whole = readOpenAiAnswer({ choices: [{ message: { tool_calls: calls } }] }, next);
    const stream = streamed(createOpenAiStreamReader(next), [
      { choices: [{ delta: { tool_calls: calls }, finish_reason: 'tool_calls' }] },
    ]);
    expect([...whole.toolCalls, ...stream.whole.toolCalls].map(({ id }) => id)).toEqual(['a', 'b', 'c', 'd']);
  });

  test('thoughts before a call go back to the APIs that want them, and to no other', () => {
    const thinking = { ...plainDialect, thinking: 'type' } as const;
    const call = { id: 'c1', function: { name: 'weather', arguments: '{"city":"Kiel"}' } };
    const choice = { reasoning_content: 'Rayleigh', tool_calls: [{ ...call, index: 0 }] };
    const completion = { choices: [{ message: choice, finish_reason: 'tool_calls' }] };
    const events = [
      { choices: [{ delta: { reasoning_content: 'Ray' } }] },
      { choices: [{ delta: { reasoning_content: 'leigh' } }] },
      { choices: [{ delta: { tool_calls: choice.tool_calls }, finish_reason: 'tool_calls' }] },
    ];
    const { message } = readOpenAiAnswer(completion, newId, thinking);
    expect(streamed(createOpenAiStreamReader(newId, thinking), events).whole.message).toStrictEqual(message);
    const sent = (dialect: OpenAiDialect) =>
      buildOpenAiRequest(promptOf('deepseek/deepseek-chat', {}, [...question, message]), dialect).body;
    const turn = { role: 'assistant', content: null, tool_calls: [{ ...call, type: 'function' }] };
    expect(sent(thinking)['messages']).toStrictEqual([
      ...question,
      { ...turn, reasoning_content: 'Rayleigh' },
    ]);
    expect(sent(plainDialect)['messages']).toStrictEqual([...question, turn]);
    // Others do not even keep them, and thoughts without calls are not wanted back.
    expect(readOpenAiAnswer(completion, newId).message).not.toHaveProperty('native');
    const quiet = { choices: [{ message: { content: 'x', reasoning_content: 'Hm.' } }] };
    expect(readOpenAiAnswer(quiet, newId, thinking).message).not.toHaveProperty('native');
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
    expect(readOpenAiAnswer(completion, newId)).toStrictEqual(answer({ text: '', finishReason } as never));
  });
});
