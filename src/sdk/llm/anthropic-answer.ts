/**
 * Answers of APIs of Anthropic's style, whole and streamed, into the one shape. Pure.
 */
import { z } from 'zod';
import {
  answerOf,
  brokenAnswer,
  cutOff,
  type FinishReason,
  type ModelAnswer,
  type ModelChunk,
  type StreamReader,
  toldError,
  usageOf,
} from './answer.ts';
import { isJsonObject, type JsonObject, parseObject } from './json-object.ts';
import type { NativeTurn } from './message.ts';

const api = 'the Anthropic-style API';

const count = z.number().nonnegative().nullish();

const usageSchema = z.object({
  input_tokens: count,
  output_tokens: count,
  cache_creation_input_tokens: count,
  cache_read_input_tokens: count,
});

/** Kept whole: what is not known here goes back to the API as it came. */
const blockSchema = z.custom<JsonObject>((value) => isJsonObject(value) && typeof value['type'] === 'string');

const messageSchema = z.object({
  content: z.array(blockSchema),
  stop_reason: z.string().nullish(),
  usage: usageSchema.nullish(),
});

const errorSchema = z.object({ message: z.string() });

const eventSchema = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('message_start'),
    message: z.object({ usage: usageSchema.nullish() }),
  }),
  z.object({
    type: z.literal('content_block_start'),
    index: z.int().nonnegative(),
    content_block: blockSchema,
  }),
  z.object({
    type: z.literal('content_block_delta'),
    index: z.int().nonnegative(),
    delta: z.object({
      text: z.string().optional(),
      thinking: z.string().optional(),
      signature: z.string().optional(),
      partial_json: z.string().optional(),
    }),
  }),
  z.object({ type: z.literal('content_block_stop'), index: z.int().nonnegative() }),
  z.object({
    type: z.literal('message_delta'),
    delta: z.object({ stop_reason: z.string().nullish() }),
    usage: usageSchema.nullish(),
  }),
  z.object({ type: z.literal('message_stop') }),
  z.object({ type: z.literal('error'), error: errorSchema }),
]);

type Usage = z.output<typeof usageSchema>;

/** Failures: unavailable when it is no answer of such an API, or tells an error. */
export function readAnthropicAnswer(value: unknown): ModelAnswer {
  const told = z.object({ type: z.literal('error'), error: errorSchema }).safeParse(value);
  if (told.success) throw toldError(api, told.data.error.message);
  const parsed = messageSchema.safeParse(value);
  if (!parsed.success) throw brokenAnswer(api, 'it has another shape', parsed.error);
  const { content, stop_reason: reason, usage } = parsed.data;
  return gather(
    content.map((block) => ({ block, json: '' })),
    reason,
    usage,
  );
}

interface GrowingBlock {
  block: JsonObject;
  /** Of a tool's input what has come in pieces. */
  json: string;
}

export function createAnthropicStreamReader(): StreamReader {
  const blocks = new Map<number, GrowingBlock>();
  let usage: Usage | undefined;
  let reason: string | null | undefined;
  let isComplete = false;
  return {
    read: (data) => {
      const event = eventOf(data);
      switch (event?.type) {
        case undefined:
        case 'message_stop':
          isComplete ||= event !== undefined;
          return [];
        case 'message_start':
          usage = event.message.usage ?? undefined;
          return [];
        case 'content_block_start':
          blocks.set(event.index, { block: event.content_block, json: '' });
          return wordsIn(event.content_block);
        case 'content_block_delta': {
          const growing = blocks.get(event.index);
          if (growing === undefined) throw brokenAnswer(api, 'it goes on with a block that it never began');
          const { partial_json: json = '', ...words } = event.delta;
          growing.block = grown(growing.block, words);
          growing.json += json;
          return wordsIn(words);
        }
        case 'content_block_stop': {
          const stopped = blocks.get(event.index);
          if (stopped?.block['type'] !== 'tool_use') return [];
          const { toolCalls } = gather([stopped], undefined, undefined);
          return toolCalls.map((toolCall) => ({ type: 'tool_call' as const, toolCall }));
        }
        case 'message_delta':
          reason = event.delta.stop_reason;
          usage = mergedUsage(usage, event.usage);
          return [];
        case 'error':
          throw toldError(api, event.error.message);
        default:
          return event satisfies never;
      }
    },
    isOver: () => isComplete,
    finish: () => {
      if (!isComplete) throw cutOff(api);
      return gather([...blocks.values()], reason, usage);
    },
  };
}

