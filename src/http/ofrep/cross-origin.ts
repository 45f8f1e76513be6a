/**
 * Requests of browsers from other origins (CORS), for the routes of OFREP alone. Every origin may ask: there are no cookies, and
 * what opens anything is the API key, which a page sends because it was given it.
 */
import type { FastifyInstance } from 'fastify';

/** For every answer, failures included: a browser tells a page nothing of one that has none. */
export const everyOrigin = {
  'access-control-allow-origin': '*',
  'access-control-expose-headers': 'ETag, Retry-After, Varve-Revision, Varve-At, Varve-Age, X-Request-Id',
};

/** `*` does not mean Authorization (Fetch standard, "CORS-preflight fetch"). */
const preflight = {
  'access-control-allow-methods': 'POST',
  'access-control-allow-headers': 'Authorization, *',
  'access-control-max-age': '7200',
  'x-content-type-options': 'nosniff',
};

/** Adds the headers to all routes of `app`, and the answers to what browsers ask before a POST. */
export function allowEveryOrigin(app: FastifyInstance, urls: readonly string[]): void {
  app.addHook('onRequest', (_request, reply, done) => {
    void reply.headers(everyOrigin);
    done();
  });
  for (const url of urls) {
    app.route({
      method: 'OPTIONS',
      url,
      config: { access: 'open' },
      schema: { summary: 'What a browser asks before it sends a request', tags: ['OFREP'] },
      handler: (_request, reply) => reply.code(204).headers(preflight).send(),
    });
  }
}
