/**
 * From a checked call to a changeset: who acts, why, through which door, once or again.
 * In: the call, its changes and reason; out: the answer of the writer as HTTP. Decides nothing about the changes.
 */
import { hash } from 'node:crypto';
import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import { canonicalJson } from '../domain/canonical-json.ts';
import type { AnyChange } from '../domain/change.ts';
import type { Actor, Source } from '../domain/event.ts';
import { eventAnswer } from '../domain/event-answer.ts';
import { isPrintable } from '../domain/scope.ts';
import { Failure, type FailureDetail } from '../failure.ts';
import type { ChangesetRequest, ChangesetResult } from '../ledger/changeset.ts';
import type { LiveLedger } from '../ledger/live-ledger.ts';
import type { Answer } from './answer.ts';
import type { Caller } from './authentication.ts';
import type { Principal } from './dependencies.ts';
import { invalidAt } from './problem.ts';
import type { RawQuery } from './request-input.ts';

export interface Wish {
  readonly changes: readonly AnyChange[];
  readonly reason: string;
  readonly expectedRevision?: number;
  /** Of a preview that must still hold. */
  readonly fingerprint?: string;
  /** The subject that If-Match is about. */
  readonly subject?: string;
  /** Where a change's fields stand in this request, if not in the body under `changes.0`. */
  readonly places?: Readonly<Record<string, string>>;
}

type WriteCall = Caller & { readonly request: FastifyRequest };

/** Headers that writes understand, for the document. */
export const writeHeaders = z.object({
  'idempotency-key': z
    .string()
    .meta({ description: '1–200 printable characters: the same request again answers the first result' })
    .optional(),
  'if-match': z
    .string()
    .meta({ description: 'The subject\'s version in quotes: "3"; 0 when it must not be there' })
    .optional(),
  'varve-actor': z.string().meta({ description: 'The person for whom a trusted key acts' }).optional(),
  'varve-source': z.enum(['api', 'console', 'cli', 'import']).optional(),
});

const sources = ['api', 'console', 'cli', 'import'] as const satisfies readonly Source[];

/** Appends the changes of a wish. */
export async function write(call: WriteCall, wish: Wish, ledger: LiveLedger = call.ledger): Promise<Answer> {
  const result = await inPlace(wish, () => ledger.submit(changesetRequest(call, wish)));
  return changesetAnswer(result);
}

/** Says in a refusal where in this request the fault stands. */
export async function inPlace<T>(wish: Pick<Wish, 'places'>, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (wish.places === undefined || !(error instanceof Failure) || error.details.length === 0) throw error;
    const places = wish.places;
    throw new Failure(error.code, error.message, {
      ...(error.reason === undefined ? {} : { reason: error.reason }),
      ...(error.retryAfterSeconds === undefined ? {} : { retryAfterSeconds: error.retryAfterSeconds }),
      details: error.details.map((detail) => placed(detail, places)),
      cause: error,
    });
  }
}

function placed({ path, message }: FailureDetail, places: Readonly<Record<string, string>>): FailureDetail {
  const field = path.replace(/^changes\.\d+\.?/, '');
  return { path: places[field] ?? field, message };
}

export function changesetAnswer(result: ChangesetResult): Answer {
  const { changesetId, events, warnings, revision, replayed } = result;
  const headers: Record<string, string> = replayed ? { 'idempotent-replayed': 'true' } : {};
  const first = events[0];
  const last = events.at(-1);
  if (changesetId === null || first === undefined || last === undefined) {
    return { status: 200, body: { changesetId: null, events: [], warnings }, revision, headers };
  }
  const revisions = { first: first.revision, last: last.revision };
  return {
    status: 201,
    body: { changesetId, revisions, events: events.map(eventAnswer), warnings },
    revision,
    headers,
  };
}

/** The request to the writer. Failures: invalid and forbidden, naming the header. */
export function changesetRequest(call: WriteCall, wish: Wish): ChangesetRequest {
  return { ...writeMeta(call, wish), changes: wish.changes };
}

