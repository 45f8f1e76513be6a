/**
 * Problems: every failure as `application/problem+json` (RFC 9457).
 * In: whatever was thrown; out: status, headers and body. What is no expected failure is a bug: its message and
 * cause go to the log and never to the client.
 */
import { Failure, type FailureCode, type FailureDetail } from '../failure.ts';
import { statusOf, titleOfCode } from '../failure-status.ts';

export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly code: FailureCode | 'internal';
  readonly reason?: string;
  readonly detail: string;
  readonly errors?: readonly FailureDetail[];
}

export const problemContentType = 'application/problem+json; charset=utf-8';

/** The most places that one problem names. */
const maxErrors = 50;

/** What a client is told about something that was thrown. */
export function problemOf(error: unknown): Problem {
  const failure = error instanceof Failure ? error : frameworkFailure(error);
  if (failure === undefined) {
    return {
      type: 'urn:varve:problem:internal',
      title: 'Internal error',
      status: 500,
      code: 'internal',
      detail: 'internal error',
    };
  }
  const { code, reason, details } = failure;
  return {
    type: `urn:varve:problem:${code}`,
    title: titleOfCode[code],
    status: statusOf(failure),
    code,
    ...(reason === undefined ? {} : { reason }),
    detail: failure.message,
    ...(details.length === 0 ? {} : { errors: details.slice(0, maxErrors) }),
  };
}

/** Headers that go with a failure. */
export function problemHeaders(error: unknown): Record<string, string> {
  if (!(error instanceof Failure)) return {};
  const headers: Record<string, string> = {};
  if (error.code === 'unauthenticated') headers['www-authenticate'] = 'Bearer realm="varve"';
  const retryAfter = error.retryAfterSeconds ?? (error.code === 'unavailable' ? 1 : undefined);
  if (retryAfter !== undefined) headers['retry-after'] = String(Math.max(1, Math.ceil(retryAfter)));
  return headers;
}

/** An `invalid` failure about one place of the request. */
export function invalidAt(path: string, message: string, reason = 'malformed'): Failure {
  return new Failure('invalid', path === '' ? message : `${path}: ${message}`, {
    reason,
    details: [{ path, message }],
  });
}

/** Fastify's own refusals, recognised by code; undefined for everything that is a bug. */
function frameworkFailure(error: unknown): Failure | undefined {
  switch (codeOf(error)) {
    case 'FST_ERR_CTP_BODY_TOO_LARGE':
      return invalidAt('', 'the body is larger than this server takes', 'body_too_large');
    case 'FST_ERR_CTP_INVALID_MEDIA_TYPE':
      return invalidAt('header.Content-Type', 'a body is application/json', 'unsupported_media_type');
    case 'FST_ERR_CTP_EMPTY_JSON_BODY':
      return invalidAt('', 'the body is empty, JSON was expected', 'empty_body');
    case 'FST_ERR_CTP_INVALID_CONTENT_LENGTH':
      return invalidAt('header.Content-Length', 'the body has another length');
    case 'FST_ERR_BAD_URL':
      return invalidAt('path', 'the path is not percent-encoded UTF-8');
    case 'FST_ERR_MAX_PARAM_LENGTH':
      return invalidAt('path', 'a part of the path is too long');
    default:
      return undefined;
  }
}

function codeOf(error: unknown): unknown {
  return typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
}
