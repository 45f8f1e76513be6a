/**
 * Requests of Replicate's API, written out whole: language models by parameters, image models by settings (note 003).
 */
import { expect, test } from 'vitest';
import type { Message } from '../../../src/sdk/llm/message.ts';
import type { LlmParams } from '../../../src/sdk/llm/params.ts';
import { buildReplicateRequest } from '../../../src/sdk/llm/replicate-request.ts';
import { conversation, promptOf, question, sampling, weatherTool } from '../../support/prompts.ts';

const prompt = 'Why is the sky blue?';

test('a language model: all of sampling', () => {
  const params = { ...sampling, systemPrompt: 'Be brief.' };
  expect(buildReplicateRequest(promptOf('replicate/meta/llama-3-70b', params))).toStrictEqual({
    method: 'POST',
    path: '/models/meta/llama-3-70b/predictions',
    headers: { prefer: 'wait=1' },
    body: {
      input: {
        prompt,
        system_prompt: 'Be brief.',
        temperature: 0.5,
        max_tokens: 100,
        top_p: 0.9,
        top_k: 40,
        frequency_penalty: 0.1,
        presence_penalty: -0.1,
        stop_sequences: 'END,###',
        seed: 7,
      },
    },
    isStreaming: false,
    warnings: [],
  });
});

test('an image model under its owner, with the settings of the note', () => {
  const settings = {
    go_fast: true,
    aspect_ratio: 'match_input_image',
    output_format: 'webp',
    output_quality: 80,
  };
  expect(buildReplicateRequest(promptOf('qwen/qwen-image-edit', {}, question, { settings }))).toMatchObject({
    path: '/models/qwen/qwen-image-edit/predictions',
    body: { input: { prompt, ...settings } },
  });
});

test('a version of a model, streamed', () => {
  expect(buildReplicateRequest(promptOf('replicate/a/b:5c7d', { stream: true }))).toStrictEqual({
    method: 'POST',
    path: '/predictions',
    headers: {},
    body: { version: '5c7d', input: { prompt }, stream: true },
    isStreaming: true,
    warnings: [],
  });
});

test('a conversation is written down, and told; so is what has no parameter', () => {
  const messages: readonly Message[] = [
    { role: 'user', content: 'Hello' },
    { role: 'assistant', content: 'Ahoy' },
    { role: 'user', content: 'Bye' },
  ];
  const { body, warnings } = buildReplicateRequest(
    promptOf('replicate/a/b', { thinkingMode: true }, messages),
  );
  expect(body).toStrictEqual({
    input: { prompt: 'User: Hello\n\nAssistant: Ahoy\n\nUser: Bye\n\nAssistant:' },
  });
  expect(warnings.map(({ code, path }) => `${code} ${path}`)).toEqual([
    'not_carried thinkingMode',
    'adjusted messages',
  ]);
});

test.each<[string, string, LlmParams, readonly Message[], RegExp]>([
  ['tools', 'replicate/a/b', { tools: [weatherTool] }, question, /^tools: /],
  ['answers of tools', 'replicate/a/b', {}, conversation.slice(2), /^messages\.0: /],
  ['an image among the messages', 'replicate/a/b', {}, conversation.slice(0, 2), /^messages\.0: /],
  ['a stop sequence with a comma', 'replicate/a/b', { stopSequences: [','] }, question, /^stopSequences: /],
  ['a model without an owner', 'replicate/b', {}, question, /^model: /],
])('refused: %s', (_, id, params, messages, message) => {
  expect(() => buildReplicateRequest(promptOf(id, params, messages))).toThrow(
    expect.objectContaining({ code: 'invalid', message: expect.stringMatching(message) }),
  );
});
