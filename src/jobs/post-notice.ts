/**
 * The outgoing HTTP client of webhooks: one POST, with its redirects, within bounds.
 * In: an address and a signed notice; out: what came of it, never an exception. Nothing of an answer is kept but its
 * status: what a receiver says is not for whoever reads the list of deliveries.
 */
import {
  type ClientRequest,
  type IncomingMessage,
  type RequestOptions,
  request as requestHttp,
} from 'node:http';
import { request as requestHttps } from 'node:https';
import { createGuardedLookup, forbiddenAddress, isForbiddenHost, type Resolve } from './address-guard.ts';
import type { SignedNotice } from './webhook-secret.ts';

export interface PostOptions {
  readonly resolve: Resolve;
  /** VARVE_WEBHOOK_ALLOW_PRIVATE. */
  readonly mayBePrivate: boolean;
  /** Until the connection stands, name and TLS included; 5,000 when absent. */
  readonly connectMs?: number;
  /** For everything, redirects included; 15,000 when absent. */
  readonly totalMs?: number;
  /** Of an answer that are read; 64 KiB when absent. The rest is cut off. */
  readonly maxAnswerBytes?: number;
}

export interface PostOutcome {
  /** Of the last answer; null when there was none. */
  readonly status: number | null;
  /** Undefined when it was acknowledged; otherwise why not, in one word. */
  readonly error?: string;
}

/** The longest that a post takes when nothing is said about it. */
export const defaultTotalMs = 15_000;
const defaultConnectMs = 5_000;
const defaultAnswerBytes = 64 * 1024;
const maxRedirects = 3;
const redirects = new Set([301, 302, 307, 308]);

/** Sends a notice. A redirect is followed with the same method and body, at most three times, each checked as the first. */
export async function postNotice(
  url: string,
  notice: SignedNotice,
  options: PostOptions,
): Promise<PostOutcome> {
  const ending = AbortSignal.timeout(options.totalMs ?? defaultTotalMs);
  let target = new URL(url);
  for (let followed = 0; ; followed++) {
    const refusal = refusalOf(target, options.mayBePrivate);
    if (refusal !== undefined) return { status: null, error: refusal };
    const { status, location, error } = await postOnce(target, notice, options, ending);
    if (error !== undefined) return { status, error };
    if (status === null || !redirects.has(status)) return outcomeOf(status);
    if (followed >= maxRedirects) return { status, error: 'too_many_redirects' };
    const next = nextTarget(target, location);
    if (typeof next === 'string') return { status, error: next };
    target = next;
  }
}

/** Why an address is not called at all; undefined when it may be. */
export function refusalOf(url: URL, mayBePrivate: boolean): string | undefined {
  if (url.protocol !== 'http:' && url.protocol !== 'https:') return 'forbidden_protocol';
  if (url.username !== '' || url.password !== '') return 'credentials_in_url';
  if (!mayBePrivate && isForbiddenHost(url.hostname)) return forbiddenAddress;
  return undefined;
}

function outcomeOf(status: number | null): PostOutcome {
  return status !== null && status >= 200 && status < 300
    ? { status }
    : { status, error: 'not_acknowledged' };
}

function nextTarget(from: URL, location: string | undefined): URL | string {
  if (location === undefined || !URL.canParse(location, from.href)) return 'bad_redirect';
  const next = new URL(location, from);
  // What was sent safely is not sent again in the clear.
  if (from.protocol === 'https:' && next.protocol !== 'https:') return 'insecure_redirect';
  return next;
}

interface Answer extends PostOutcome {
  readonly location?: string;
}

function postOnce(
  target: URL,
  { body, headers }: SignedNotice,
  options: PostOptions,
  ending: AbortSignal,
): Promise<Answer> {
  const {
    resolve,
    mayBePrivate,
    connectMs = defaultConnectMs,
    maxAnswerBytes = defaultAnswerBytes,
  } = options;
  return new Promise((settle) => {
    const requestOptions: RequestOptions = {
      method: 'POST',
      headers: { ...headers, 'content-length': Buffer.byteLength(body), 'user-agent': 'Varve' },
      // A connection that is kept was checked for another name at another time.
      agent: false,
      lookup: createGuardedLookup(resolve, mayBePrivate),
      signal: ending,
    };
    const open = target.protocol === 'https:' ? requestHttps : requestHttp;
    const request = open(target, requestOptions);
    const connecting = setTimeout(() => request.destroy(coded('connect_timeout')), connectMs);
    const end = (answer: Answer) => {
      clearTimeout(connecting);
      settle(answer);
    };
    onConnected(request, target, () => clearTimeout(connecting));
    request.on('error', (error) => end({ status: null, error: wordOf(error, ending) }));
    request.on('response', (response) => {
      readBounded(response, maxAnswerBytes, (error) => {
        request.destroy();
        const status = response.statusCode ?? null;
        if (error !== undefined) return end({ status, error: wordOf(error, ending) });
        const { location } = response.headers;
        end({ status, ...(location === undefined ? {} : { location }) });
      });
    });
    request.end(body);
  });
}

function onConnected(request: ClientRequest, target: URL, connected: () => void): void {
  request.on('socket', (socket) => {
    socket.once(target.protocol === 'https:' ? 'secureConnect' : 'connect', connected);
  });
}

/** Reads an answer up to a limit; one that is longer ends there and counts as it is. */
function readBounded(response: IncomingMessage, maxBytes: number, done: (error?: Error) => void): void {
  let bytes = 0;
  response.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes > maxBytes) done();
  });
  response.on('end', () => done());
  response.on('error', done);
}

function coded(code: string): Error {
  return Object.assign(new Error(code), { code });
}

/** What happened, in one word: our own, or the code of the system or of TLS. */
function wordOf(error: Error, ending: AbortSignal): string {
  if (ending.aborted) return 'timeout';
  const code = 'code' in error && typeof error.code === 'string' ? error.code : 'failed';
  return /^[\w-]{1,64}$/.test(code) ? code : 'failed';
}
