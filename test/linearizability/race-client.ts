/**
 * What clients of the race send, and what they may conclude from what comes back: no more than that.
 * In: a wish; out: an outcome, or why there is none. Every answer that is neither proper nor an outage is `improper`.
 */
import { z } from 'zod';
import { causeOf, parseJson } from '../disaster/client.ts';
import type { Change, Guard, Outcome, Value } from './history.ts';

export interface Target {
  readonly url: string;
  readonly apiKey: string;
}

/** `reason` says why there was no answer: the server's own word, or what the connection failed with. */
export type Attempt =
  | { readonly kind: 'answered'; readonly outcome: Outcome; readonly revision: number }
  | { readonly kind: 'failed'; readonly outcome: 'refused' | 'unknown'; readonly reason: string }
  | { readonly kind: 'improper'; readonly why: string };

export type ReadAttempt =
  | { readonly kind: 'answered'; readonly revision: number; readonly value: Value; readonly version?: number }
  | { readonly kind: 'failed'; readonly reason: string }
  | { readonly kind: 'improper'; readonly why: string };

/** Longer than everything a server may wait for: what comes later is a hang. */
export const patienceMs = 12_000;

const answerSchema = z.looseObject({
  changesetId: z.string().nullable(),
  events: z.array(
    z.looseObject({
      revision: z.number(),
      version: z.number(),
      subject: z.string(),
      data: z.looseObject({ value: z.string().optional() }),
    }),
  ),
});
const problemSchema = z.looseObject({
  reason: z.string().optional(),
  detail: z.string().optional(),
});
const resolvedSchema = z.looseObject({ value: z.unknown(), scope: z.string() });
const overridesSchema = z.looseObject({
  items: z.array(z.looseObject({ kind: z.string(), value: z.unknown().optional(), version: z.number() })),
});

export interface Wish {
  readonly id: string;
  readonly changes: readonly Change[];
  readonly guard: Guard;
  readonly idempotencyKey: string | undefined;
}

/** `override:<key>@<scope>` is how Varve calls what the history calls `<key>@<scope>`. */
const subjectPrefix = 'override:';

export function subjectOf(varveSubject: string): string {
  return varveSubject.startsWith(subjectPrefix) ? varveSubject.slice(subjectPrefix.length) : varveSubject;
}

/** Sends a wish once. A plain refusal of a wish that was sent before says nothing about the attempts before. */
export async function sendWish(target: Target, wish: Wish, limitMs: number): Promise<Attempt> {
  const response = await send(target, requestOf(wish), limitMs, wish.idempotencyKey);
  if ('failure' in response) {
    const outcome = response.failure === 'ECONNREFUSED' ? 'refused' : 'unknown';
    return { kind: 'failed', outcome, reason: response.failure };
  }
  const { status, json, revision } = response;
  if (status === 200 || status === 201) {
    const answer = answerSchema.safeParse(json);
    if (!answer.success) return improper(status, json);
    const { changesetId, events } = answer.data;
    if (status === 200) {
      return events.length === 0 && revision !== undefined
        ? { kind: 'answered', outcome: { kind: 'same', revision }, revision }
        : improper(status, json);
    }
    const told = events.map((event) => ({
      subject: subjectOf(event.subject),
      revision: event.revision,
      version: event.version,
      value: event.data.value ?? null,
    }));
    const last = told.at(-1)?.revision;
    if (last === undefined) return improper(status, json);
    return {
      kind: 'answered',
      outcome: { kind: 'done', changesetId: changesetId ?? '', events: told },
      revision: last,
    };
  }
  const problem = problemSchema.safeParse(json);
  if (!problem.success) return improper(status, json);
  const { reason = '', detail = '' } = problem.data;
  if (
    status === 409 &&
    (reason === 'version_moved' || reason === 'revision_moved') &&
    revision !== undefined
  ) {
    const at = Number(/(?:revision|version) (\d+)/.exec(detail)?.[1]);
    return { kind: 'answered', outcome: { kind: 'moved', at, revision }, revision };
  }
  if (status !== 503) return improper(status, json);
  return { kind: 'failed', outcome: reason === 'outcome_unknown' ? 'unknown' : 'refused', reason };
}

