/**
 * GET /v1/schedule: what will change by itself, when, and what holds before and after it.
 */
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { forever, formatEnd } from '../../domain/assertion.ts';
import { allocationSchema, jsonSchema, keySchema, scopeSchema, text } from '../../domain/change.ts';
import { modelSubject, overrideSubject } from '../../domain/event.ts';
import { formatInstant } from '../../domain/instant.ts';
import type { OverrideTurn, PriceTurn, ScheduledTurn, Stretch } from '../../domain/schedule-questions.ts';
import type { OverrideAssertion, PriceAssertion } from '../../domain/subject-state.ts';
import { turnKinds } from '../../domain/turns.ts';
import type { HttpDependencies } from '../dependencies.ts';
import { briefEventSchema, eventPart, pageSchema } from '../event-answer.ts';
import { pricingAnswerSchema } from '../model-answer.ts';
import { invalidAt } from '../problem.ts';
import { clockQuery, pageQuery, timeQuery } from '../query-schemas.ts';
import { readFromTables } from '../read-call.ts';
import { readers } from '../roles.ts';
import { addRoute, none } from '../route.ts';
import { modelIdIn } from './models.ts';

const scheduleQuery = z.strictObject({
  from: timeQuery
    .meta({
      format: 'date-time',
      description: 'Changes after this moment; the one that is asked about (at) when it is left out',
    })
    .exactOptional(),
  to: timeQuery
    .meta({
      format: 'date-time',
      description: 'Up to this moment, included; without end when it is left out',
    })
    .exactOptional(),
  key: keySchema.exactOptional(),
  scope: scopeSchema.exactOptional(),
  model: text(200).exactOptional(),
  kind: z.enum(turnKinds).exactOptional(),
  ...clockQuery,
  ...pageQuery,
});

const heldSchema = z
  .strictObject({
    value: jsonSchema.optional(),
    allocation: allocationSchema.optional(),
    pricing: pricingAnswerSchema.optional(),
    status: z.enum(['deprecated', 'retired']).optional(),
    revision: z.number().int().optional(),
  })
  .nullable()
  .meta({
    id: 'Held',
    description:
      'What this layer or model says: a value, an allocation, a price, a status; null when it says nothing',
  });

const turnSchema = z
  .strictObject({
    at: z.string(),
    kind: z.enum(turnKinds),
    subject: z.string(),
    key: z.string().optional(),
    scope: z.string().optional(),
    model: z.string().optional(),
    successor: z.string().optional(),
    before: heldSchema,
    after: heldSchema,
    shadowed: z.boolean().meta({
      description: 'Another statement, that starts or was said later, holds there: nothing changes',
    }),
    effectiveFrom: z.string().optional(),
    effectiveUntil: z.string().nullable().optional(),
    revision: z.number().int(),
    event: briefEventSchema,
  })
  .meta({ id: 'ScheduledChange', description: 'What changes by itself, and the event that said so' });

const projections = ['assertions', 'catalogue', 'prices', 'history'];

export function addScheduleRoute(app: FastifyInstance, dependencies: HttpDependencies): void {
  addRoute(app, {
    method: 'GET',
    url: '/v1/schedule',
    access: readers,
    tag: 'Read',
    summary: 'What will change by itself: starts and ends of overrides, sunsets, prices',
    params: none,
    query: scheduleQuery,
    body: none,
    answers: { 200: pageSchema(turnSchema) },
    handle: (call) =>
      readFromTables(dependencies, call, projections, async (moment) => {
        const { key, scope, model, kind } = call.query;
        if (model !== undefined && (key !== undefined || scope !== undefined)) {
          throw invalidAt('query.model', 'a change is about an override or about a model; name one of them');
        }
        const filter = {
          ...(kind === undefined ? {} : { kind }),
          ...(key === undefined ? {} : { key }),
          ...(scope === undefined ? {} : { scope }),
          ...(model === undefined ? {} : { model: modelIdIn(call.ledger, model) }),
        };
        const { name } = call.ledger;
        const stretch = stretchOf(call.query, moment.at);
        const page = await dependencies.reads.schedule(name, moment.asOf, stretch, filter, call.query);
        return { items: page.items.map(turnAnswer), nextCursor: page.nextCursor };
      }),
  });
}

function stretchOf({ from, to }: z.output<typeof scheduleQuery>, at: number): Stretch {
  const stretch = { after: from ?? at, until: to ?? forever };
  if (stretch.until <= stretch.after)
    throw invalidAt('query.to', 'is not after the moment from which on is asked');
  return stretch;
}

function turnAnswer(turn: ScheduledTurn) {
  const { at, kind, revision, event } = turn;
  const moment = { at: formatInstant(at), kind };
  const origin = { revision, ...eventPart(event) };
  switch (turn.kind) {
    case 'sunset': {
      const { model, successor } = turn;
      return {
        ...moment,
        subject: modelSubject(model),
        model,
        ...(successor === undefined ? {} : { successor }),
        before: { status: 'deprecated' },
        after: { status: 'retired' },
        shadowed: false,
        ...origin,
      };
    }
    case 'price': {
      const { model, before, after } = turn;
      const held = { before: heldPrice(before), after: heldPrice(after) };
      return { ...moment, subject: modelSubject(model), model, ...held, ...statementAnswer(turn), ...origin };
    }
    case 'activation':
    case 'expiry': {
      const { key, scope, before, after } = turn;
      const held = { before: heldOverride(before), after: heldOverride(after) };
      const place = { subject: overrideSubject(key, scope), key, scope };
      return { ...moment, ...place, ...held, ...statementAnswer(turn), ...origin };
    }
    default:
      return turn satisfies never;
  }
}

function statementAnswer({ from, until, isShadowed }: OverrideTurn | PriceTurn) {
  return {
    shadowed: isShadowed,
    effectiveFrom: formatInstant(from),
    effectiveUntil: formatEnd(until),
  };
}

/** A layer that was cleared says as little as one that was never set. */
function heldOverride(assertion: OverrideAssertion | undefined) {
  if (assertion === undefined || assertion.kind === 'cleared') return null;
  const { kind, value, revision } = assertion;
  return kind === 'value' ? { value, revision } : { allocation: value, revision };
}

function heldPrice(assertion: PriceAssertion | undefined) {
  return assertion === undefined ? null : { pricing: assertion.pricing, revision: assertion.revision };
}
