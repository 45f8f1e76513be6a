/**
 * Failure codes to HTTP statuses and back: the server answers by one direction, the SDK understands by the other.
 * Pure and free of Node, so that clients share it. It never invents a code.
 */
import type { FailureCode } from './failure.ts';

/** The status of each code. */
export const statusOfCode = {
  invalid: 400,
  unauthenticated: 401,
  forbidden: 403,
  not_found: 404,
  conflict: 409,
  refused: 422,
  limited: 429,
  corrupt: 500,
  unavailable: 503,
} as const satisfies Record<FailureCode, number>;

/** Reasons for which HTTP has a status of its own; their code is `invalid`. */
export const statusOfReason = {
  method_not_allowed: 405,
  request_timeout: 408,
  body_too_large: 413,
  unsupported_media_type: 415,
  unmet_expectation: 417,
  headers_too_large: 431,
} as const;

/** A short title of each code, the same for every occurrence (RFC 9457, 3.1.3). */
export const titleOfCode = {
  invalid: 'The request is not well-formed',
  unauthenticated: 'An API key is needed',
  forbidden: 'This API key may not do that',
  not_found: 'There is no such thing',
  conflict: 'Something has moved in between',
  refused: 'The rules forbid this change',
  limited: 'Too much at once',
  corrupt: 'Stored data contradicts itself',
  unavailable: 'Not available at the moment',
} as const satisfies Record<FailureCode, string>;

/** The HTTP status of a failure. */
export function statusOf(failure: {
  readonly code: FailureCode;
  readonly reason?: string | undefined;
}): number {
  const { code, reason } = failure;
  if (code === 'invalid' && reason !== undefined && isReasonWithStatus(reason)) return statusOfReason[reason];
  return statusOfCode[code];
}

/** The code that a status stands for; of a status that Varve never answers, the nearest. Below 400 it is a bug. */
export function codeOfStatus(status: number): FailureCode {
  for (const code of failureCodes) if (statusOfCode[code] === status) return code;
  if (status === 502 || status === 504) return 'unavailable';
  return status >= 500 ? 'corrupt' : 'invalid';
}

/** Whether a text is one of the codes. */
export function isFailureCode(text: string): text is FailureCode {
  return Object.hasOwn(statusOfCode, text);
}

/** Every code, in the order of their statuses. */
export const failureCodes: readonly FailureCode[] = Object.keys(statusOfCode).filter(isFailureCode);

function isReasonWithStatus(reason: string): reason is keyof typeof statusOfReason {
  return Object.hasOwn(statusOfReason, reason);
}
