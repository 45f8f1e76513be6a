/**
 * GET and POST /v1/resolve: many keys for one context, or for many.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { forever } from '../../domain/assertion.ts';
import { keySchema, scopeIdSchema } from '../../domain/change.ts';
import type { LiveState } from '../../domain/live-state.ts';
import { resolve } from '../../domain/resolve.ts';
import type { Context } from '../../domain/scope.ts';
import { type Answer, bodyText, sendAnswer } from '../answer.ts';
import { presentOf, type Reading } from '../clocks.ts';
import type { HttpDependencies } from '../dependencies.ts';
import { plainQuestion, sendText } from '../hot-answer.ts';
import { clockQuery, contextQuery, keysQuery, maxKeysAsked } from '../query-schemas.ts';
import { receiptPart, receiptQuery, receiptSchema } from '../receipt-answer.ts';
import type { RawQuery } from '../request-input.ts';
import { valueAnswer, valueShape, valuesSchema } from '../resolution-answer.ts';
import { memberOf } from '../resolution-texts.ts';
import { keyList, keysOf, resolveKeys, withState } from '../resolve-call.ts';
import { anyRole } from '../roles.ts';
import { addRoute, callerOf, callOf, documentOf, none } from '../route.ts';
import { cacheFor, contextOf } from './resolve-key.ts';

const maxContexts = 1_000;

const contextSchema = z.strictObject({
  user: scopeIdSchema.exactOptional(),
  tenant: scopeIdSchema.exactOptional(),
  tier: scopeIdSchema.exactOptional(),
});

const resultsSchema = z
  .strictObject({
    revision: z.number().int(),
    results: z.array(
      z.strictObject({
        values: z.record(z.string(), z.strictObject(valueShape)),
        receipt: receiptSchema.optional(),
      }),
    ),
  })
  .meta({ id: 'Results', description: 'One result a context, in the order of the contexts' });

const description = {
  method: 'GET',
  url: '/v1/resolve',
  access: anyRole,
  tag: 'Resolve',
  summary: 'The values of several keys (all when none is named) for a user, tenant and tier',
  params: none,
  query: z.strictObject({ ...contextQuery, ...keysQuery, ...clockQuery, ...receiptQuery }),
  body: none,
  answers: { 200: valuesSchema },
} as const;

export function addResolveRoutes(app: FastifyInstance, dependencies: HttpDependencies): void {
  app.route<{ Querystring: RawQuery }>({
    method: 'GET',
    url: description.url,
    config: { access: description.access },
    schema: documentOf(description, description.answers),
    handler: (request, reply) => {
      if (isAnsweredPlainly(dependencies, request, reply)) return undefined;
      const call = callOf(request, description);
      const context = contextOf(call.query);
      const asked = askedOf(call.query.keys, [context]);
      const answer = withState(dependencies, call, call.query, asked, (state, reading): Answer => {
        const keys = keysOf(state, asked);
        const { resolutions, ...said } = valuesOf(dependencies, state, reading, keys, context, 'query.keys');
        const answered = { ledger: call.ledger.name, context, resolutions, place: 'query.keys' };
        const cacheControl = cacheFor(call.query, said.validUntil, reading.at);
        return {
          body: {
            revision: reading.asOf,
            values: said.values,
            ...receiptPart(call.query.receipt, answered, reading),
          },
          revision: reading.asOf,
          at: reading.at,
          cacheControl,
        };
      });
      if (!(answer instanceof Promise)) return sendAnswer(request, reply, answer);
      return answer.then((settled) => sendAnswer(request, reply, settled));
    },
  });
  addBatchRoute(app, dependencies);
}

/**
 * Answers a question that names no clock from memory, putting its text together from pieces; false when the long
 * way has to be taken. Both give the same bytes (a test compares them).
 */
function isAnsweredPlainly(
  dependencies: HttpDependencies,
  request: FastifyRequest<{ Querystring: RawQuery }>,
  reply: FastifyReply,
): boolean {
  const plain = plainQuestion(request.query, true);
  const keys = plain?.keys === undefined ? undefined : keyList(plain.keys);
  if (plain === undefined || keys === undefined) return false;
  const { ledger } = callerOf(request);
  const { state } = ledger;
  const at = presentOf(state, dependencies.now());
  let members = '';
  let validUntil = forever;
  for (const key of keys) {
    const resolution = resolve(state, key, plain.context, at);
    if (resolution === undefined) return false;
    if (resolution.validUntil < validUntil) validUntil = resolution.validUntil;
    members += `${members === '' ? '' : ','}${memberOf(resolution)}`;
  }
  const { revision } = state;
  const body = bodyText(`{"revision":${revision},"values":{${members}}}`);
  sendText(request, reply, body, { revision, at, validUntil, ageMs: ledger.ageMs() });
  dependencies.metrics.resolvedFromMemory(keys.length);
  return true;
}

function addBatchRoute(app: FastifyInstance, dependencies: HttpDependencies): void {
  addRoute(app, {
    method: 'POST',
    url: '/v1/resolve',
    access: anyRole,
    isRoutine: true,
    tag: 'Resolve',
    summary: 'The values of several keys for up to 1000 contexts',
    params: none,
    query: z.strictObject(clockQuery),
    body: z.strictObject({
      contexts: z.array(contextSchema).min(1).max(maxContexts),
      keys: z.array(keySchema).max(maxKeysAsked).exactOptional(),
      receipt: z.boolean().exactOptional().meta({ description: 'Whether each result carries a receipt' }),
    }),
    answers: { 200: resultsSchema },
    handle: (call) => {
      const asked = askedOf(call.body.keys, call.body.contexts);
      return withState(dependencies, call, call.query, asked, (state, reading): Answer => {
        const keys = keysOf(state, asked, call.body.receipt);
        const results = asked.contexts.map((context) => {
          const { values, resolutions } = valuesOf(dependencies, state, reading, keys, context, 'keys');
          const answered = { ledger: call.ledger.name, context, resolutions, place: 'keys' };
          return { values, ...receiptPart(call.body.receipt, answered, reading) };
        });
        return { body: { revision: reading.asOf, results }, revision: reading.asOf, at: reading.at };
      });
    },
  });
}

function askedOf(keys: readonly string[] | undefined, contexts: readonly Context[]) {
  return keys === undefined ? { contexts } : { contexts, keys };
}

function valuesOf(
  { metrics }: HttpDependencies,
  state: LiveState,
  reading: Reading,
  keys: readonly string[],
  context: Context,
  place: string,
) {
  const values: Record<string, ReturnType<typeof valueAnswer>> = {};
  let validUntil = forever;
  const resolutions = resolveKeys(state, keys, context, reading.at, place);
  for (const resolution of resolutions) {
    values[resolution.key] = valueAnswer(resolution);
    validUntil = Math.min(validUntil, resolution.validUntil);
  }
  if (reading.isLive) metrics.resolvedFromMemory(keys.length);
  return { values, validUntil, resolutions };
}
