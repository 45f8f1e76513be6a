/**
 * Requests to a Varve server. In: method, path, query, body; out: the answer's JSON, or the server's Failure thrown again.
 * Never tries again by itself: what may be repeated is known to the caller.
 */
import { Failure, type FailureDetail } from '../failure.ts';
import { codeOfStatus, isFailureCode } from '../failure-status.ts';

export interface ApiRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Begins with a slash; ids in it are percent-encoded by the caller. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string | number | undefined>>;
  /** Sent as JSON. */
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  /** Names the log that the request is about: an answer that names another one is a conflict (`other_log`). */
  readonly log?: string | undefined;
  /** 10,000 when absent. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

export interface ApiAnswer {
  readonly status: number;
  readonly headers: Headers;
  /** Parsed JSON; undefined when the body is empty. */
  readonly body: unknown;
}

export interface ApiClient {
  /** Failures: those that the server tells, and unavailable when it is not reached in time. */
  send(request: ApiRequest): Promise<ApiAnswer>;
  /** The answer as it comes in: snapshots, streams. The caller reads or cancels the body. The time is up to the headers. */
  open(request: ApiRequest): Promise<Response>;
}

export interface ApiClientOptions {
  readonly url: string;
  readonly apiKey: string;
  readonly ledger?: string;
  readonly fetch?: typeof globalThis.fetch;
}

const defaultTimeoutMs = 10_000;

/** Failures: invalid for an address that is none. */
export function createApiClient({
  url,
  apiKey,
  ledger,
  fetch = globalThis.fetch,
}: ApiClientOptions): ApiClient {
  if (!URL.canParse(url)) {
    throw new Failure('invalid', `${url} is no address of a server`, { reason: 'bad_url' });
  }
  const server = serverAddress(url);
  const { origin } = new URL(server);
  const known = {
    authorization: `Bearer ${apiKey}`,
    ...(ledger === undefined ? {} : { 'varve-ledger': ledger }),
  };
  const open = async (request: ApiRequest): Promise<Response> => {
    const limit = new AbortController();
    const timer = setTimeout(() => limit.abort(timeIsUp()), request.timeoutMs ?? defaultTimeoutMs);
    const signal =
      request.signal === undefined ? limit.signal : AbortSignal.any([limit.signal, request.signal]);
    try {
      const response = await fetch(addressOf(server, request), { ...sent(request, known), signal });
      if (namesOtherLog(response, request)) {
        limit.abort();
        throw otherLog(origin);
      }
      if (response.ok || response.status === 304) return response;
      throw await failureOf(response);
    } catch (error) {
      if (error instanceof Failure) throw error;
      throw isTimeUp(error)
        ? new Failure('unavailable', `${origin} did not answer in time`, { reason: 'timed_out' })
        : new Failure('unavailable', `${origin} was not reached`, {
            reason: 'not_reached',
            cause: error,
          });
    } finally {
      clearTimeout(timer);
    }
  };
  return { open, send: (request) => send(open, request) };
}

/** Failures name their log as well; what stands in between names none. */
function namesOtherLog({ headers }: Response, { log }: ApiRequest): boolean {
  const named = headers.get('varve-log');
  return log !== undefined && named !== null && named !== log;
}

function otherLog(origin: string): Failure {
  const message = `${origin} has another log now: its revisions are not those that are held`;
  return new Failure('conflict', message, { reason: 'other_log' });
}

/** The time is up to the end of the body. */
async function send(open: ApiClient['open'], request: ApiRequest): Promise<ApiAnswer> {
  const limit = AbortSignal.timeout(request.timeoutMs ?? defaultTimeoutMs);
  const signal = request.signal === undefined ? limit : AbortSignal.any([limit, request.signal]);
  const response = await open({ ...request, signal });
  const { status, headers } = response;
  try {
    const text = await response.text();
    return { status, headers, body: text === '' ? undefined : JSON.parse(text) };
  } catch (cause) {
    throw new Failure('unavailable', 'the answer broke off', { reason: 'cut_off', cause });
  }
}

/** As AbortSignal.timeout says it. */
const timeIsUp = () => new DOMException('The time is up', 'TimeoutError');

function isTimeUp(error: unknown): boolean {
  return error instanceof DOMException && error.name === 'TimeoutError';
}

/** Where a server is, of a URL of it: without slashes at the end, without a query. */
export function serverAddress(url: string): string {
  const { origin, pathname } = new URL(url);
  return `${origin}${pathname.replace(/\/+$/, '')}`;
}

function addressOf(server: string, { path, query = {} }: ApiRequest): URL {
  // Put together as text: what begins with two slashes would be resolved to another host.
  const address = new URL(`${server}${path}`);
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined) address.searchParams.set(name, String(value));
  }
  return address;
}

function sent({ method, body, headers }: ApiRequest, known: Readonly<Record<string, string>>): RequestInit {
  if (body === undefined) return { method, headers: { ...known, ...headers } };
  return {
    method,
    headers: { ...known, 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  };
}

/** The failure that an answer tells; of something in between that speaks no problem+json, what its status says. */
async function failureOf(response: Response): Promise<Failure> {
  const text = await response.text().catch(() => '');
  const problem = problemIn(text);
  const retryAfter = Number(response.headers.get('retry-after') ?? Number.NaN);
  const code =
    typeof problem['code'] === 'string' && isFailureCode(problem['code'])
      ? problem['code']
      : codeOfStatus(response.status);
  const detail =
    typeof problem['detail'] === 'string' ? problem['detail'] : `the server answered ${response.status}`;
  return new Failure(code, detail, {
    ...(typeof problem['reason'] === 'string' ? { reason: problem['reason'] } : {}),
    ...(Array.isArray(problem['errors']) ? { details: problem['errors'].filter(isDetail) } : {}),
    ...(Number.isFinite(retryAfter) ? { retryAfterSeconds: retryAfter } : {}),
  });
}

function problemIn(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? { ...value } : {};
  } catch {
    return {};
  }
}

function isDetail(value: unknown): value is FailureDetail {
  return (
    typeof value === 'object' &&
    value !== null &&
    'path' in value &&
    'message' in value &&
    typeof value.path === 'string' &&
    typeof value.message === 'string'
  );
}
