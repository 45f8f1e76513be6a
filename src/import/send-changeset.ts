/**
 * Sends changesets to a running server over HTTP, each with an idempotency key.
 * In: a changeset; out: the server's answer, or the Failure that its problem+json says. A request whose outcome is
 * unknown is sent again, a bounded number of times, always with the same key and the same bytes; never without a key.
 */
import { z } from 'zod';
import { Failure, type FailureCode } from '../failure.ts';
import type { ChangesetReply, SendChangeset } from './import-run.ts';

export interface SendDependencies {
  readonly fetch: typeof globalThis.fetch;
  readonly wait: (ms: number) => Promise<void>;
}

export interface SendOptions {
  /** Where the server is: `http://127.0.0.1:4270`. */
  readonly url: string;
  readonly apiKey?: string;
  /** For one attempt, answer included; default 60 s. */
  readonly timeoutMs?: number;
  /** Attempts for one changeset, the first included; default 6, which wait 6 s altogether. */
  readonly attempts?: number;
  /** Told before another attempt. */
  readonly onRetry?: (problem: Failure) => void;
}

const firstWaitMs = 200;
const longestWaitMs = 10_000;

const replySchema = z.looseObject({
  events: z.array(z.looseObject({ type: z.string() })),
  warnings: z.array(z.looseObject({ code: z.string(), message: z.string() })).default([]),
});

const codes = [
  'invalid',
  'unauthenticated',
  'forbidden',
  'not_found',
  'conflict',
  'refused',
  'limited',
  'corrupt',
  'unavailable',
] as const satisfies readonly FailureCode[];

const problemSchema = z.looseObject({
  code: z.enum(codes),
  title: z.string().optional(),
  detail: z.string().optional(),
  reason: z.string().optional(),
  errors: z.array(z.looseObject({ path: z.string(), message: z.string() })).default([]),
});

/**
 * A sender for one server.
 * Its calls throw Failure: the server's own one; `unavailable` (reason `no_answer`) when no attempt was answered;
 * `corrupt` (reason `not_varve`) when something answered that is not Varve.
 */
export function createSendChangeset(dependencies: SendDependencies, options: SendOptions): SendChangeset {
  const { attempts = 6 } = options;
  return async (changeset, { idempotencyKey }) => {
    const body = JSON.stringify(changeset);
    for (let attempt = 1; ; attempt += 1) {
      const result = await post(dependencies, options, body, idempotencyKey);
      if (!(result instanceof Failure)) return result;
      if (attempt >= attempts || !isPassing(result)) throw result;
      options.onRetry?.(result);
      await dependencies.wait(waitBefore(attempt, result));
    }
  };
}

function isPassing(problem: Failure): boolean {
  return problem.code === 'unavailable' || problem.code === 'limited';
}

function waitBefore(attempt: number, problem: Failure): number {
  const wantedMs = (problem.retryAfterSeconds ?? 0) * 1000;
  return Math.min(Math.max(wantedMs, firstWaitMs * 2 ** (attempt - 1)), longestWaitMs);
}

/** One attempt; an expected failure is answered, not thrown. */
async function post(
  { fetch }: SendDependencies,
  options: SendOptions,
  body: string,
  idempotencyKey: string,
): Promise<ChangesetReply | Failure> {
  const { url, apiKey, timeoutMs = 60_000 } = options;
  try {
    const response = await fetch(new URL('/v1/changesets', url), {
      method: 'POST',
      redirect: 'error',
      signal: AbortSignal.timeout(timeoutMs),
      headers: {
        'content-type': 'application/json',
        'idempotency-key': idempotencyKey,
        'varve-source': 'import',
        ...(apiKey === undefined ? {} : { authorization: `Bearer ${apiKey}` }),
      },
      body,
    });
    return readReply(response, await response.text());
  } catch (cause) {
    return new Failure('unavailable', `no answer from ${url}: ${causeOf(cause)}`, {
      reason: 'no_answer',
      cause,
    });
  }
}

/** fetch hides what really happened ("fetch failed") in a cause, and several addresses tried in a list of them. */
function causeOf(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) return causeOf(error.errors[0]);
  if (!(error instanceof Error)) return String(error);
  return error.cause === undefined ? error.message : causeOf(error.cause);
}

function readReply(response: Response, text: string): ChangesetReply | Failure {
  if (!response.ok) return problemOf(response, text);
  const reply = replySchema.safeParse(parseJson(text));
  if (!reply.success) return notVarve(response);
  return {
    events: reply.data.events,
    warnings: reply.data.warnings,
    isReplay: response.headers.get('idempotent-replayed') === 'true',
  };
}

function problemOf(response: Response, text: string): Failure {
  const seconds = Number(response.headers.get('retry-after') ?? Number.NaN);
  const retry = Number.isFinite(seconds) && seconds >= 0 ? { retryAfterSeconds: seconds } : {};
  const problem = problemSchema.safeParse(parseJson(text));
  if (problem.success) {
    const { code, title, detail, reason, errors } = problem.data;
    return new Failure(code, detail ?? title ?? `the server answered ${response.status}`, {
      ...(reason === undefined ? {} : { reason }),
      ...retry,
      details: errors,
    });
  }
  // A proxy in between speaks no problem+json; these mean that the server behind it may be back soon.
  if ([429, 502, 503, 504].includes(response.status)) {
    return new Failure('unavailable', `${response.url} answered ${response.status}`, retry);
  }
  return notVarve(response);
}

function notVarve(response: Response): Failure {
  return new Failure('corrupt', `${response.url} answered ${response.status}, but not as Varve does`, {
    reason: 'not_varve',
  });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
