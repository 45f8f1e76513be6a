/**
 * What is no answer of the API that it came from: told as unavailable, whole and in a stream.
 */
import { describe, expect, test } from 'vitest';
import type { StreamReader } from '../../../src/sdk/llm/answer.ts';
import { createAnthropicStreamReader, readAnthropicAnswer } from '../../../src/sdk/llm/anthropic-answer.ts';
import { createGeminiStreamReader, readGeminiAnswer } from '../../../src/sdk/llm/gemini-answer.ts';
import { createOpenAiStreamReader, readOpenAiAnswer } from '../../../src/sdk/llm/openai-answer.ts';
import { readPrediction } from '../../../src/sdk/llm/replicate-answer.ts';
import { newId, streamed } from '../../support/model-answers.ts';

describe('what is no answer', () => {
  test.each<[string, () => unknown, string]>([
    ['nothing of OpenAI', () => readOpenAiAnswer({}, newId), 'broken_answer'],
    ['a page for OpenAI', () => readOpenAiAnswer('<html>', newId), 'broken_answer'],
    [
      'choices of another shape',
      () => readOpenAiAnswer({ choices: [{ text: 'old' }] }, newId),
      'broken_answer',
    ],
    [
      'an error in place of choices',
      () => readOpenAiAnswer({ error: { message: 'no' } }, newId),
      'provider_failed',
    ],
    ['nothing of Anthropic', () => readAnthropicAnswer({}), 'broken_answer'],
    ['blocks without a type', () => readAnthropicAnswer({ content: [{}] }), 'broken_answer'],
    [
      'an error of Anthropic',
      () => readAnthropicAnswer({ type: 'error', error: { message: 'Overloaded' } }),
      'provider_failed',
    ],
    ['nothing of Gemini', () => readGeminiAnswer({}, newId), 'cut_off'],
    ['an error of Gemini', () => readGeminiAnswer({ error: { message: 'no' } }, newId), 'provider_failed'],
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
    ['OpenAI, broken', () => createOpenAiStreamReader(newId), ['{"choices"'], 'broken_answer'],
    [
      'OpenAI, an error',
      () => createOpenAiStreamReader(newId),
      [{ error: { message: 'no' } }],
      'provider_failed',
    ],
    [
      'OpenAI, cut off',
      () => createOpenAiStreamReader(newId),
      [{ choices: [{ delta: { content: 'Bl' } }] }],
      'cut_off',
    ],
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
    ['Gemini, broken', () => createGeminiStreamReader(newId), ['{'], 'broken_answer'],
    [
      'Gemini, cut off',
      () => createGeminiStreamReader(newId),
      [{ candidates: [{ content: { parts: [{ text: 'Bl' }] } }] }],
      'cut_off',
    ],
  ])('in a stream: %s', (_, create, events, reason) => {
    expect(() => streamed(create(), events)).toThrow(
      expect.objectContaining({ code: 'unavailable', reason }),
    );
  });
});
