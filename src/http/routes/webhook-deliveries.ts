/**
 * What became of the notices of a webhook, and one more try by hand. For admins.
 */
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { type DeliveryRecord, deliveryStates } from '../../domain/background-questions.ts';
import { text } from '../../domain/change.ts';
import { formatInstant } from '../../domain/instant.ts';
import { Failure } from '../../failure.ts';
import type { Answer } from '../answer.ts';
import type { HttpDependencies } from '../dependencies.ts';
import { pageSchema } from '../event-answer.ts';
import { pageQuery } from '../query-schemas.ts';
import { admins } from '../roles.ts';
import { addRoute, none } from '../route.ts';
import { knownWebhook, standingWebhook, webhookIdSchema } from './webhooks.ts';

const deliverySchema = z
  .strictObject({
    id: z.uuid().meta({ description: 'The header webhook-id: the same at every attempt' }),
    type: z.string().meta({ description: 'The type of the event, or activation' }),
    revision: z
      .number()
      .int()
      .meta({ description: 'Of the event; of an activation that of what foretold it' }),
    at: z.string().optional().meta({ description: 'Of an activation: when it turned' }),
    subject: z.string().optional().meta({ description: 'Of an activation: what turned' }),
    state: z.enum(deliveryStates),
    attempts: z.number().int(),
    nextAttemptAt: z.string().optional(),
    lastStatus: z.number().int().nullable(),
    lastError: z
      .string()
      .nullable()
      .meta({ description: 'In one word: forbidden_address, timeout, ECONNREFUSED …' }),
    createdAt: z.string(),
    finishedAt: z.string().nullable(),
  })
  .meta({
    id: 'Delivery',
    description: 'One notice and what became of it; delivered ones are kept for 30 days',
  });

const deliveryParams = z.strictObject({ id: text(100), delivery: z.uuid() });

export function addWebhookDeliveryRoutes(app: FastifyInstance, dependencies: HttpDependencies): void {
  addRoute(app, {
    method: 'GET',
    url: '/v1/webhooks/:id/deliveries',
    access: admins,
    tag: 'Webhooks',
    summary: 'Deliveries of a webhook, the newest first',
    params: webhookIdSchema,
    query: z.strictObject({ ...pageQuery, state: z.enum(deliveryStates).exactOptional() }),
    body: none,
    answers: { 200: pageSchema(deliverySchema) },
    handle: async ({ ledger, params, query }): Promise<Answer> => {
      const { id } = knownWebhook(ledger, params.id);
      const { state, ...page } = query;
      const found = await dependencies.reads.deliveries(
        ledger.name,
        id,
        state === undefined ? {} : { state },
        page,
      );
      const body = { items: found.items.map(deliveryAnswer), nextCursor: found.nextCursor };
      return { body, revision: ledger.state.revision, at: dependencies.now() };
    },
  });
  addRoute(app, {
    method: 'GET',
    url: '/v1/webhooks/:id/deliveries/:delivery',
    access: admins,
    tag: 'Webhooks',
    summary: 'One delivery',
    params: deliveryParams,
    query: none,
    body: none,
    answers: { 200: deliverySchema },
    handle: async ({ ledger, params }): Promise<Answer> => {
      const { id } = knownWebhook(ledger, params.id);
      const delivery = await dependencies.reads.delivery(ledger.name, id, params.delivery);
      if (delivery === undefined) throw unknownDelivery(params.delivery);
      return { body: deliveryAnswer(delivery), revision: ledger.state.revision, at: dependencies.now() };
    },
  });
  addRoute(app, {
    method: 'POST',
    url: '/v1/webhooks/:id/deliveries/:delivery/retry',
    access: admins,
    tag: 'Webhooks',
    summary: 'Send a delivery again soon, with all its attempts before it; its id stays',
    params: deliveryParams,
    query: none,
    body: none,
    answers: { 202: deliverySchema },
    handle: async ({ ledger, params }): Promise<Answer> => {
      const { id } = standingWebhook(ledger, params.id);
      const delivery = await dependencies.webhooks.retry(ledger.name, id, params.delivery);
      if (delivery === undefined) throw unknownDelivery(params.delivery);
      return { status: 202, body: deliveryAnswer(delivery), revision: ledger.state.revision };
    },
  });
}

function unknownDelivery(id: string): Failure {
  return new Failure('not_found', `there is no delivery ${id}`, {
    reason: 'unknown_delivery',
    details: [{ path: 'path.delivery', message: 'there is no such delivery of this webhook' }],
  });
}

function deliveryAnswer(delivery: DeliveryRecord) {
  const { id, type, revision, activation, state, attempts, dueAt } = delivery;
  return {
    id,
    type,
    revision,
    ...(activation === null ? {} : { at: activation.at, subject: activation.turn.subject }),
    state,
    attempts,
    ...(state === 'pending' ? { nextAttemptAt: formatInstant(dueAt) } : {}),
    lastStatus: delivery.lastStatus,
    lastError: delivery.lastError,
    createdAt: formatInstant(delivery.createdAt),
    finishedAt: delivery.finishedAt === null ? null : formatInstant(delivery.finishedAt),
  };
}
