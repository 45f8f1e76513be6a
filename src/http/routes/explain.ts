/**
 * GET /v1/explain/{key}: every layer with what it holds, who put it there, when and why.
 */
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { formatEnd } from '../../domain/assertion.ts';
import { allocationSchema, jsonSchema } from '../../domain/change.ts';
import { type ExplainedLayer, explainLayers } from '../../domain/explain.ts';
import { formatInstant } from '../../domain/instant.ts';
import type { HistoryItem, Moment } from '../../domain/questions.ts';
import { resolve } from '../../domain/resolve.ts';
import { type Context, scopesOf } from '../../domain/scope.ts';
import type { HttpDependencies } from '../dependencies.ts';
import { briefEventSchema, eventPart } from '../event-answer.ts';
import { clockQuery, contextQuery, keyParams } from '../query-schemas.ts';
import { readFromTables } from '../read-call.ts';
import { resolutionAnswer, valueShape } from '../resolution-answer.ts';
import { unknownKey } from '../resolve-call.ts';
import { readers } from '../roles.ts';
import { addRoute, none } from '../route.ts';
import { contextOf } from './resolve-key.ts';

const explanationSchema = z
  .strictObject({
    key: z.string(),
    ...valueShape,
    layers: z.array(
      z.strictObject({
        scope: z.string(),
        outcome: z.enum(['won', 'lost', 'cleared', 'expired', 'scheduled', 'outside', 'unset']),
        value: jsonSchema.optional(),
        arm: z.string().optional(),
        bucket: z.number().int().min(0).max(9_999).optional().meta({
          description: 'Of the unit, in the draw of the allocation: it is in for every share above it',
        }),
        allocation: allocationSchema.optional(),
        effectiveFrom: z.string().optional(),
        effectiveUntil: z.string().nullable().optional(),
        event: briefEventSchema.optional(),
      }),
    ),
    fallback: z.strictObject({ value: jsonSchema, event: briefEventSchema.optional() }),
  })
  .meta({ id: 'Explanation', description: 'Layers from the narrowest asked to global' });

/** What an explanation is made of: state, assertions and events. */
const projections = ['assertions', 'keys', 'catalogue', 'history'];

export function addExplainRoute(app: FastifyInstance, dependencies: HttpDependencies): void {
  addRoute(app, {
    method: 'GET',
    url: '/v1/explain/:key',
    access: readers,
    tag: 'Read',
    summary: 'Why a key has its value: every layer with who, when and why',
    params: keyParams,
    query: z.strictObject({ ...contextQuery, ...clockQuery }),
    body: none,
    answers: { 200: explanationSchema },
    handle: (call) =>
      readFromTables(dependencies, call, projections, (moment) =>
        explain(dependencies, call.ledger.name, moment, call.params.key, contextOf(call.query)),
      ),
  });
}

async function explain(
  { reads }: HttpDependencies,
  ledger: string,
  moment: Moment,
  key: string,
  context: Context,
) {
  const state = await reads.stateAt(ledger, moment, [key], [context]);
  const resolution = resolve(state, key, context, moment.at);
  const definition = state.key(key);
  if (resolution === undefined || definition === undefined) throw unknownKey(key, 'path.key');
  const assertions = await reads.layersAt(ledger, moment.asOf, key, scopesOf(context));
  const layers = explainLayers((scope) => assertions.get(scope) ?? [], context, moment.at);
  const revisions = layers.flatMap(({ assertion }) => (assertion === undefined ? [] : [assertion.revision]));
  const events = await reads.events(ledger, [...revisions, definition.revision]);
  return {
    ...resolutionAnswer(resolution),
    layers: layers.map((layer) => layerAnswer(layer, events)),
    fallback: { value: definition.definition.fallback, ...eventPart(events.get(definition.revision)) },
  };
}

function layerAnswer(
  { scope, outcome, assertion, value, arm, bucket }: ExplainedLayer,
  events: ReadonlyMap<number, HistoryItem>,
) {
  if (assertion === undefined) return { scope, outcome };
  const { from, until } = assertion;
  return {
    scope,
    outcome,
    ...(value === undefined ? {} : { value }),
    ...(arm === undefined ? {} : { arm }),
    ...(bucket === undefined ? {} : { bucket }),
    ...(assertion.kind === 'allocation' ? { allocation: assertion.value } : {}),
    effectiveFrom: formatInstant(from),
    effectiveUntil: formatEnd(until),
    ...eventPart(events.get(assertion.revision)),
  };
}
