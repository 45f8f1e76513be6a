/**
 * Predictions of Replicate's API into the one shape. Pure; replicate-call.ts asks until one is done.
 */
import { z } from 'zod';
import type { JsonValue } from '../../domain/json.ts';
import { type AnswerFile, answerOf, brokenAnswer, type ModelAnswer, toldError, usageOf } from './answer.ts';

const api = 'Replicate';

const predictionSchema = z.object({
  id: z.string().min(1),
  status: z.string(),
  output: z.json().optional(),
  error: z.json().optional(),
  urls: z.object({ stream: z.string().optional() }).optional(),
  metrics: z
    .object({
      input_token_count: z.number().nonnegative().optional(),
      output_token_count: z.number().nonnegative().optional(),
    })
    .nullish(),
});

export type Prediction =
  | { readonly id: string; readonly isDone: false; readonly streamUrl: string | undefined }
  | { readonly id: string; readonly isDone: true; readonly answer: ModelAnswer };

/** Failures: unavailable when it is no prediction, or one that failed or was cancelled. */
export function readPrediction(value: unknown): Prediction {
  const parsed = predictionSchema.safeParse(value);
  if (!parsed.success) throw brokenAnswer(api, 'it is no prediction', parsed.error);
  const { id, status, output, error, urls, metrics } = parsed.data;
  switch (status) {
    case 'starting':
    case 'processing':
    case 'queued':
      return { id, isDone: false, streamUrl: urls?.stream };
    case 'succeeded':
      return {
        id,
        isDone: true,
        answer: answerOf({
          ...outputOf(output ?? null),
          finishReason: 'stop',
          usage: tokensOf(metrics ?? {}),
        }),
      };
    default:
      throw toldError(api, typeof error === 'string' ? error : `the prediction is ${status}`);
  }
}

/** Texts are put together, addresses are files; anything else is told as the JSON that it is. */
function outputOf(output: JsonValue): { readonly text: string; readonly files: readonly AnswerFile[] } {
  const pieces = Array.isArray(output) ? output : [output];
  if (output === null) return { text: '', files: [] };
  if (!pieces.every((piece) => typeof piece === 'string')) return { text: JSON.stringify(output), files: [] };
  if (pieces.length > 0 && pieces.every(isAddress)) {
    return { text: '', files: pieces.map((url) => ({ url })) };
  }
  return { text: pieces.join(''), files: [] };
}

function isAddress(text: string): boolean {
  return /^https?:\/\/\S+$/.test(text) && URL.canParse(text);
}

function tokensOf(metrics: {
  readonly input_token_count?: number | undefined;
  readonly output_token_count?: number | undefined;
}) {
  const { input_token_count: inputTokens, output_token_count: outputTokens } = metrics;
  if (inputTokens === undefined && outputTokens === undefined) return undefined;
  return usageOf({ inputTokens: inputTokens ?? 0, outputTokens: outputTokens ?? 0 });
}
