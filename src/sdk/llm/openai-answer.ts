/**
 * Answers of APIs of OpenAI's style, whole and streamed, into the one shape. Pure.
 */

import { z } from 'zod';
import type { TokenCounts } from '../../domain/usage/usage.ts';
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
import type { NativeTurn } from './message.ts';
import { type OpenAiDialect, plainDialect } from './openai-request.ts';

const api = 'the OpenAI-style API';

const count = z.number().nonnegative().nullish();

/** A text, or parts of which some are texts and some what was thought (Mistral). */
const content = z.union([
  z.string(),
  z.array(
    z.object({
      type: z.string(),
      text: z.string().optional(),
      thinking: z.array(z.object({ text: z.string().optional() })).optional(),
    }),
  ),
]);

const spoken = {
  content: content.nullish(),
  refusal: z.string().nullish(),
  reasoning_content: z.string().nullish(),
  reasoning: z.string().nullish(),
};

const usageSchema = z.object({
  prompt_tokens: count,
  completion_tokens: count,
  total_tokens: count,
  prompt_tokens_details: z.object({ cached_tokens: count, audio_tokens: count }).nullish(),
  completion_tokens_details: z.object({ reasoning_tokens: count, audio_tokens: count }).nullish(),
});

const errorSchema = z.union([z.string(), z.object({ message: z.string().nullish() })]).nullish();

const completionSchema = z.object({
  error: errorSchema,
  choices: z
    .array(
      z.object({
        message: z.object({
          ...spoken,
          tool_calls: z
            .array(
              z.object({
                id: z.string().nullish(),
                function: z.object({ name: z.string(), arguments: z.string().nullish() }),
              }),
            )
            .nullish(),
        }),
        finish_reason: z.string().nullish(),
      }),
    )
    .optional(),
  usage: usageSchema.nullish(),
});

const callPiece = z.object({
  index: z.int().nonnegative().nullish(),
  id: z.string().nullish(),
  function: z.object({ name: z.string().nullish(), arguments: z.string().nullish() }).nullish(),
});

const chunkSchema = z.object({
  error: errorSchema,
  choices: z
    .array(
      z.object({
        delta: z
          .object({
            ...spoken,
            tool_calls: z.array(callPiece).nullish(),
          })
          .nullish(),
        finish_reason: z.string().nullish(),
      }),
    )
    .nullish(),
  usage: usageSchema.nullish(),
});

type Spoken = z.output<z.ZodObject<typeof spoken>>;

/**
 * `newId` names calls that the API does not name; the dialect says what has to go back. Failures: unavailable when it is no
 * answer of such an API, or tells an error.
 */
export function readOpenAiAnswer(
  value: unknown,
  newId: () => string,
  dialect: OpenAiDialect = plainDialect,
): ModelAnswer {
  const parsed = completionSchema.safeParse(value);
  if (!parsed.success) throw brokenAnswer(api, 'it has another shape', parsed.error);
  const { error, choices = [], usage } = parsed.data;
  if (error !== undefined && error !== null) throw toldError(api, messageOf(error));
  const [choice] = choices;
  if (choice === undefined) throw brokenAnswer(api, 'it has no choice');
  const { text, reasoning } = wordsOf(choice.message);
  const calls = (choice.message.tool_calls ?? []).map((call) => ({
    id: namedId(call.id) ?? newId(),
    name: call.function.name,
    text: call.function.arguments ?? '',
  }));
  return answerOf({
    text,
    reasoning,
    calls,
    finishReason: finishReasonOf(choice.finish_reason),
    usage: tokensOf(usage),
    native: nativeOf(calls, choice.message.reasoning_content, dialect),
  });
}

function namedId(id: string | null | undefined): string | undefined {
  return id === null || id === '' ? undefined : id;
}

/** What was thought before calls, for the dialects that want it back (openai-request.ts). */
function nativeOf(
  calls: readonly GrowingCall[],
  thoughts: string | null | undefined,
  { thinking }: OpenAiDialect,
): NativeTurn | undefined {
  if (thinking !== 'type' || calls.length === 0 || typeof thoughts !== 'string') return undefined;
  return { style: 'openai', content: [{ reasoning_content: thoughts }] };
}

interface GrowingCall {
  id: string;
  name: string;
  text: string;
}

