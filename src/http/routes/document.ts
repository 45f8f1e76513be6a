/**
 * The OpenAPI 3.1 document, made from the schemas that check the requests, and the pages that show it.
 */
import swagger from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import type { FastifyInstance } from 'fastify';
import { createJsonSchemaTransform, createJsonSchemaTransformObject } from 'fastify-type-provider-zod';
import { etagOf, hasTag, jsonContentType } from '../answer.ts';

const apiDescription = `The event-sourced ledger for the configuration of AI models.

Every read answers with \`Varve-Revision\` (the head that it reflects), \`Varve-At\` (the effective moment) and \`Varve-Age\`:
whole seconds, written as Age of RFC 9111, since this server last heard from its log. It is 0 or 1 as a rule. It grows while
the log is away: reads are then answered from memory as of that long ago, and writes are \`unavailable\`, within 15 seconds.
Where such an answer has the reason \`outcome_unknown\` the changeset may have been recorded: ask again with the same
Idempotency-Key. With any other reason nothing was recorded.

A snapshot, a stream and every failure name the log that revisions count in: \`Varve-Log\`. Another name is another history, whatever
its revisions are: who holds what came from the one begins anew with the other.`;

/** Register before the routes: the document is gathered as they come. */
export async function useOpenApi(app: FastifyInstance, version: string): Promise<void> {
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Varve',
        version,
        description: apiDescription,
        license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
      },
      components: {
        securitySchemes: {
          apiKey: { type: 'http', scheme: 'bearer', description: 'varve_<role>_<id>_<secret>' },
        },
      },
    },
    transform: createJsonSchemaTransform({ skipList: [] }),
    transformObject: createJsonSchemaTransformObject({}),
  });
  await app.register(swaggerUi, { routePrefix: '/docs', staticCSP: true });
}

/** GET /openapi.json. */
export function addDocumentRoute(app: FastifyInstance): void {
  let text: string | undefined;
  app.route({
    method: 'GET',
    url: '/openapi.json',
    config: { access: 'open' },
    schema: { hide: true },
    handler: (request, reply) => {
      text ??= JSON.stringify(app.swagger());
      const tag = etagOf(text);
      const headers = { 'x-content-type-options': 'nosniff', 'cache-control': 'no-cache', etag: tag };
      if (hasTag(request.headers['if-none-match'], tag)) return reply.code(304).headers(headers).send();
      return reply.headers({ ...headers, 'content-type': jsonContentType }).send(text);
    },
  });
}
