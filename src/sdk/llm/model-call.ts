/**
 * One call of a model: a prompt and an endpoint come in, the answer goes out, whole or as it is written. Replicate's
 * predictions, which are waited for, stand in replicate-call.ts.
 */

import type { ModelAnswer, ModelChunk, StreamReader } from './answer.ts';
import { createAnthropicStreamReader, readAnthropicAnswer } from './anthropic-answer.ts';
import type { ApiStyle } from './api-style.ts';
import { type CallLimit, startCallLimit } from './call-limit.ts';
import { authenticationHeaders, buildRequest, type Endpoint } from './endpoint.ts';
import { eventsOf } from './event-stream.ts';
import { createGeminiStreamReader, readGeminiAnswer } from './gemini-answer.ts';
import { createOpenAiStreamReader, readOpenAiAnswer } from './openai-answer.ts';
import type { OpenAiDialect } from './openai-request.ts';
import type { ModelRequest, Prompt, RequestWarning } from './prompt.ts';
import { type HttpCall, type ProviderHttp, readJson, send } from './provider-http.ts';
import { awaitPrediction, streamPrediction } from './replicate-call.ts';

export interface CallOptions {
  /** Of an answer as a whole the time with all attempts; of a stream the longest silence. Milliseconds. */
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
  /** Names calls of tools that the API does not name. */
  readonly newId: () => string;
  /** Shown as the endpoint's authentication says. */
  readonly secret: string | undefined;
}

export interface ModelCall {
  readonly request: ModelRequest;
  readonly warnings: readonly RequestWarning[];
  /** Failures: those of provider-http.ts, and unavailable: broken_answer, cut_off, provider_failed. */
  answer(): Promise<ModelAnswer>;
  /** The pieces; the whole is returned at the end. Ending the loop early ends the call. */
  chunks(): AsyncGenerator<ModelChunk, ModelAnswer, undefined>;
}

type PlainStyle = Exclude<ApiStyle, 'replicate'>;

interface AnswerReader {
  readonly whole: (value: unknown, newId: () => string, dialect: OpenAiDialect) => ModelAnswer;
  readonly stream: (newId: () => string, dialect: OpenAiDialect) => StreamReader;
}

const readers: Readonly<Record<PlainStyle, AnswerReader>> = {
  openai: { whole: readOpenAiAnswer, stream: createOpenAiStreamReader },
  anthropic: { whole: readAnthropicAnswer, stream: createAnthropicStreamReader },
  gemini: { whole: readGeminiAnswer, stream: createGeminiStreamReader },
};

/** A call that is ready to be made, and is made once. Failures: invalid for what the API cannot carry. */
export function prepareCall(
  http: ProviderHttp,
  endpoint: Endpoint,
  prompt: Prompt,
  options: CallOptions,
): ModelCall {
  const request = buildRequest(endpoint, prompt);
  const headers = {
    ...request.headers,
    ...authenticationHeaders(endpoint, options.secret),
    ...lowerCased(endpoint.options.headers ?? {}),
  };
  const call: HttpCall = {
    provider: endpoint.provider,
    method: 'POST',
    url: `${endpoint.baseUrl}${request.path}`,
    headers,
    body: JSON.stringify(request.body),
    beginsWork: endpoint.style === 'replicate',
  };
  const { style, dialect } = endpoint;
  const { newId } = options;
  const place = { http, call, baseUrl: endpoint.baseUrl };

  async function answer(): Promise<ModelAnswer> {
    const limit = startCallLimit(options.timeoutMs, options.signal, 'whole');
    if (request.isStreaming) return lastOf(chunksWithin(limit));
    try {
      const value = await readJson(await send(http, call, limit), endpoint.provider, limit);
      return style === 'replicate'
        ? await awaitPrediction(place, value, limit)
        : readers[style].whole(value, newId, dialect);
    } finally {
      limit.stop();
    }
  }

  async function* chunksWithin(limit: CallLimit): AsyncGenerator<ModelChunk, ModelAnswer, undefined> {
    try {
      const response = await send(http, call, limit);
      if (style === 'replicate') {
        const value = await readJson(response, endpoint.provider, limit);
        return yield* streamPrediction(place, value, limit);
      }
      const reader = readers[style].stream(newId, dialect);
      const events = eventsOf(response, endpoint.provider, limit, () => reader.isOver());
      for await (const { data } of events) yield* reader.read(data);
      return reader.finish();
    } finally {
      limit.stop();
    }
  }

  async function* chunks(): AsyncGenerator<ModelChunk, ModelAnswer, undefined> {
    return yield* chunksWithin(startCallLimit(options.timeoutMs, options.signal, 'each'));
  }

  return { request, warnings: request.warnings, answer, chunks };
}

/** Names in one spelling: two of one header would be sent as one, ours beside theirs. */
function lowerCased(headers: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
}

async function lastOf(chunks: AsyncGenerator<ModelChunk, ModelAnswer, undefined>): Promise<ModelAnswer> {
  for (;;) {
    const { done, value } = await chunks.next();
    if (done === true) return value;
  }
}
