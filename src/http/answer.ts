/**
 * Answers on their way out: JSON text, the headers that every answer has, ETag and 304.
 * In: what a route says; out: one write to the reply. The ETag is made of the body alone.
 */
import { hash } from 'node:crypto';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { formatInstant } from '../domain/instant.ts';
import type { LiveLedger } from '../ledger/live-ledger.ts';

export interface Answer {
  /** 200 when it is left out. */
  readonly status?: number;
  /** Becomes JSON; absent for 204. */
  readonly body?: unknown;
  /** The body as JSON, where it is text already. */
  readonly text?: string;
  /** An entity tag for what is asked by POST and may be answered with 304; a GET has one of its body. */
  readonly tag?: string;
  /** The head that the answer reflects; absent where no ledger is involved. */
  readonly revision?: number;
  /** The effective moment of a read, epoch milliseconds. */
  readonly at?: number;
  readonly cacheControl?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** A body that is ready to go. */
export interface BodyText {
  readonly text: string;
  readonly tag: string;
  /** Bytes in UTF-8, as a header says it. */
  readonly length: string;
  /** ASCII goes out as Latin-1, which Node copies byte by byte. */
  readonly encoding: 'latin1' | 'utf8';
}

export const jsonContentType = 'application/json; charset=utf-8';

/** Answers may differ by who asks and of which ledger. */
export const varyHeader = 'Authorization, Varve-Ledger';

/** Writes an answer; a GET whose body the client has already is a 304 without one. */
export function sendAnswer(request: FastifyRequest, reply: FastifyReply, answer: Answer): FastifyReply {
  const isRead = request.method === 'GET' || request.method === 'HEAD';
  const headers = answerHeaders(request.id, answer, isRead);
  // What tells a moment is a read, by whichever method.
  if (answer.at !== undefined && request.caller !== undefined) {
    headers['varve-age'] = ageText(request.caller.ledger.ageMs());
  }
  const { body, status = 200 } = answer;
  const text = answer.text ?? (body === undefined ? undefined : JSON.stringify(body));
  if (text === undefined) return reply.code(status).headers(headers).send();
  const tag = isRead && status === 200 ? etagOf(text) : answer.tag;
  if (tag !== undefined) {
    headers['etag'] = tag;
    if (hasTag(request.headers['if-none-match'], tag)) return reply.code(304).headers(headers).send();
  }
  headers['content-type'] = jsonContentType;
  return reply.code(status).headers(headers).send(text);
}

function answerHeaders(requestId: string, answer: Answer, isRead: boolean): Record<string, string> {
  const { revision, at, cacheControl = isRead ? 'private, no-cache' : 'no-store' } = answer;
  return {
    'x-content-type-options': 'nosniff',
    'x-request-id': requestId,
    'cache-control': cacheControl,
    vary: varyHeader,
    ...(revision === undefined ? {} : { 'varve-revision': String(revision) }),
    ...(at === undefined ? {} : { 'varve-at': formatInstant(at) }),
    ...answer.headers,
  };
}

/** How the ledger stands that an answer is about: the name of its log, its head, and how long ago its log was heard of. */
export function standingHeaders(ledger: LiveLedger): Record<string, string> {
  return {
    'varve-log': ledger.logId,
    'varve-revision': String(ledger.state.revision),
    'varve-age': ageText(ledger.ageMs()),
  };
}

/**
 * Varve-Age: whole seconds, as RFC 9111 writes Age, since this server last heard from its log. Anything but 0 or 1 means that
 * the log is away, and that others may know more by now.
 */
export function ageText(ageMs: number): string {
  return ageMs < 1_000 ? '0' : String(Math.floor(ageMs / 1_000));
}

/**
 * A strong entity tag of a body. SHA-1 in one go takes 0.4 µs for 250 bytes; two 32-bit FNV hashes in JavaScript
 * take 0.7 µs (Node 20). It protects nothing, it only has to differ.
 */
export function etagOf(body: string): string {
  return `"${hash('sha1', body, 'base64url')}"`;
}

/** A text with what its headers say about it. */
export function bodyText(text: string): BodyText {
  const bytes = Buffer.byteLength(text);
  return {
    text,
    tag: etagOf(text),
    length: String(bytes),
    encoding: bytes === text.length ? 'latin1' : 'utf8',
  };
}

/** Whether If-None-Match names the tag; compared weakly (RFC 9110, 13.1.2). */
export function hasTag(ifNoneMatch: string | undefined, tag: string): boolean {
  if (ifNoneMatch === undefined) return false;
  if (ifNoneMatch === tag || ifNoneMatch.trim() === '*') return true;
  const strong = withoutWeakness(tag);
  return ifNoneMatch.split(',').some((candidate) => withoutWeakness(candidate.trim()) === strong);
}

function withoutWeakness(tag: string): string {
  return tag.startsWith('W/') ? tag.slice(2) : tag;
}

/** How long an answer of resolution may be kept: until it changes by itself, at most 60 s. */
export function cacheUntil(validUntil: number, now: number): string {
  if (validUntil - now >= 60_000) return 'private, max-age=60';
  const seconds = Math.floor((validUntil - now) / 1000);
  return seconds > 0 ? `private, max-age=${seconds}` : 'private, no-cache';
}