/** An event; undefined for kinds that are newer than this or say nothing (`ping`). */
function eventOf(data: string): z.output<typeof eventSchema> | undefined {
  const value = parseObject(data);
  if (value === undefined) throw brokenAnswer(api, 'an event is no JSON object');
  const isKnown = eventSchema.options.some(({ shape }) => shape.type.value === value['type']);
  if (!isKnown) return undefined;
  const parsed = eventSchema.safeParse(value);
  if (!parsed.success) throw brokenAnswer(api, 'an event has another shape', parsed.error);
  return parsed.data;
}

function wordsIn({ text, thinking }: { readonly text?: unknown; readonly thinking?: unknown }): ModelChunk[] {
  const chunks: ModelChunk[] = [];
  if (typeof thinking === 'string' && thinking !== '') chunks.push({ type: 'reasoning', text: thinking });
  if (typeof text === 'string' && text !== '') chunks.push({ type: 'text', text });
  return chunks;
}

/** A block with what came for it; texts are appended. */
function grown(block: JsonObject, pieces: Readonly<Record<string, string | undefined>>): JsonObject {
  const added: Record<string, string> = {};
  for (const [name, piece] of Object.entries(pieces)) {
    if (piece !== undefined) added[name] = textIn(block, name) + piece;
  }
  return { ...block, ...added };
}

function textIn(block: JsonObject, field: string): string {
  const value = block[field];
  return typeof value === 'string' ? value : '';
}

/** Later counts are totals and replace earlier ones. */
function mergedUsage(first: Usage | undefined, second: Usage | null | undefined): Usage | undefined {
  if (second === undefined || second === null) return first;
  const said = Object.entries(second).filter(([, tokens]) => tokens !== undefined && tokens !== null);
  return usageSchema.parse({ ...first, ...Object.fromEntries(said) });
}

function gather(
  growing: readonly GrowingBlock[],
  reason: string | null | undefined,
  usage: Usage | null | undefined,
): ModelAnswer {
  const of = (type: string, field: string) =>
    growing.map(({ block }) => (block['type'] === type ? textIn(block, field) : '')).join('');
  const calls = growing
    .filter(({ block }) => block['type'] === 'tool_use')
    .map(({ block, json }) => ({
      id: textIn(block, 'id'),
      name: textIn(block, 'name'),
      text: json === '' ? JSON.stringify(block['input'] ?? {}) : json,
    }));
  return answerOf({
    text: of('text', 'text'),
    reasoning: of('thinking', 'thinking'),
    calls,
    finishReason: finishReasonOf(reason),
    usage:
      usage === undefined || usage === null
        ? undefined
        : usageOf({
            inputTokens: usage.input_tokens ?? 0,
            outputTokens: usage.output_tokens ?? 0,
            cacheReadTokens: usage.cache_read_input_tokens ?? 0,
            cacheWriteTokens: usage.cache_creation_input_tokens ?? 0,
          }),
    native: nativeOf(growing),
  });
}

/**
 * The turn word for word, if it holds more than texts and calls: thoughts are signed and must come back as they were. Where
 * it was cut off the API would not take it back: a call that breaks off is left out, and so are thoughts that led to nothing.
 */
function nativeOf(growing: readonly GrowingBlock[]): NativeTurn | undefined {
  const content = growing.flatMap(wholeOf);
  const holdsOnly = (...types: readonly string[]) =>
    content.every(({ type }) => typeof type === 'string' && types.includes(type));
  if (holdsOnly('text', 'tool_use') || holdsOnly('thinking', 'redacted_thinking')) return undefined;
  return { style: 'anthropic', content };
}

/** A block if it can be sent back: its input is JSON, its text is not empty. */
function wholeOf({ block, json }: GrowingBlock): JsonObject[] {
  if (json === '') return block['type'] === 'text' && textIn(block, 'text') === '' ? [] : [block];
  const input = parseObject(json);
  return input === undefined ? [] : [{ ...block, input }];
}

function finishReasonOf(word: string | null | undefined): FinishReason {
  switch (word) {
    case 'end_turn':
    case 'stop_sequence':
      return 'stop';
    case 'max_tokens':
    case 'model_context_window_exceeded':
      return 'length';
    case 'tool_use':
      return 'tool_calls';
    case 'refusal':
      return 'content_filter';
    default:
      return 'other';
  }
}
