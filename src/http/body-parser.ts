/**
 * The one way in for bodies: `application/json` in UTF-8, parsed strictly. Everything else is turned away with 415.
 */
import type { FastifyInstance } from 'fastify';
import { invalidAt } from './problem.ts';
import { parseStrictJson } from './strict-json.ts';

/** Replaces Fastify's parsers. */
export function useStrictBodies(app: FastifyInstance): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, (request, body, done) => {
    try {
      checkEncoding(request.headers['content-type'], request.headers['content-encoding']);
      done(null, parseStrictJson(typeof body === 'string' ? Buffer.from(body) : body));
    } catch (error) {
      done(error instanceof Error ? error : new Error('a body could not be parsed', { cause: error }));
    }
  });
}

function checkEncoding(contentType: string | undefined, contentEncoding: string | undefined): void {
  const charset = /;\s*charset\s*=\s*"?([^";\s]*)/i.exec(contentType ?? '')?.[1];
  if (charset !== undefined && !/^utf-?8$/i.test(charset)) {
    throw invalidAt('header.Content-Type', 'JSON is UTF-8', 'unsupported_media_type');
  }
  if (contentEncoding !== undefined && contentEncoding.toLowerCase() !== 'identity') {
    throw invalidAt(
      'header.Content-Encoding',
      'bodies are taken without compression',
      'unsupported_media_type',
    );
  }
}
