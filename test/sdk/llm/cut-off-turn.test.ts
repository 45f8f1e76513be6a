/**
 * A turn that was cut off before it was whole goes back as far as an API takes it: what breaks off is left out, and so is a
 * turn in which nothing is left, which is told.
 */
import { expect, test } from 'vitest';
import { createAnthropicStreamReader } from '../../../src/sdk/llm/anthropic-answer.ts';
import type { ApiStyle } from '../../../src/sdk/llm/api-style.ts';
import { buildRequest, endpointOf } from '../../../src/sdk/llm/endpoint.ts';
import { readGeminiAnswer } from '../../../src/sdk/llm/gemini-answer.ts';
import type { Message } from '../../../src/sdk/llm/message.ts';
import { newId, streamed } from '../../support/model-answers.ts';
import { promptOf } from '../../support/prompts.ts';

const thought = { type: 'thinking', thinking: 'Hm.', signature: 's' };
const words = { type: 'text', text: 'Let me look.' };
const call = { type: 'tool_use', id: 'c1', name: 'weather', input: {} };

/** A stream of Anthropic's that ends for want of tokens, with these blocks and this input of the last one. */
function cutOff(blocks: readonly object[], json: string) {
  return streamed(createAnthropicStreamReader(), [
    { type: 'message_start', message: {} },
    ...blocks.map((block, index) => ({ type: 'content_block_start', index, content_block: block })),
    ...(json === ''
      ? []
      : [{ type: 'content_block_delta', index: blocks.length - 1, delta: { partial_json: json } }]),
    { type: 'message_delta', delta: { stop_reason: 'max_tokens' } },
    { type: 'message_stop' },
  ]).whole;
}

test('of Anthropic: what is whole goes back, signed; a call that breaks off and an empty text do not', () => {
  const whole = cutOff([thought, words, { type: 'text', text: '' }, call], '{"city":"Ki');
  expect(whole.brokenToolCalls).toEqual([{ id: 'c1', name: 'weather', argumentsText: '{"city":"Ki' }]);
  expect(whole.message).toStrictEqual({
    role: 'assistant',
    content: 'Let me look.',
    native: { style: 'anthropic', content: [thought, words] },
  });
});

test.each<[string, Message]>([
  ['Anthropic, in a call', cutOff([thought, call], '{"city":"Ki').message],
  ['Anthropic, in its thoughts', cutOff([{ ...thought, signature: '' }], '').message],
  [
    'Gemini, in its thoughts',
    readGeminiAnswer(
      { candidates: [{ content: { parts: [{ text: 'Hm.', thought: true }] }, finishReason: 'MAX_TOKENS' }] },
      newId,
    ).message,
  ],
  [
    'OpenAI’s style, in a call after thoughts',
    { role: 'assistant', content: '', native: { style: 'openai', content: [{ reasoning_content: 'Hm.' }] } },
  ],
])('%s: a turn in which nothing is left is left out of every request, and told', (_, turn) => {
  const messages: readonly Message[] = [
    { role: 'system', content: 'Be brief.' },
    { role: 'user', content: 'Weather?' },
    turn,
    { role: 'user', content: 'Go on.' },
  ];
  const styles: readonly ApiStyle[] = ['openai', 'anthropic', 'gemini', 'replicate'];
  for (const style of styles) {
    const endpoint = endpointOf('own', {
      style,
      baseUrl: 'http://127.0.0.1',
      traits: () => ({ thinking: 'none' }),
    });
    const request = (of: readonly Message[]) =>
      buildRequest(endpoint, promptOf('own/m', { maxTokens: 9 }, of));
    const { body, warnings } = request(messages);
    expect(body).toStrictEqual(request(messages.filter((message) => message !== turn)).body);
    expect(warnings.filter(({ path }) => path !== 'messages')).toEqual([
      {
        code: 'not_carried',
        path: 'messages.2',
        message: 'an assistant turn without text and calls was left out',
      },
    ]);
  }
});
