/**
 * Replicate's predictions in the one shape.
 */
import { describe, expect, test } from 'vitest';
import { noTokens } from '../../../src/domain/usage/usage.ts';
import type { ModelAnswer } from '../../../src/sdk/llm/answer.ts';
import { readPrediction } from '../../../src/sdk/llm/replicate-answer.ts';
import { answer } from '../../support/model-answers.ts';

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
      answer: { usage: { ...noTokens, inputTokens: 3, outputTokens: 4 } },
    });
    const urls = { stream: 'https://stream.example/p' };
    expect(readPrediction({ id: 'p', status: 'starting', urls })).toStrictEqual({
      id: 'p',
      isDone: false,
      streamUrl: urls.stream,
    });
  });
});
