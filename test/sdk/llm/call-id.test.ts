/**
 * Ids of tool calls that go from one provider's API to another's: each is brought into the shape that is taken there, in the
 * call and in its answer alike.
 */
import { describe, expect, test } from 'vitest';
import { buildAnthropicRequest } from '../../../src/sdk/llm/anthropic-request.ts';
import { type CallIdRule, fittingCallId } from '../../../src/sdk/llm/call-id.ts';
import type { Message } from '../../../src/sdk/llm/message.ts';
import { buildOpenAiRequest } from '../../../src/sdk/llm/openai-request.ts';
import { providers } from '../../../src/sdk/llm/providers.ts';
import { promptOf, question } from '../../support/prompts.ts';

const shapes: Readonly<Record<CallIdRule, RegExp>> = {
  any: /^/,
  short: /^.{1,40}$/,
  word: /^[a-zA-Z0-9_-]+$/,
  nine: /^[a-zA-Z0-9]{9}$/,
};
const long = `chatcmpl-tool-${'f'.repeat(32)}`;

describe('an id', () => {
  test.each<[CallIdRule, readonly string[], readonly string[]]>([
    ['any', [long, 'functions.weather:0', 'ü\n'], []],
    ['short', ['toolu_01A09q90qw90lq917835lq9', 'functions.weather:0'], [long]],
    ['word', ['toolu_01A09q90qw90lq917835lq9', 'call-1', long], ['functions.weather:0', 'ü', 'a\n', 'a b']],
    ['nine', ['D681PevKs'], ['call_0', long, 'D681PevKs0', 'D681_evKs']],
  ])('%s: stays where it fits, and is made to fit where it does not', (rule, fit, unfit) => {
    for (const id of fit) expect(fittingCallId(rule, id)).toBe(id);
    for (const id of unfit) {
      expect(fittingCallId(rule, id)).not.toBe(id);
      expect(fittingCallId(rule, id)).toMatch(shapes[rule]);
      expect(fittingCallId(rule, id)).toBe(fittingCallId(rule, id));
    }
  });

  test('stays apart from every other', () => {
    const ids = Array.from({ length: 2_000 }, (_, index) => `functions.weather:${index}`);
    for (const rule of ['word', 'nine'] as const) {
      expect(new Set(ids.map((id) => fittingCallId(rule, id))).size).toBe(ids.length);
    }
  });
});

describe('a conversation that goes on elsewhere', () => {
  const conversationWith = (id: string): readonly Message[] => [
    ...question,
    { role: 'assistant', content: '', toolCalls: [{ id, name: 'weather', arguments: {} }] },
    { role: 'tool', toolCallId: id, content: 'rain' },
  ];

  test.each<[string, CallIdRule, string]>([
    ['mistral', 'nine', 'call_0'],
    ['openai', 'short', long],
    ['azure', 'short', long],
    ['moonshotai', 'any', 'functions.weather:0'],
  ])('at %s', (provider, rule, id) => {
    const { body } = buildOpenAiRequest(
      promptOf(`${provider}/m`, {}, conversationWith(id)),
      providers[provider]?.dialect,
    );
    const fitting = fittingCallId(rule, id);
    expect(fitting).toMatch(shapes[rule]);
    expect(body['messages']).toMatchObject([
      {},
      { tool_calls: [{ id: fitting }] },
      { tool_call_id: fitting },
    ]);
  });

  test('at Anthropic, where it stands in a turn of its own kind, too', () => {
    const id = 'functions.weather:0';
    const fitting = fittingCallId('word', id);
    const content = [
      { type: 'thinking', thinking: 'Hm.', signature: 's' },
      { type: 'tool_use', id, name: 'weather', input: {} },
    ];
    const [user, call, answer] = conversationWith(id) as [Message, Message, Message];
    const native = { ...call, native: { style: 'anthropic', content } } as Message;
    for (const turn of [call, native]) {
      const { body } = buildAnthropicRequest(promptOf('anthropic/claude-opus-4-5', {}, [user, turn, answer]));
      const { content: blocks } = (body['messages'] as { content: object[] }[])[1] ?? { content: [] };
      expect(blocks.at(-1)).toStrictEqual({ type: 'tool_use', id: fitting, name: 'weather', input: {} });
      expect(body['messages']).toMatchObject([
        {},
        {},
        { content: [{ type: 'tool_result', tool_use_id: fitting }] },
      ]);
    }
  });
});
