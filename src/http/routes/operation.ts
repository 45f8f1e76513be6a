/**
 * What operators and their machines ask: is it alive, can it serve, how is it doing.
 * /metrics names keys and actors in its labels, so it takes an API key, unless the asker sits on this machine and
 * no proxy stands in between.
 */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { Failure } from '../../failure.ts';
import { sendAnswer } from '../answer.ts';
import { authenticate } from '../authentication.ts';
import type { HttpDependencies } from '../dependencies.ts';
import { anyRole } from '../roles.ts';

const healthSchema = z.strictObject({ status: z.string() });

const readySchema = z
  .strictObject({
    status: z.literal('ready'),
    ageSeconds: z.number().meta({ description: 'Seconds since this server last heard from its log' }),
    sick: z.array(z.string()).meta({ description: 'What does not work just now; empty when all is well' }),
  })
  .meta({ id: 'Readiness' });

export function addOperationRoutes(app: FastifyInstance, dependencies: HttpDependencies): void {
  app.route({
    method: 'GET',
    url: '/healthz',
    config: { access: 'open' },
    schema: { summary: 'Whether the process is alive', tags: ['Operation'], response: { 200: healthSchema } },
    handler: (request, reply) =>
      sendAnswer(request, reply, { body: { status: 'alive' }, cacheControl: 'no-store' }),
  });
  app.route({
    method: 'GET',
    url: '/readyz',
    config: { access: 'open' },
    schema: {
      summary:
        'Whether it can serve: also while the database is away, from memory; it tells how old that is and what is sick. 503 only when it cannot serve at all',
      tags: ['Operation'],
      response: { 200: readySchema },
    },
    handler: (request, reply) => {
      const {
        ready,
        reason = 'this server cannot serve at the moment',
        ageMs = 0,
        sick = [],
      } = dependencies.readiness();
      if (!ready) throw new Failure('unavailable', reason, { reason: 'not_ready' });
      const body = { status: 'ready', ageSeconds: ageMs / 1000, sick };
      return sendAnswer(request, reply, { body, cacheControl: 'no-store' });
    },
  });
  app.route({
    method: 'GET',
    url: '/metrics',
    config: { access: 'open' },
    schema: {
      summary: 'Prometheus metrics; an API key of any role, none from the machine itself',
      tags: ['Operation'],
      response: { 200: { content: { 'text/plain': { schema: z.string() } } } },
    },
    handler: async (request, reply) => {
      if (!isFromThisMachine(request)) await authenticate(dependencies, request.headers, anyRole);
      const { contentType, body } = await dependencies.metrics.text();
      const headers = {
        'content-type': contentType,
        'x-content-type-options': 'nosniff',
        'cache-control': 'no-store',
      };
      return reply.headers(headers).send(body);
    },
  });
}

const loopback = /^(?:::1|(?:::ffff:)?127\.\d+\.\d+\.\d+)$/;

/** A proxy on this machine speaks for others: it says so in a header. */
function isFromThisMachine({ raw }: FastifyRequest): boolean {
  const { headers, socket } = raw;
  const isForwarded =
    headers.forwarded !== undefined || headers['x-forwarded-for'] !== undefined || headers.via !== undefined;
  return !isForwarded && loopback.test(socket.remoteAddress ?? '');
}
