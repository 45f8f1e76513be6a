/**
 * What a model answers, in one shape, whichever API it came from: whole, or as it is written.
 */
import { maxTokens, noTokens, type TokenCounts, tokenNames } from '../../domain/usage/usage.ts';
import { Failure } from '../../failure.ts';
import { parseObject } from './json-object.ts';
import type { AssistantMessage, NativeTurn, ToolCall } from './message.ts';

/** `stop`: it was done; `length`: it ran out of tokens; `tool_calls`: it waits for tools; `content_filter`: it was stopped. */
export type FinishReason = 'stop' | 'length' | 'tool_calls' | 'content_filter' | 'other';

/** A call whose arguments the model did not write as a JSON object. */
export interface BrokenToolCall {
  readonly id: string;
  readonly name: string;
  readonly argumentsText: string;
}

/** What was made: at an address of the provider, or the bytes in base64. */
export type AnswerFile = { readonly url: string } | { readonly mediaType: string; readonly data: string };

export interface ModelAnswer {
  readonly text: string;
  /** What was thought, where the API tells; empty otherwise. */
  readonly reasoning: string;
  readonly toolCalls: readonly ToolCall[];
  readonly brokenToolCalls: readonly BrokenToolCall[];
  readonly files: readonly AnswerFile[];
  readonly finishReason: FinishReason;
  /** Each token in exactly one count, as `POST /v1/usage` wants them; absent when the API did not tell. */
  readonly usage?: TokenCounts;
  /** The turn to put into the next call's messages, after which the tools' answers stand. */
  readonly message: AssistantMessage;
}

/** A piece of an answer that is being written; a tool call comes when it is complete. */
export type ModelChunk =
  | { readonly type: 'text'; readonly text: string }
  | { readonly type: 'reasoning'; readonly text: string }
  | { readonly type: 'tool_call'; readonly toolCall: ToolCall };

/** Reads one stream. */
export interface StreamReader {
  /** What the data of an event bring. Failures: unavailable when it is broken or tells an error. */
  read(data: string): readonly ModelChunk[];
  /** Whether the API has said that nothing more comes; the connection may stay open nevertheless. */
  isOver(): boolean;
  /** The whole, once the stream has ended. Failures: unavailable when it was cut off. */
  finish(): ModelAnswer;
}

/** Parts of an answer as a reader has gathered them. */
export interface GatheredAnswer {
  readonly text: string;
  readonly reasoning?: string;
  /** Arguments as the model wrote them. */
  readonly calls?: readonly { readonly id: string; readonly name: string; readonly text: string }[];
  readonly files?: readonly AnswerFile[];
  readonly finishReason: FinishReason;
  readonly usage?: TokenCounts | undefined;
  readonly native?: NativeTurn | undefined;
}

export function answerOf({
  text,
  reasoning = '',
  calls = [],
  files = [],
  finishReason,
  usage,
  native,
}: GatheredAnswer): ModelAnswer {
  const toolCalls: ToolCall[] = [];
  const brokenToolCalls: BrokenToolCall[] = [];
  for (const { id, name, text: argumentsText } of calls) {
    // A function without parameters is called with nothing at all by some models.
    const parsed = argumentsText.trim() === '' ? {} : parseObject(argumentsText);
    if (parsed === undefined) brokenToolCalls.push({ id, name, argumentsText });
    else toolCalls.push({ id, name, arguments: parsed });
  }
  return {
    text,
    reasoning,
    toolCalls,
    brokenToolCalls,
    files,
    finishReason,
    ...(usage === undefined ? {} : { usage }),
    message: {
      role: 'assistant',
      content: text,
      ...(toolCalls.length === 0 ? {} : { toolCalls }),
      ...(native === undefined ? {} : { native }),
    },
  };
}

/** Counts that `POST /v1/usage` takes, whatever an API tells: absent ones are zero. */
export function usageOf(counts: Partial<TokenCounts>): TokenCounts {
  const usage = { ...noTokens };
  for (const name of tokenNames)
    usage[name] = Math.min(maxTokens, Math.max(0, Math.round(counts[name] ?? 0)));
  return usage;
}

/** Failure unavailable: what came is no answer of that API. */
export function brokenAnswer(api: string, what: string, cause?: unknown): Failure {
  return new Failure('unavailable', `${api} answered something else than an answer: ${what}`, {
    reason: 'broken_answer',
    cause,
  });
}

/** Failure unavailable: the stream ended before the answer did. */
export function cutOff(api: string): Failure {
  return new Failure('unavailable', `${api} ended the stream in the midst of its answer`, {
    reason: 'cut_off',
  });
}

/** Failure unavailable: the API tells an error in place of an answer. */
export function toldError(api: string, message: string): Failure {
  return new Failure('unavailable', `${api} failed: ${message.slice(0, 500)}`, { reason: 'provider_failed' });
}
