/**
 * The closed list of ways in which Varve fails on purpose.
 * Every layer throws `Failure`; http/ turns it into problem+json (failure-status.ts) and the SDK throws it again.
 * Anything else that is thrown is a bug: it is logged with its cause and shown as "internal error".
 */

/** Why a request did not succeed; each code has exactly one HTTP status (failure-status.ts). */
export type FailureCode =
  | 'invalid'
  | 'unauthenticated'
  | 'forbidden'
  | 'not_found'
  | 'conflict'
  | 'refused'
  | 'limited'
  | 'corrupt'
  | 'unavailable';

/** One place of a request and what is wrong there; `path` is dotted, `changes.3.key`, empty for the whole. */
export interface FailureDetail {
  readonly path: string;
  readonly message: string;
}

export interface FailureOptions {
  /** A stable snake_case word for programs: which rule it was. */
  readonly reason?: string;
  readonly details?: readonly FailureDetail[];
  /** Seconds after which trying again makes sense; becomes `Retry-After`. */
  readonly retryAfterSeconds?: number;
  readonly cause?: unknown;
}

/** An expected failure: a sentence for people, a code and a reason for programs. */
export class Failure extends Error {
  readonly code: FailureCode;
  readonly reason: string | undefined;
  readonly details: readonly FailureDetail[];
  readonly retryAfterSeconds: number | undefined;

  constructor(code: FailureCode, message: string, options: FailureOptions = {}) {
    super(message, { cause: options.cause });
    this.name = 'Failure';
    this.code = code;
    this.reason = options.reason;
    this.details = options.details ?? [];
    this.retryAfterSeconds = options.retryAfterSeconds;
  }
}
