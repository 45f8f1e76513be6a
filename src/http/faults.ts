/**
 * Where requests end that no route answers: thrown failures, unknown paths and methods, malformed HTTP.
 * All of them leave as problem+json. Bugs are logged with their cause; nothing of a URL or a body is.
 */
import type { Socket } from 'node:net';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { Failure } from '../failure.ts';
import { standingHeaders, varyHeader } from './answer.ts';
import { isBoardRoute } from './board.ts';
import { invalidAt, type Problem, problemContentType, problemHeaders, problemOf } from './problem.ts';
import { methodsOf, type TableEntry } from './roles.ts';

/** What of a logger is used; pino's is one. */
export interface HttpLogger {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/** Answers whatever was thrown. */
export function sendProblem(
  logger: HttpLogger,
  request: FastifyRequest,
  reply: FastifyReply,
  error: unknown,
): FastifyReply {
  const problem = problemOf(error);
  noteFault(logger, request, problem, error);
  return reply
    .code(problem.status)
    .headers({ 'content-type': problemContentType, ...faultHeaders(request, problem, error) })
    .send(JSON.stringify(problem));
}

/** Logs what is a bug, with its cause. */
export function noteFault(
  logger: HttpLogger,
  request: FastifyRequest,
  { code }: Problem,
  error: unknown,
): void {
  if (code !== 'internal' && code !== 'corrupt') return;
  const fields = { requestId: request.id, method: request.method, route: routeOf(request), err: error };
  logger.error(fields, 'a request failed');
}

/** The headers that every failure has, whatever its body. */
export function faultHeaders(
  request: FastifyRequest,
  { status }: Problem,
  error: unknown,
): Record<string, string> {
  const { caller } = request;
  return {
    'x-content-type-options': 'nosniff',
    'x-request-id': request.id,
    'cache-control': 'no-store',
    vary: varyHeader,
    ...problemHeaders(error),
    // Makes a browser ask for the key.
    ...(status === 401 && isBoardRoute(request.routeOptions.url)
      ? { 'www-authenticate': 'Basic realm="Varve jobs: an admin key as the password", charset="UTF-8"' }
      : {}),
    ...(caller === undefined ? {} : standingHeaders(caller.ledger)),
  };
}

/** The pattern of the route, never the URL: that holds keys and ids. */
export function routeOf(request: FastifyRequest): string {
  return request.is404 ? '(none)' : (request.routeOptions.url ?? '(none)');
}

/** Unknown paths are 404; known ones with another method are 405 and say which they take. */
export function answerUnrouted(app: FastifyInstance, logger: HttpLogger, table: readonly TableEntry[]): void {
  app.setNotFoundHandler((request, reply) => {
    const path = (request.raw.url ?? '').split('?', 1)[0] ?? '';
    const methods = methodsOf(table, path);
    if (methods.length === 0) {
      const failure = new Failure('not_found', 'there is nothing at this path', {
        reason: 'unknown_path',
        details: [{ path: 'path', message: 'there is nothing at this path' }],
      });
      return sendProblem(logger, request, reply, failure);
    }
    const allow = methods.join(', ');
    void reply.header('allow', allow);
    return sendProblem(
      logger,
      request,
      reply,
      invalidAt('method', `this path takes ${allow}`, 'method_not_allowed'),
    );
  });
}

/** Answers what the HTTP parser refuses, and closes the connection. */
export function answerMalformed(error: { readonly code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const problem = problemOf(malformed(error.code));
  const body = JSON.stringify(problem);
  const head = [
    `HTTP/1.1 ${problem.status} ${problem.title}`,
    `Content-Type: ${problemContentType}`,
    `Content-Length: ${Buffer.byteLength(body)}`,
    'X-Content-Type-Options: nosniff',
    'Connection: close',
  ].join('\r\n');
  socket.end(`${head}\r\n\r\n${body}`);
}

function malformed(code: string | undefined): Failure {
  switch (code) {
    case 'HPE_HEADER_OVERFLOW':
      return invalidAt(
        'header',
        'the headers and the URL together are larger than 16 KiB',
        'headers_too_large',
      );
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return invalidAt('', 'the request did not arrive in time', 'request_timeout');
    case 'HPE_INVALID_METHOD':
      return invalidAt('method', 'this is no HTTP method');
    case 'HPE_INVALID_URL':
      return invalidAt('path', 'this is no path');
    case 'HPE_INVALID_HEADER_TOKEN':
    case 'HPE_INVALID_TOKEN':
    case 'HPE_LF_EXPECTED':
      return invalidAt('header', 'a header is malformed');
    case 'HPE_INVALID_CONTENT_LENGTH':
    case 'HPE_UNEXPECTED_CONTENT_LENGTH':
      return invalidAt('header.Content-Length', 'this is not the length of a body');
    case 'HPE_INVALID_TRANSFER_ENCODING':
      return invalidAt('header.Transfer-Encoding', 'this transfer encoding is not understood');
    case 'HPE_INVALID_CHUNK_SIZE':
      return invalidAt('', 'the chunked body is malformed');
    case 'HPE_INVALID_EOF_STATE':
      return invalidAt('', 'the request ended too early');
    default:
      return invalidAt('', 'this is not well-formed HTTP/1.1');
  }
}
