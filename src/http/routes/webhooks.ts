/**
 * Webhooks of a ledger: made (the secret is told once), listed, their secret rotated, removed. For admins.
 * That there is one stands in the ledger; its secrets and deliveries do not.
 */
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { prose, text } from '../../domain/change.ts';
import { type WebhookType, webhookSubject } from '../../domain/event.ts';
import { formatInstant } from '../../domain/instant.ts';
import { reasonSchema } from '../../domain/reason.ts';
import type { WebhookState } from '../../domain/subject-state.ts';
import { upcastSteps } from '../../domain/upcast.ts';
import { Failure } from '../../failure.ts';
import type { LiveLedger } from '../../ledger/live-ledger.ts';
import type { Answer } from '../answer.ts';
import type { HttpDependencies } from '../dependencies.ts';
import { changesetAnswerSchema, nothingChangedSchema, pageSchema } from '../event-answer.ts';
import { invalidAt } from '../problem.ts';
import { pageQuery } from '../query-schemas.ts';
import { admins } from '../roles.ts';
import { addRoute, none } from '../route.ts';
import { inPlace, write, writeHeaders, writeMeta } from '../write-call.ts';

const typeSchema = z
  .string()
  .refine(
    (type): type is WebhookType => type === '*' || type === 'activation' || Object.hasOwn(upcastSteps, type),
    {
      error: 'not a type of event, nor activation, nor *',
    },
  );

const urlSchema = z
  .string()
  .max(2_000)
  .refine((url) => URL.canParse(url) && /^https?:$/.test(new URL(url).protocol), {
    error: 'no http or https URL',
  })
  .refine((url) => !URL.canParse(url) || new URL(url).username + new URL(url).password === '', {
    error: 'a URL is kept for ever: no user and no password in it',
  })
  .transform((url) => new URL(url).href)
  .meta({ description: 'http or https, without user and password' });

const secretSchema = z
  .string()
  .max(100)
  .meta({ description: 'whsec_ and 24 to 64 bytes in base64; made for you when it is left out' });

const webhookShape = {
  id: z.string(),
  url: z.string(),
  types: z.array(z.string()),
  description: z.string().optional(),
  removed: z.boolean(),
  version: z.number().int(),
  createdAt: z.string(),
};

export const webhookIdSchema = z.strictObject({ id: text(100) });

const webhookSchema = z
  .strictObject({
    ...webhookShape,
    pending: z.number().int().meta({ description: 'Deliveries that wait or are tried again' }),
    givenUp: z
      .number()
      .int()
      .meta({ description: 'Deliveries that were given up; POST …/retry tries one again' }),
  })
  .meta({ id: 'Webhook', description: 'A webhook without its secret' });

const madeWebhookSchema = z
  .strictObject({ ...webhookShape, secret: z.string() })
  .meta({ id: 'MadeWebhook', description: 'The secret is told once' });

export function addWebhookRoutes(app: FastifyInstance, dependencies: HttpDependencies): void {
  addMakeRoute(app, dependencies);
  addReadRoutes(app, dependencies);
  addRoute(app, {
    method: 'DELETE',
    url: '/v1/webhooks/:id',
    access: admins,
    tag: 'Webhooks',
    summary: 'Remove a webhook; what still waits for it is given up',
    params: webhookIdSchema,
    query: z.strictObject({ reason: reasonSchema.exactOptional() }),
    body: z.strictObject({ reason: reasonSchema.exactOptional() }).optional(),
    headers: writeHeaders,
    answers: { 201: changesetAnswerSchema, 200: nothingChangedSchema },
    handle: async (call): Promise<Answer> => {
      const { id } = knownWebhook(call.ledger, call.params.id);
      const reason = call.query.reason ?? call.body?.reason ?? `Webhook ${id} is not wanted any more`;
      const wish = { changes: [{ type: 'removeWebhook', id } as const], reason, subject: webhookSubject(id) };
      const answer = await write(call, { ...wish, places: { id: 'path.id' } });
      await dependencies.webhooks.removed(call.ledger.name, id);
      return answer;
    },
  });
  addRoute(app, {
    method: 'POST',
    url: '/v1/webhooks/:id/rotate',
    access: admins,
    tag: 'Webhooks',
    summary: 'Another secret, told once; the one before signs beside it for a while',
    params: webhookIdSchema,
    query: none,
    body: z
      .strictObject({
        secret: secretSchema.exactOptional(),
        overlapSeconds: z
          .number()
          .int()
          .min(0)
          .max(7 * 86_400)
          .meta({ description: 'How long both sign; a day when it is left out' })
          .exactOptional(),
      })
      .optional(),
    answers: { 200: z.strictObject({ secret: z.string(), oldExpiresAt: z.string().nullable() }) },
    handle: async (call): Promise<Answer> => {
      const { id } = standingWebhook(call.ledger, call.params.id);
      const { secret, overlapSeconds = 86_400 } = call.body ?? {};
      const rotated = await dependencies.webhooks.rotate(call.ledger.name, id, secret, overlapSeconds);
      const { oldExpiresAt } = rotated;
      const body = {
        secret: rotated.secret,
        oldExpiresAt: oldExpiresAt === null ? null : formatInstant(oldExpiresAt),
      };
      return { body, revision: call.ledger.state.revision };
    },
  });
}

