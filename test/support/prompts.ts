/**
 * Prompts for the tests of request builders: one that says everything, one that says the least, and a conversation with
 * tools.
 */
import type { Message } from '../../src/sdk/llm/message.ts';
import type { LlmParams } from '../../src/sdk/llm/params.ts';
import type { Prompt } from '../../src/sdk/llm/prompt.ts';
import type { Tool } from '../../src/sdk/llm/tool.ts';

export const question: readonly Message[] = [{ role: 'user', content: 'Why is the sky blue?' }];

/** Its keys look like parameters and must stay as they are. */
export const weatherSchema = {
  type: 'object',
  properties: { maxTokens: { type: 'integer' }, stop_sequences: { type: 'string' } },
};

/** The same function in the three spellings that are read. */
export const weatherTools: readonly Tool[] = [
  { name: 'weather', description: 'Tells the weather', parameters: weatherSchema },
  {
    type: 'function',
    function: { name: 'weather', description: 'Tells the weather', parameters: weatherSchema },
  },
  { name: 'weather', description: 'Tells the weather', input_schema: weatherSchema },
];

export const weatherTool = weatherTools[0] as Tool;

/** Every parameter of sampling. */
export const sampling: LlmParams = {
  temperature: 0.5,
  maxTokens: 100,
  topP: 0.9,
  topK: 40,
  frequencyPenalty: 0.1,
  presencePenalty: -0.1,
  stopSequences: ['END', '###'],
  seed: 7,
};

/** Two calls at once, answered, one of them by a failure; an image before. */
export const conversation: readonly Message[] = [
  { role: 'system', content: 'Speak like a sailor.' },
  {
    role: 'user',
    content: [
      { type: 'text', text: 'Where is this?' },
      { type: 'image', mediaType: 'image/png', data: 'aGVsbG8=' },
    ],
  },
  {
    role: 'assistant',
    content: 'Let me look.',
    toolCalls: [
      { id: 'c1', name: 'weather', arguments: { city: 'Kiel' } },
      { id: 'c2', name: 'weather', arguments: {} },
    ],
  },
  { role: 'tool', toolCallId: 'c1', content: '{"degrees":12}' },
  { role: 'tool', toolCallId: 'c2', content: 'no city', isError: true },
  { role: 'user', content: 'And tomorrow?' },
];

export function promptOf(
  id: string,
  params: LlmParams,
  messages = question,
  more: Partial<Prompt> = {},
): Prompt {
  const slash = id.indexOf('/');
  return { provider: id.slice(0, slash), model: id.slice(slash + 1), messages, params, ...more };
}