/** From memory (one key) or from the tables (overrides), each with the revision that it is of. */
export async function readSubject(
  target: Target,
  subject: string,
  from: 'memory' | 'tables',
  minRevision: number | undefined,
  limitMs: number,
): Promise<ReadAttempt> {
  const [key = '', scope = ''] = subject.split('@');
  const least = minRevision === undefined ? '' : `&minRevision=${minRevision}`;
  const path =
    from === 'memory'
      ? `/v1/resolve/${key}?user=${scope.slice('user:'.length)}${least}`
      : `/v1/overrides?key=${key}&scope=${scope}${least}`;
  const response = await send(target, { method: 'GET', path }, limitMs);
  if ('failure' in response) return { kind: 'failed', reason: response.failure };
  const { status, json, revision } = response;
  if (status === 503) {
    return { kind: 'failed', reason: problemSchema.safeParse(json).data?.reason ?? 'unavailable' };
  }
  if (status !== 200 || revision === undefined) return improper(status, json);
  if (from === 'memory') {
    const resolved = resolvedSchema.safeParse(json);
    if (!resolved.success) return improper(status, json);
    const { value, scope: won } = resolved.data;
    return { kind: 'answered', revision, value: won === scope ? String(value) : null };
  }
  const listed = overridesSchema.safeParse(json);
  if (!listed.success || listed.data.items.length > 1) return improper(status, json);
  const item = listed.data.items[0];
  if (item === undefined) return { kind: 'answered', revision, value: null };
  const value = item.kind === 'value' ? String(item.value) : null;
  return { kind: 'answered', revision, value, version: item.version };
}

interface Request {
  readonly method: string;
  readonly path: string;
  readonly body?: unknown;
  readonly ifMatch?: number;
}

/** A guard by version takes the door of one override; all else is a changeset. */
function requestOf({ id, changes, guard }: Wish): Request {
  const [first] = changes;
  if (guard.kind === 'version' && first !== undefined) {
    const [key = '', scope = ''] = first.subject.split('@');
    const path = `/v1/overrides/${key}?scope=${scope}`;
    return first.value === null
      ? { method: 'DELETE', path: `${path}&reason=${id}`, ifMatch: guard.expected }
      : { method: 'PUT', path, body: { value: first.value, reason: id }, ifMatch: guard.expected };
  }
  const wanted = changes.map(({ subject, value }) => {
    const [key, scope] = subject.split('@');
    return value === null
      ? { type: 'clearOverride', key, scope }
      : { type: 'setOverride', key, scope, value };
  });
  const expected = guard.kind === 'revision' ? { expectedRevision: guard.expected } : {};
  return { method: 'POST', path: '/v1/changesets', body: { reason: id, changes: wanted, ...expected } };
}

type Response =
  | { readonly status: number; readonly json: unknown; readonly revision: number | undefined }
  | { readonly failure: string };

async function send(
  { url, apiKey }: Target,
  { method, path, body, ifMatch }: Request,
  limitMs: number,
  idempotencyKey?: string,
): Promise<Response> {
  try {
    const response = await fetch(`${url}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${apiKey}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...(ifMatch === undefined ? {} : { 'if-match': `"${ifMatch}"` }),
        ...(idempotencyKey === undefined ? {} : { 'idempotency-key': idempotencyKey }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(limitMs),
    });
    const text = await response.text();
    const revision = response.headers.get('varve-revision');
    return {
      status: response.status,
      json: parseJson(text),
      revision: revision === null ? undefined : Number(revision),
    };
  } catch (error) {
    return { failure: causeOf(error) };
  }
}

function improper(status: number, json: unknown): { readonly kind: 'improper'; readonly why: string } {
  return { kind: 'improper', why: `answered ${status}: ${JSON.stringify(json)?.slice(0, 300)}` };
}
