/**
 * Failures as OFREP tells them: `{ key, errorCode, errorDetails }` with the status that Varve has for it anyway. What no route
 * of OFREP answers (unknown paths, malformed HTTP) stays problem+json.
 */
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Failure } from '../../failure.ts';
import { jsonContentType } from '../answer.ts';
import { faultHeaders, type HttpLogger, noteFault } from '../faults.ts';
import { problemOf } from '../problem.ts';

/** Of OpenFeature's error codes those that a server tells. */
export const ofrepErrorCodes = ['FLAG_NOT_FOUND', 'INVALID_CONTEXT', 'PARSE_ERROR', 'GENERAL'] as const;
export type OfrepErrorCode = (typeof ofrepErrorCodes)[number];

/** A key that the sender made up is cut, so that the answer stays small. */
const maxKeyTold = 200;

/** Answers whatever was thrown. */
export function sendOfrepFailure(
  logger: HttpLogger,
  request: FastifyRequest,
  reply: FastifyReply,
  error: unknown,
): FastifyReply {
  const problem = problemOf(error);
  noteFault(logger, request, problem, error);
  const key = keyOf(request.params);
  const body = {
    ...(key === undefined ? {} : { key: key.slice(0, maxKeyTold).toWellFormed() }),
    errorCode: errorCodeOf(error),
    errorDetails: problem.detail,
  };
  return reply
    .code(problem.status)
    .headers({ 'content-type': jsonContentType, ...faultHeaders(request, problem, error) })
    .send(JSON.stringify(body));
}

function errorCodeOf(error: unknown): OfrepErrorCode {
  if (!(error instanceof Failure)) {
    // Fastify's refusals of bodies; whatever else was thrown is a bug.
    return problemOf(error).code === 'invalid' ? 'PARSE_ERROR' : 'GENERAL';
  }
  const { code, reason, details } = error;
  if (code === 'not_found' && reason === 'unknown_key') return 'FLAG_NOT_FOUND';
  if (code !== 'invalid') return 'GENERAL';
  const path = details[0]?.path ?? '';
  // `keys`: more of them than one answer holds.
  if (/^(?:query|path|header|keys)\b/.test(path))
    return path.startsWith('header.Content') ? 'PARSE_ERROR' : 'GENERAL';
  // Well-formed JSON whose context is none; strict JSON has other reasons.
  return reason === 'malformed' && /^context(?:\.|$)/.test(path) ? 'INVALID_CONTEXT' : 'PARSE_ERROR';
}

function keyOf(params: unknown): string | undefined {
  if (typeof params !== 'object' || params === null || !('key' in params)) return undefined;
  return typeof params.key === 'string' ? params.key : undefined;
}
