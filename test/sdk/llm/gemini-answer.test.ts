/**
 * Answers of Gemini's style in the one shape: whole ones, and streamed ones, which come to the same.
 */
import { describe, expect, test } from 'vitest';
import { noTokens } from '../../../src/domain/usage/usage.ts';
import { createGeminiStreamReader, readGeminiAnswer } from '../../../src/sdk/llm/gemini-answer.ts';
import { answer, kiel, newId, streamed } from '../../support/model-answers.ts';

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
    ...noTokens,
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
    expect(readGeminiAnswer({ ...of(parts, { finishReason: 'STOP' }), usageMetadata }, newId)).toStrictEqual(
      expected,
    );
    const { chunks, whole } = streamed(createGeminiStreamReader(newId), [
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

  const finished = (...parts: readonly object[]) => ({
    candidates: [{ content: { parts }, finishReason: 'STOP' }],
  });
  const nameless = [{ functionCall: { name: 'a' } }, { functionCall: { name: 'b' } }];

  test('an image, and calls without ids', () => {
    const image = { inlineData: { mimeType: 'image/png', data: 'aGVsbG8=' } };
    const ids = ['x', 'y'];
    const read = readGeminiAnswer(finished(image, ...nameless), () => ids.shift() ?? '');
    expect(read.files).toStrictEqual([{ mediaType: 'image/png', data: 'aGVsbG8=' }]);
    expect(read.toolCalls).toStrictEqual([
      { id: 'x', name: 'a', arguments: {} },
      { id: 'y', name: 'b', arguments: {} },
    ]);
  });

  test('calls without ids are named after their answer, so that no other turn has them', () => {
    const whole = readGeminiAnswer({ ...finished(...nameless), responseId: 'r1' }, newId);
    const pieces = nameless.map((part) => ({ ...finished(part), responseId: 'r2' }));
    const stream = streamed(createGeminiStreamReader(newId), pieces);
    expect([whole, stream.whole].map(({ toolCalls }) => toolCalls.map(({ id }) => id))).toEqual([
      ['r1_0', 'r1_1'],
      ['r2_0', 'r2_1'],
    ]);
  });

  test.each([
    [{ candidates: [{ finishReason: 'MAX_TOKENS' }] }, 'length'],
    [{ candidates: [{ finishReason: 'SAFETY' }] }, 'content_filter'],
    [{ promptFeedback: { blockReason: 'PROHIBITED_CONTENT' } }, 'content_filter'],
    [{ candidates: [{ finishReason: 'MALFORMED_FUNCTION_CALL' }] }, 'other'],
  ])('%j', (value, finishReason) => {
    expect(readGeminiAnswer(value, newId)).toStrictEqual(answer({ text: '', finishReason } as never));
  });
});