/** Everything of a request to the writer but the changes. */
export function writeMeta(
  { principal, request }: WriteCall,
  wish: Omit<Wish, 'changes'>,
): Omit<ChangesetRequest, 'changes'> {
  refuseRepeated(request.raw.rawHeaders);
  const { headers } = request;
  const version = versionOf(single(headers['if-match']));
  if (version !== undefined && wish.subject === undefined) {
    throw invalidAt('header.If-Match', 'this request is about no single subject; use expectedRevision');
  }
  const key = idempotencyKeyOf(single(headers['idempotency-key']));
  return {
    actor: actorOf(principal, single(headers['varve-actor'])),
    source: sourceOf(principal, single(headers['varve-source'])),
    reason: wish.reason,
    requestId: request.id,
    ...(wish.expectedRevision === undefined ? {} : { expectedRevision: wish.expectedRevision }),
    ...(wish.fingerprint === undefined ? {} : { fingerprint: wish.fingerprint }),
    ...(version === undefined || wish.subject === undefined
      ? {}
      : { expectedVersion: { subject: wish.subject, version } }),
    ...(key === undefined ? {} : { idempotency: { key, bodyHash: bodyHashOf(request) } }),
  };
}

/**
 * The same request has the same hash: method, path, query, body and the headers that change what it means. Whether somebody
 * waits for consumers changes nothing about what is written.
 */
function bodyHashOf(request: FastifyRequest): string {
  const { method, body = null, headers } = request;
  const { waitFor: _, waitMs: __, ...query } = request.query as RawQuery;
  const path = (request.raw.url ?? '').split('?', 1)[0] ?? '';
  const meaning = { ifMatch: headers['if-match'] ?? null, source: headers['varve-source'] ?? 'api' };
  return hash('sha256', canonicalJson({ method, path, query, body, meaning }), 'hex');
}

/** The hash of a changeset's body as if it had come to POST /v1/changesets by itself, from an import. */
export function importedBodyHash(body: unknown): string {
  const request = { method: 'POST', path: '/v1/changesets', query: {}, body };
  return hash('sha256', canonicalJson({ ...request, meaning: { ifMatch: null, source: 'import' } }), 'hex');
}

const onceHeaders = new Set(['idempotency-key', 'if-match', 'varve-actor', 'varve-source', 'varve-ledger']);

/** Node joins repeated headers with commas: two keys must not become a third. */
function refuseRepeated(rawHeaders: readonly string[]): void {
  const seen = new Set<string>();
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index] ?? '';
    const lower = name.toLowerCase();
    if (!onceHeaders.has(lower)) continue;
    if (seen.has(lower)) throw invalidAt(`header.${name}`, 'this header stands here more than once');
    seen.add(lower);
  }
}

function actorOf(principal: Principal, person: string | undefined): Actor {
  if (person === undefined) return { id: principal.name, kind: 'api_key' };
  if (!principal.trusted) {
    throw new Failure('forbidden', 'only a trusted API key may name the person it acts for', {
      reason: 'not_trusted',
      details: [{ path: 'header.Varve-Actor', message: 'this API key is not trusted' }],
    });
  }
  const id = Buffer.from(person, 'latin1').toString('utf8');
  if (id.includes('\ufffd') || !isPrintable(id) || id.trim() === '' || id.length > 200) {
    throw invalidAt('header.Varve-Actor', '1 to 200 printable characters in UTF-8');
  }
  return { id, kind: 'person', via: principal.name };
}

function sourceOf(principal: Principal, text: string | undefined): Source {
  const source = sources.find((known) => known === (text ?? 'api'));
  if (source === undefined) throw invalidAt('header.Varve-Source', `one of ${sources.join(', ')}`);
  if (source === 'import' && principal.role !== 'admin') {
    throw new Failure('forbidden', 'only an admin may import', {
      reason: 'wrong_role',
      details: [{ path: 'header.Varve-Source', message: 'import takes an admin key' }],
    });
  }
  return source;
}

function versionOf(ifMatch: string | undefined): number | undefined {
  if (ifMatch === undefined) return undefined;
  const version = /^"(0|[1-9]\d{0,14})"$/.exec(ifMatch)?.[1];
  if (version === undefined) {
    throw invalidAt(
      'header.If-Match',
      'the version of the subject in quotes, like "3" (every answer tells it)',
    );
  }
  return Number(version);
}

function idempotencyKeyOf(key: string | undefined): string | undefined {
  if (key === undefined) return undefined;
  if (!/^[\x20-\x7e]{1,200}$/.test(key)) {
    throw invalidAt('header.Idempotency-Key', '1 to 200 printable ASCII characters');
  }
  return key;
}

function single(header: string | string[] | undefined): string | undefined {
  return Array.isArray(header) ? header.join(', ') : header;
}
