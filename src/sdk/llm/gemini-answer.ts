/**
 * Answers of APIs of Gemini's style, whole and streamed, into the one shape: an event of a stream looks like a whole answer.
 * Pure.
 */

import { z } from 'zod';
import type { TokenCounts } from '../../domain/usage/usage.ts';
import {
  type AnswerFile,
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
import { isJsonObject, type JsonObject } from './json-object.ts';

const api = 'the Gemini-style API';

const count = z.number().nonnegative().nullish();
const modalities = z.array(z.object({ modality: z.string(), tokenCount: count })).nullish();

const usageSchema = z.object({
  promptTokenCount: count,
  toolUsePromptTokenCount: count,
  cachedContentTokenCount: count,
  candidatesTokenCount: count,
  thoughtsTokenCount: count,
  promptTokensDetails: modalities,
  candidatesTokensDetails: modalities,
});

const partSchema = z.object({
  text: z.string().optional(),
  thought: z.boolean().optional(),
  functionCall: z
    .object({
      id: z.string().optional(),
      name: z.string(),
      args: z.custom<JsonObject>(isJsonObject).optional(),
    })
    .optional(),
  inlineData: z.object({ mimeType: z.string(), data: z.string() }).optional(),
  fileData: z.object({ fileUri: z.string() }).optional(),
});

const answerSchema = z.object({
  error: z.object({ message: z.string() }).optional(),
  candidates: z
    .array(
      z.object({
        content: z.object({ parts: z.array(z.custom<JsonObject>(isJsonObject)).optional() }).optional(),
        finishReason: z.string().optional(),
      }),
    )
    .optional(),
  responseId: z.string().optional(),
  promptFeedback: z.object({ blockReason: z.string().optional() }).optional(),
  usageMetadata: usageSchema.optional(),
});

/** `newId` names calls where the API names neither them nor its answer. Failures: unavailable when it is no answer of such an API, or tells an error. */
export function readGeminiAnswer(value: unknown, newId: () => string): ModelAnswer {
  const gathering = createGathering(newId);
  gathering.take(value);
  return gathering.finish();
}

export function createGeminiStreamReader(newId: () => string): StreamReader {
  const gathering = createGathering(newId);
  return {
    read: (data) => {
      try {
        return gathering.take(JSON.parse(data));
      } catch (error) {
        if (error instanceof SyntaxError) throw brokenAnswer(api, 'an event is no JSON', error);
        throw error;
      }
    },
    // There is no word for it: the connection ends.
    isOver: () => false,
    finish: gathering.finish,
  };
}

function createGathering(newId: () => string) {
  const native: JsonObject[] = [];
  const calls: { id: string; name: string; text: string }[] = [];
  const files: AnswerFile[] = [];
  let text = '';
  let reasoning = '';
  let reason: string | undefined;
  let usage: TokenCounts | undefined;

  /** Unlike that of any other turn, or its answer would be taken for theirs. */
  const madeId = (responseId: string | undefined) =>
    responseId === undefined ? newId() : `${responseId}_${calls.length}`;

  const takePart = (part: JsonObject, responseId: string | undefined): ModelChunk[] => {
    const parsed = partSchema.safeParse(part);
    if (!parsed.success) throw brokenAnswer(api, 'a part has another shape', parsed.error);
    native.push(part);
    const { text: words = '', thought = false, functionCall, inlineData, fileData } = parsed.data;
    if (inlineData !== undefined) files.push({ mediaType: inlineData.mimeType, data: inlineData.data });
    if (fileData !== undefined) files.push({ url: fileData.fileUri });
    if (functionCall !== undefined) {
      const { id = madeId(responseId), name, args = {} } = functionCall;
      calls.push({ id, name, text: JSON.stringify(args) });
      return [{ type: 'tool_call', toolCall: { id, name, arguments: args } }];
    }
    if (words === '') return [];
    if (thought) reasoning += words;
    else text += words;
    return [{ type: thought ? 'reasoning' : 'text', text: words }];
  };

  return {
    take: (value: unknown): readonly ModelChunk[] => {
      const parsed = answerSchema.safeParse(value);
      if (!parsed.success) throw brokenAnswer(api, 'it has another shape', parsed.error);
      const { error, candidates: [candidate] = [], promptFeedback, usageMetadata, responseId } = parsed.data;
      if (error !== undefined) throw toldError(api, error.message);
      usage = usageMetadata === undefined ? usage : tokensOf(usageMetadata);
      reason = candidate?.finishReason ?? (promptFeedback?.blockReason === undefined ? reason : 'SAFETY');
      return (candidate?.content?.parts ?? []).flatMap((part) => takePart(part, responseId));
    },
    finish: (): ModelAnswer => {
      if (reason === undefined) throw cutOff(api);
      return answerOf({
        text,
        reasoning,
        calls,
        files,
        finishReason: reason === 'STOP' && calls.length > 0 ? 'tool_calls' : finishReasonOf(reason),
        usage,
        native:
          native.every(isPlain) || native.every(isThought) ? undefined : { style: 'gemini', content: native },
      });
    },
  };
}

/** Whether a part says nothing beyond what a message holds anyway: no signature, no id, no file, no thought. */
function isPlain(part: JsonObject): boolean {
  const { functionCall } = part;
  const isNameless = !isJsonObject(functionCall) || functionCall['id'] === undefined;
  return isNameless && Object.keys(part).every((name) => name === 'text' || name === 'functionCall');
}

/** A turn that was cut off while it thought holds nothing else, and the API would not take it back. */
function isThought({ thought }: JsonObject): boolean {
  return thought === true;
}

/** The prompt holds what was cached; thoughts stand beside the candidates. Audio is told by its modality. */
function tokensOf(usage: z.output<typeof usageSchema>): TokenCounts {
  const audioIn = (details: z.output<typeof modalities>) =>
    (details ?? []).reduce((sum, each) => sum + (each.modality === 'AUDIO' ? (each.tokenCount ?? 0) : 0), 0);
  const cached = usage.cachedContentTokenCount ?? 0;
  const inputAudio = audioIn(usage.promptTokensDetails);
  const outputAudio = audioIn(usage.candidatesTokensDetails);
  return usageOf({
    inputTokens: (usage.promptTokenCount ?? 0) + (usage.toolUsePromptTokenCount ?? 0) - cached - inputAudio,
    outputTokens: (usage.candidatesTokenCount ?? 0) - outputAudio,
    cacheReadTokens: cached,
    reasoningTokens: usage.thoughtsTokenCount ?? 0,
    inputAudioTokens: inputAudio,
    outputAudioTokens: outputAudio,
  });
}

function finishReasonOf(word: string): FinishReason {
  switch (word) {
    case 'STOP':
      return 'stop';
    case 'MAX_TOKENS':
      return 'length';
    case 'SAFETY':
    case 'RECITATION':
    case 'BLOCKLIST':
    case 'PROHIBITED_CONTENT':
    case 'SPII':
    case 'IMAGE_SAFETY':
      return 'content_filter';
    default:
      return 'other';
  }
}
