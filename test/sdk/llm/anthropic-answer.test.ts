/**
 * Answers of Anthropic's style in the one shape: whole ones, streamed ones, and what goes back signed.
 */
import { describe, expect, test } from 'vitest';
import { noTokens } from '../../../src/domain/usage/usage.ts';
import { createAnthropicStreamReader, readAnthropicAnswer } from '../../../src/sdk/llm/anthropic-answer.ts';
import { buildAnthropicRequest } from '../../../src/sdk/llm/anthropic-request.ts';
import { answer, kiel, streamed } from '../../support/model-answers.ts';
import { promptOf } from '../../support/prompts.ts';

describe("Anthropic's style", () => {
  const usage = {
    input_tokens: 10,
    output_tokens: 50,
    cache_creation_input_tokens: 20,
    cache_read_input_tokens: 30,
  };
  const counted = {
    ...noTokens,
    inputTokens: 10,
    outputTokens: 50,
    cacheReadTokens: 30,
    cacheWriteTokens: 20,
  };
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

  test('a stream is over with its last event, and no earlier', () => {
    const reader = createAnthropicStreamReader();
    reader.read('{"type":"message_delta","delta":{"stop_reason":"end_turn"}}');
    expect(reader.isOver()).toBe(false);
    reader.read('{"type":"message_stop"}');
    expect(reader.isOver()).toBe(true);
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
