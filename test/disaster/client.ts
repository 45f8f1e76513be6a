/**
 * A client of Varve as anybody would write it: fetch with keep-alive, an Idempotency-Key, a time limit.
 * In: a changeset; out: what the client may conclude from what came back, no more than that.
 */
import { z } from 'zod';
import type { Outcome } from './book.ts';
import type { SentChangeset } from './workload.ts';

export interface Client {
  readonly url: string;
  readonly apiKey: string;
}

/** Longer than everything that the server itself waits for: an answer that comes later is a hang. */
const answerLimitMs = 20_000;

export const eventSchema = z
  .looseObject({
    revision: z.number().int(),
    type: z.string(),
    subject: z.string(),
    data: z.looseObject({ value: z.unknown().optional() }),
    recordedAt: z.string(),
    changesetId: z.string(),
    last: z.boolean(),
  })
  .transform(({ revision, type, subject, data, recordedAt, changesetId, last }) => ({
    revision,
    type,
    subject,
    value: data.value,
    recordedAt,
    changesetId,
    last,
  }));

export const changesetSchema = z
  .looseObject({
    changesetId: z.string(),
    revisions: z.looseObject({ first: z.number().int(), last: z.number().int() }),
    events: z.array(eventSchema),
  })
  .transform(({ changesetId, revisions: { first, last }, events }) => ({ changesetId, first, last, events }));

const problemSchema = z.looseObject({
  code: z.string(),
  reason: z.string().optional(),
  detail: z.string().optional(),
});

/** Sends a changeset. `isFirst`: nobody has sent it before, so that a plain `unavailable` means that nothing happened. */
export async function postChangeset(
  client: Client,
  { marker, body }: Pick<SentChangeset, 'marker' | 'body'>,
  isFirst: boolean,
): Promise<Outcome> {
  let response: Response;
  let text: string;
  try {
    response = await fetch(`${client.url}/v1/changesets`, {
      method: 'POST',
      headers: { ...authorization(client), 'content-type': 'application/json', 'idempotency-key': marker },
      body,
      signal: AbortSignal.timeout(answerLimitMs),
    });
    text = await response.text();
  } catch (error) {
    const why = causeOf(error);
    if (why === 'TimeoutError') return { kind: 'improper', why: `no answer in ${answerLimitMs} ms` };
    return { kind: isFirst && why === 'ECONNREFUSED' ? 'refused' : 'unknown', why };
  }
  const json = parseJson(text);
  if (response.status === 201) {
    const answer = changesetSchema.safeParse(json);
    if (!answer.success) return { kind: 'improper', why: `a 201 that is none: ${text.slice(0, 300)}` };
    const isReplay = response.headers.get('idempotent-replayed') === 'true';
    return { kind: 'acknowledged', answer: answer.data, isReplay };
  }
  const problem = problemSchema.safeParse(json);
  if (response.status !== 503 || !problem.success || problem.data.code !== 'unavailable') {
    return { kind: 'improper', why: `answered ${response.status}: ${text.slice(0, 300)}` };
  }
  const { reason = 'unavailable' } = problem.data;
  return { kind: isFirst && reason !== 'outcome_unknown' ? 'refused' : 'unknown', why: reason };
}

/** A read; throws when it is not answered with 200. */
export async function read(
  client: Client,
  path: string,
  options: { readonly accept?: string; readonly body?: unknown } = {},
): Promise<Response> {
  const { accept = 'application/json', body } = options;
  const response = await fetch(`${client.url}${path}`, {
    method: body === undefined ? 'GET' : 'POST',
    headers: {
      ...authorization(client),
      accept,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  if (response.status === 200) return response;
  throw new Error(`${path} answered ${response.status}: ${(await response.text()).slice(0, 300)}`);
}

function authorization({ apiKey }: Client): Record<string, string> {
  return { authorization: `Bearer ${apiKey}` };
}

/** fetch hides what really happened ("fetch failed") in a cause. */
export function causeOf(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) return causeOf(error.errors[0]);
  if (!(error instanceof Error)) return String(error);
  if (error.cause !== undefined) return causeOf(error.cause);
  return 'code' in error && typeof error.code === 'string' ? error.code : error.name;
}

export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
