/**
 * GET /v1/resolve/{key}: the hot path. Asked plainly (no clocks), it is answered in one synchronous go from memory
 * to the socket; everything else takes the way of the other reads. Both give the same bytes (a test compares them).
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { resolve } from '../../domain/resolve.ts';
import type { Context } from '../../domain/scope.ts';
import { type Answer, cacheUntil, sendAnswer } from '../answer.ts';
import { type ClockQuestion, presentOf } from '../clocks.ts';
import type { HttpDependencies } from '../dependencies.ts';
import { plainQuestion, sendText } from '../hot-answer.ts';
import { clockQuery, contextQuery, keyParams } from '../query-schemas.ts';
import { receiptPart, receiptQuery, receiptSchema } from '../receipt-answer.ts';
import type { RawQuery } from '../request-input.ts';
import { resolutionAnswer, resolutionSchema } from '../resolution-answer.ts';
import { textOf } from '../resolution-texts.ts';
import { unknownKey, withState } from '../resolve-call.ts';
import { anyRole } from '../roles.ts';
import { callerOf, callOf, documentOf, none } from '../route.ts';

const url = '/v1/resolve/:key';

const description = {
  method: 'GET',
  url,
  access: anyRole,
  tag: 'Resolve',
  summary: 'The value of a key for a user, tenant and tier',
  params: keyParams,
  query: z.strictObject({ ...contextQuery, ...clockQuery, ...receiptQuery }),
  body: none,
  answers: { 200: resolutionSchema.extend({ receipt: receiptSchema.optional() }).meta({ id: 'Resolved' }) },
} as const;

interface HotRoute {
  Params: { key: string };
  Querystring: RawQuery;
}

export function addResolveKeyRoute(app: FastifyInstance, dependencies: HttpDependencies): void {
  const { metrics } = dependencies;
  app.route<HotRoute>({
    method: 'GET',
    url,
    config: { access: anyRole },
    schema: documentOf(description, description.answers),
    handler: (request, reply) => {
      const startedAt = dependencies.elapsed();
      const { ledger } = callerOf(request);
      const { state } = ledger;
      const at = presentOf(state, dependencies.now());
      const plain = plainQuestion(request.query, false);
      const resolution = plain && resolve(state, request.params.key, plain.context, at);
      if (resolution === undefined) return resolveWithClocks(dependencies, request, reply);
      const fresh = {
        revision: state.revision,
        at,
        validUntil: resolution.validUntil,
        ageMs: ledger.ageMs(),
      };
      const status = sendText(request, reply, textOf(resolution), fresh);
      metrics.resolvedFromMemory(1);
      metrics.request('GET', url, status, (dependencies.elapsed() - startedAt) / 1000);
      return undefined;
    },
  });
}

async function resolveWithClocks(
  dependencies: HttpDependencies,
  request: FastifyRequest<HotRoute>,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const { metrics } = dependencies;
  const startedAt = dependencies.elapsed();
  const call = callOf(request, description);
  const { key } = call.params;
  const context = contextOf(call.query);
  const answer = await withState(
    dependencies,
    call,
    call.query,
    { keys: [key], contexts: [context] },
    (state, reading): Answer => {
      const resolution = resolve(state, key, context, reading.at);
      if (resolution === undefined) throw unknownKey(key, 'path.key');
      if (reading.isLive) metrics.resolvedFromMemory(1);
      const answered = { ledger: call.ledger.name, context, resolutions: [resolution], place: 'path.key' };
      return {
        body: { ...resolutionAnswer(resolution), ...receiptPart(call.query.receipt, answered, reading) },
        revision: reading.asOf,
        at: reading.at,
        cacheControl: cacheFor(call.query, resolution.validUntil, reading.at),
      };
    },
  );
  metrics.request('GET', url, 200, (dependencies.elapsed() - startedAt) / 1000);
  return sendAnswer(request, reply, answer);
}

/** An answer about a fixed moment does not change by itself; one about now does at `validUntil`. */
export function cacheFor({ asOf, at }: ClockQuestion, validUntil: number, now: number): string {
  return cacheUntil(asOf === undefined && at === undefined ? validUntil : Number.POSITIVE_INFINITY, now);
}

/** The context of a checked query. */
export function contextOf({ user, tenant, tier }: Context): Context {
  return {
    ...(user === undefined ? {} : { user }),
    ...(tenant === undefined ? {} : { tenant }),
    ...(tier === undefined ? {} : { tier }),
  };
}
