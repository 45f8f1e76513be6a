/**
 * The yardstick over HTTP: Fastify with one route and nothing else. `get` answers a ready text at every path; `post`
 * checks the body with the very schema that POST /v1/changesets uses, and then answers a ready text.
 * Called as: bare-server.ts get|post <file with the answer>
 */
import { readFileSync } from 'node:fs';
import { fastify } from 'fastify';
import { changesetSchema } from '../../src/http/routes/changesets.ts';

const [kind, file = ''] = process.argv.slice(2);
const answer = readFileSync(file, 'utf8');
const contentType = 'application/json; charset=utf-8';

const app = fastify({ logger: false });
if (kind === 'get') {
  app.get('/*', (_request, reply) => reply.header('content-type', contentType).send(answer));
} else {
  app.post('/*', (request, reply) => {
    changesetSchema.parse(request.body);
    return reply.code(201).header('content-type', contentType).send(answer);
  });
}
process.once('SIGTERM', () => {
  app.server.closeAllConnections();
  void app.close();
});
console.log(`it is ready at ${await app.listen({ host: '127.0.0.1', port: 0 })}`);
