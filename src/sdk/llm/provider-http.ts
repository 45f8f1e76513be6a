/**
 * HTTP to a provider: a request goes out, is tried again where that helps, and comes back as a response that is one, or as
 * a Failure. Every wait, every number of attempts and every body is bounded.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { Failure, type FailureCode } from '../../failure.ts';
import { createBackoff } from '../backoff.ts';
import type { CallLimit } from './call-limit.ts';
import { isObject } from './json-object.ts';

export interface ProviderHttp {
  readonly fetch: typeof globalThis.fetch;
  /** 0 up to 1, so that many callers do not come again at once. */
  readonly random: () => number;
  /** Epoch milliseconds, for a Retry-After that is a date. */
  readonly now: () => number;
  /** How often a request is tried again after 408, 429, 5xx or a broken connection. */
  readonly retries: number;
}

export interface HttpCall {
  /** For messages: `openai`. */
  readonly provider: string;
  readonly method: 'GET' | 'POST';
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  /** JSON text. */
  readonly body?: string;
  /** Whether something goes on, and is paid for, even if no answer comes: tried again after 429 only, which began nothing. */
  readonly beginsWork?: boolean;
}

/** The longest answer, in bytes: images come in base64. */
const maxAnswerBytes = 32 * 1_024 * 1_024;
const firstWaitMs = 500;
const longestWaitMs = 8_000;
/** Who asks for more patience than this is answered with `limited`, and the caller decides. */
const longestRetryAfterMs = 30_000;
const worthRetrying = new Set([408, 429, 500, 502, 503, 504, 529]);

/** A response with status 200–299. Failures: those of failureOf, and unavailable: not_reached, timed_out, aborted. */
export async function send(http: ProviderHttp, call: HttpCall, limit: CallLimit): Promise<Response> {
  const backoff = createBackoff(http.random, { retryMs: firstWaitMs, maxRetryMs: longestWaitMs });
  for (let attempt = 0; ; attempt++) {
    const outcome = await attemptOnce(http, call, limit);
    if ('response' in outcome) return outcome.response;
    const { failure, isWorthRetrying } = outcome;
    const askedMs = (failure.retryAfterSeconds ?? 0) * 1_000;
    if (!isWorthRetrying || attempt >= http.retries || askedMs > longestRetryAfterMs) throw failure;
    await sleep(backoff.next(askedMs), undefined, { signal: limit.signal }).catch((error: unknown) => {
      // When the time runs out while waiting, what the provider said last is more use than that.
      const ended = limit.failure(error, call.provider);
      throw ended.reason === 'aborted' ? ended : failure;
    });
  }
}

type Outcome =
  | { readonly response: Response }
  | { readonly failure: Failure; readonly isWorthRetrying: boolean };

async function attemptOnce(http: ProviderHttp, call: HttpCall, limit: CallLimit): Promise<Outcome> {
  try {
    const response = await http.fetch(call.url, {
      method: call.method,
      headers: {
        ...(call.body === undefined ? {} : { 'content-type': 'application/json' }),
        ...call.headers,
      },
      ...(call.body === undefined ? {} : { body: call.body }),
      // A redirect would take the secret to wherever it leads.
      redirect: 'manual',
      signal: limit.signal,
    });
    if (response.ok) return { response };
    const text = withoutSecrets(await readText(response), call.headers);
    const failure = failureOf(call.provider, response, text, http.now());
    const isWorthRetrying =
      call.beginsWork === true ? response.status === 429 : worthRetrying.has(response.status);
    return { failure, isWorthRetrying };
  } catch (error) {
    const failure = limit.failure(error, call.provider);
    return { failure, isWorthRetrying: call.beginsWork !== true && failure.reason === 'not_reached' };
  }
}

/** Some providers repeat the key that they do not know; failures are logged. */
function withoutSecrets(text: string, headers: HttpCall['headers']): string {
  const secrets = Object.values(headers).map((value) => value.replace(/^Bearer /, ''));
  return secrets
    .filter(({ length }) => length >= 8)
    .reduce((rest, secret) => rest.replaceAll(secret, '…'), text);
}

/** Each status of a provider as a code of ours: it refuses our request, our secret, our haste, or has trouble itself. */
function failureOf(provider: string, response: Response, text: string, now: number): Failure {
  const { status } = response;
  const retryAfterSeconds = secondsOf(response.headers.get('retry-after'), now);
  return new Failure(codeOf(status), `${provider} answered ${status}: ${messageIn(text)}`, {
    reason: reasonOf(status),
    ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }),
  });
}

function codeOf(status: number): FailureCode {
  if (status === 401) return 'unauthenticated';
  if (status === 403) return 'forbidden';
  if (status === 404) return 'not_found';
  if (status === 429) return 'limited';
  return worthRetrying.has(status) || status >= 500 || status < 400 ? 'unavailable' : 'refused';
}

function reasonOf(status: number): string {
  if (status === 429) return 'provider_limited';
  if (status < 400) return 'provider_redirected';
  return codeOf(status) === 'unavailable' ? 'provider_failed' : 'provider_refused';
}

function secondsOf(header: string | null, now: number): number | undefined {
  if (header === null) return undefined;
  const seconds = /^\d+(\.\d+)?$/.test(header.trim()) ? Number(header) : (Date.parse(header) - now) / 1_000;
  return Number.isFinite(seconds) ? Math.max(0, seconds) : undefined;
}

/** The sentence in an error's body, in any of the shapes that are about; at most 500 characters. */
function messageIn(text: string): string {
  let said: unknown;
  try {
    said = JSON.parse(text);
  } catch {
    said = text;
  }
  for (let depth = 0; depth < 4 && typeof said === 'object' && said !== null; depth++) {
    const first: unknown = Array.isArray(said) ? said[0] : said;
    said = isObject(first) ? (first['error'] ?? first['message'] ?? first['detail'] ?? '') : first;
  }
  return typeof said === 'string' && said.trim() !== '' ? said.trim().slice(0, 500) : 'nothing more';
}

/** The JSON of an answer. Failures: unavailable when it is none, too large, or breaks off. */
export async function readJson(response: Response, provider: string, limit: CallLimit): Promise<unknown> {
  const text = await readText(response).catch((error: unknown) => {
    throw limit.failure(error, provider);
  });
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new Failure('unavailable', `${provider} answered something that is no JSON`, {
      reason: 'broken_answer',
      cause: error,
    });
  }
}

async function readText(response: Response): Promise<string> {
  let text = '';
  for await (const piece of readPieces(response)) text += piece;
  return text;
}

/** The body's text as it comes. Failures: unavailable past the longest answer; errors of the wire as they are. */
export async function* readPieces(response: Response): AsyncGenerator<string> {
  const body: AsyncIterable<Uint8Array> | null = response.body;
  if (body === null) return;
  const decoder = new TextDecoder();
  let bytes = 0;
  for await (const piece of body) {
    bytes += piece.byteLength;
    if (bytes > maxAnswerBytes) {
      throw new Failure('unavailable', `an answer is longer than ${maxAnswerBytes} bytes`, {
        reason: 'answer_too_large',
      });
    }
    yield decoder.decode(piece, { stream: true });
  }
  yield decoder.decode();
}
