/**
 * The way out of the hot path: texts of resolutions, written past Fastify's reply, which costs as much as everything
 * else here. In: a text with its tag; out: 200, or 304 for who has it already. The same headers as `sendAnswer`.
 */
import type { FastifyReply, FastifyRequest } from 'fastify';
import { formatInstant } from '../domain/instant.ts';
import { type Context, isScopeId, maxScopeIdLength } from '../domain/scope.ts';
import { ageText, type BodyText, cacheUntil, hasTag, jsonContentType, varyHeader } from './answer.ts';
import type { RawQuery } from './request-input.ts';

export interface Freshness {
  readonly revision: number;
  /** Epoch milliseconds, both. */
  readonly at: number;
  readonly validUntil: number;
  /** Milliseconds since this server heard from the log. */
  readonly ageMs: number;
}

/**
 * Answers at once; gives the status. The headers are one literal in lower case: added one by one, or spread from
 * another object, they cost 5 µs more (Node 20).
 */
export function sendText(
  request: FastifyRequest,
  reply: FastifyReply,
  body: BodyText,
  fresh: Freshness,
): number {
  const { raw } = reply;
  const { tag } = body;
  const ifNoneMatch = request.headers['if-none-match'];
  reply.hijack();
  if (ifNoneMatch !== undefined && hasTag(ifNoneMatch, tag)) {
    raw.writeHead(304, {
      'x-content-type-options': 'nosniff',
      'x-request-id': request.id,
      'cache-control': cacheUntil(fresh.validUntil, fresh.at),
      vary: varyHeader,
      'varve-revision': String(fresh.revision),
      'varve-at': instantText(fresh.at),
      'varve-age': ageText(fresh.ageMs),
      etag: tag,
    });
    raw.end();
    return 304;
  }
  raw.writeHead(200, {
    'x-content-type-options': 'nosniff',
    'x-request-id': request.id,
    'cache-control': cacheUntil(fresh.validUntil, fresh.at),
    vary: varyHeader,
    'varve-revision': String(fresh.revision),
    'varve-at': instantText(fresh.at),
    'varve-age': ageText(fresh.ageMs),
    etag: tag,
    'content-type': jsonContentType,
    'content-length': body.length,
  });
  raw.end(body.text, body.encoding);
  return 200;
}

/** What a plain query asks: a context, and keys by their text; nothing of it is checked but the ids. */
export interface PlainQuestion {
  readonly context: Context;
  readonly keys: string | undefined;
}

/** A query that asks for nothing but these; undefined when the schema has to look at it. */
export function plainQuestion(query: RawQuery, mayNameKeys: boolean): PlainQuestion | undefined {
  const context: { user?: string; tenant?: string; tier?: string } = {};
  let keys: string | undefined;
  for (const name in query) {
    const value = query[name];
    if (typeof value !== 'string') return undefined;
    if (name === 'keys' && mayNameKeys) keys = value;
    else if (!isPlainId(value)) return undefined;
    else if (name === 'user') context.user = value;
    else if (name === 'tenant') context.tenant = value;
    else if (name === 'tier') context.tier = value;
    else return undefined;
  }
  return { context, keys };
}

/** What most ids are: printable ASCII. 30 ns, where the general question takes 250 ns (Node 20). */
function isPlainId(id: string): boolean {
  for (let index = 0; index < id.length; index++) {
    const code = id.charCodeAt(index);
    if (code < 0x20 || code > 0x7e) return isScopeId(id);
  }
  return id.length > 0 && id.length <= maxScopeIdLength;
}

let lastInstant = -1;
let lastText = '';

/** Many answers are given in one millisecond; its text is made once. */
function instantText(at: number): string {
  if (at !== lastInstant) {
    lastText = formatInstant(at);
    lastInstant = at;
  }
  return lastText;
}