function addMakeRoute(app: FastifyInstance, dependencies: HttpDependencies): void {
  addRoute(app, {
    method: 'POST',
    url: '/v1/webhooks',
    access: admins,
    tag: 'Webhooks',
    summary: 'Have a URL called for events and activations; the answer tells the secret once',
    params: none,
    query: none,
    body: z.strictObject({
      url: urlSchema,
      types: z
        .array(typeSchema)
        .min(1)
        .max(100)
        .meta({ description: 'Types of events, activation, or * for all of it; all when it is left out' })
        .exactOptional(),
      description: prose(1_000).exactOptional(),
      secret: secretSchema.exactOptional(),
      reason: reasonSchema.exactOptional(),
    }),
    headers: writeHeaders,
    answers: { 201: madeWebhookSchema },
    handle: async (call): Promise<Answer> => {
      if (call.headers['idempotency-key'] !== undefined) {
        throw invalidAt('header.Idempotency-Key', 'a secret is told once, so this cannot be answered again');
      }
      const {
        url,
        types = ['*'],
        description,
        secret,
        reason = `Webhook to ${new URL(url).host} is wanted`,
      } = call.body;
      const told = { url, types: typesOf(types), ...(description === undefined ? {} : { description }) };
      const meta = writeMeta(call, { reason });
      const made = await inPlace({ places: { url: 'url' } }, () =>
        dependencies.webhooks.create(call.ledger, told, secret, meta),
      );
      const state = knownWebhook(call.ledger, made.id);
      return {
        status: 201,
        body: { ...webhookAnswer(state), secret: made.secret },
        revision: made.result.revision,
      };
    },
  });
}

/** Each once, in one order, so that two wishes for the same say the same; `*` swallows all others. */
function typesOf(types: readonly WebhookType[]): readonly WebhookType[] {
  return types.includes('*') ? ['*'] : [...new Set(types)].sort();
}

function addReadRoutes(app: FastifyInstance, dependencies: HttpDependencies): void {
  addRoute(app, {
    method: 'GET',
    url: '/v1/webhooks',
    access: admins,
    tag: 'Webhooks',
    summary: 'The webhooks of the ledger, removed ones too',
    params: none,
    query: z.strictObject(pageQuery),
    body: none,
    answers: { 200: pageSchema(webhookSchema) },
    handle: async (call): Promise<Answer> => {
      const { state, name } = call.ledger;
      const { limit, cursor = '' } = call.query;
      const after = [...state.webhooks()]
        .filter(({ id }) => id > cursor)
        .sort((one, other) => (one.id < other.id ? -1 : 1));
      const shown = after.slice(0, limit);
      const nextCursor = after.length > limit ? (shown.at(-1)?.id ?? null) : null;
      const open = await dependencies.reads.openDeliveries(name);
      const items = shown.map((webhook) => ({ ...webhookAnswer(webhook), ...openOf(open.get(webhook.id)) }));
      return { body: { items, nextCursor }, revision: state.revision, at: dependencies.now() };
    },
  });
  addRoute(app, {
    method: 'GET',
    url: '/v1/webhooks/:id',
    access: admins,
    tag: 'Webhooks',
    summary: 'A webhook, and how many deliveries wait for it or were given up',
    params: webhookIdSchema,
    query: none,
    body: none,
    answers: { 200: webhookSchema },
    handle: async ({ ledger, params }): Promise<Answer> => {
      const webhook = knownWebhook(ledger, params.id);
      const open = await dependencies.reads.openDeliveries(ledger.name);
      const body = { ...webhookAnswer(webhook), ...openOf(open.get(webhook.id)) };
      return { body, revision: ledger.state.revision, at: dependencies.now() };
    },
  });
}

function openOf(open: { readonly pending: number; readonly givenUp: number } | undefined) {
  return { pending: open?.pending ?? 0, givenUp: open?.givenUp ?? 0 };
}

/** Also one that is removed. Failure: not_found. */
export function knownWebhook(ledger: LiveLedger, id: string): WebhookState {
  const webhook = ledger.state.webhook(id);
  if (webhook !== undefined) return webhook;
  throw new Failure('not_found', `there is no webhook ${id}`, {
    reason: 'unknown_webhook',
    details: [{ path: 'path.id', message: 'there is no such webhook' }],
  });
}

/** Failures: not_found, refused when it is removed. */
export function standingWebhook(ledger: LiveLedger, id: string): WebhookState {
  const webhook = knownWebhook(ledger, id);
  if (!webhook.removed) return webhook;
  throw new Failure('refused', `the webhook ${id} is removed`, {
    reason: 'webhook_removed',
    details: [{ path: 'path.id', message: 'this webhook is removed' }],
  });
}

function webhookAnswer({ id, url, types, description, removed, version, createdAt }: WebhookState) {
  return {
    id,
    url,
    types,
    ...(description === undefined ? {} : { description }),
    removed,
    version,
    createdAt: formatInstant(createdAt),
  };
}