export function createOpenAiStreamReader(
  newId: () => string,
  dialect: OpenAiDialect = plainDialect,
): StreamReader {
  let text = '';
  let reasoning = '';
  let thoughts: string | undefined;
  let finish: string | undefined;
  let isOver = false;
  let usage: TokenCounts | undefined;
  /** By their index; Mistral tells none and sends each call whole. */
  const calls = new Map<number, GrowingCall>();
  const whole = () =>
    answerOf({
      text,
      reasoning,
      calls: [...calls.values()],
      finishReason: finishReasonOf(finish),
      usage,
      native: nativeOf([...calls.values()], thoughts, dialect),
    });
  return {
    read: (data) => {
      if (data.trim() === '[DONE]') {
        isOver = true;
        return [];
      }
      const { choice, usage: told } = chunkOf(data);
      usage = tokensOf(told) ?? usage;
      const chunks: ModelChunk[] = [];
      const words = wordsOf(choice?.delta ?? {});
      text += words.text;
      reasoning += words.reasoning;
      const thought = choice?.delta?.reasoning_content;
      if (typeof thought === 'string') thoughts = (thoughts ?? '') + thought;
      if (words.reasoning !== '') chunks.push({ type: 'reasoning', text: words.reasoning });
      if (words.text !== '') chunks.push({ type: 'text', text: words.text });
      for (const piece of choice?.delta?.tool_calls ?? []) grow(calls, piece, newId);
      if (typeof choice?.finish_reason === 'string' && finish === undefined) {
        finish = choice.finish_reason;
        for (const toolCall of whole().toolCalls) chunks.push({ type: 'tool_call', toolCall });
      }
      return chunks;
    },
    isOver: () => isOver,
    finish: () => {
      if (finish === undefined) throw cutOff(api);
      return whole();
    },
  };
}

function chunkOf(data: string) {
  const parsed = chunkSchema.safeParse(parse(data));
  if (!parsed.success) throw brokenAnswer(api, 'an event has another shape', parsed.error);
  const { error, choices, usage } = parsed.data;
  if (error !== undefined && error !== null) throw toldError(api, messageOf(error));
  return { choice: choices?.[0], usage };
}

function grow(calls: Map<number, GrowingCall>, piece: z.output<typeof callPiece>, newId: () => string): void {
  const place = piece.index ?? calls.size;
  const call = calls.get(place) ?? { id: namedId(piece.id) ?? newId(), name: '', text: '' };
  call.name += piece.function?.name ?? '';
  call.text += piece.function?.arguments ?? '';
  calls.set(place, call);
}

function parse(data: string): unknown {
  try {
    return JSON.parse(data);
  } catch (error) {
    throw brokenAnswer(api, 'an event is no JSON', error);
  }
}

function wordsOf(said: Spoken): { readonly text: string; readonly reasoning: string } {
  const parts =
    typeof said.content === 'string' ? [{ type: 'text', text: said.content }] : (said.content ?? []);
  const texts = parts.map((part) => part.text ?? '');
  const thoughts = parts.flatMap((part) => ('thinking' in part ? (part.thinking ?? []) : []));
  return {
    text: texts.join('') + (said.refusal ?? ''),
    reasoning:
      (said.reasoning_content ?? said.reasoning ?? '') + thoughts.map((each) => each.text ?? '').join(''),
  };
}

function messageOf(error: NonNullable<z.output<typeof errorSchema>>): string {
  return typeof error === 'string' ? error : (error.message ?? 'an error without a message');
}

function finishReasonOf(word: string | null | undefined): FinishReason {
  switch (word) {
    case 'stop':
      return 'stop';
    case 'length':
    case 'model_length':
      return 'length';
    case 'tool_calls':
    case 'function_call':
      return 'tool_calls';
    case 'content_filter':
      return 'content_filter';
    default:
      return 'other';
  }
}

/** The API's totals hold their parts; ours are told apart. xAI counts the reasoning beside the completion, as its total tells. */
function tokensOf(usage: z.output<typeof usageSchema> | null | undefined): TokenCounts | undefined {
  if (usage === undefined || usage === null) return undefined;
  const prompt = usage.prompt_tokens ?? 0;
  const completion = usage.completion_tokens ?? 0;
  const cached = usage.prompt_tokens_details?.cached_tokens ?? 0;
  const inputAudio = usage.prompt_tokens_details?.audio_tokens ?? 0;
  const outputAudio = usage.completion_tokens_details?.audio_tokens ?? 0;
  const reasoning = usage.completion_tokens_details?.reasoning_tokens ?? 0;
  const isBeside = reasoning > 0 && usage.total_tokens === prompt + completion + reasoning;
  return usageOf({
    inputTokens: prompt - cached - inputAudio,
    outputTokens: completion - outputAudio - (isBeside ? 0 : reasoning),
    cacheReadTokens: cached,
    reasoningTokens: reasoning,
    inputAudioTokens: inputAudio,
    outputAudioTokens: outputAudio,
  });
}
