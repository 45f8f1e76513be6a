/**
 * API keys of a ledger: made (the secret is told once), listed, revoked. For admins.
 */
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { text } from '../../domain/change.ts';
import { apiKeySubject } from '../../domain/event.ts';
import { formatInstant } from '../../domain/instant.ts';
import { reasonSchema } from '../../domain/reason.ts';
import type { ApiKeyState } from '../../domain/subject-state.ts';
import { Failure } from '../../failure.ts';
import type { HttpDependencies } from '../dependencies.ts';
import { changesetAnswerSchema, nothingChangedSchema, pageSchema } from '../event-answer.ts';
import { invalidAt } from '../problem.ts';
import { pageQuery } from '../query-schemas.ts';
import { admins, anyRole } from '../roles.ts';
import { addRoute, none } from '../route.ts';
import { inPlace, write, writeHeaders, writeMeta } from '../write-call.ts';

const roleSchema = z.enum(['admin', 'operator', 'auditor', 'service']);

const apiKeySchema = z
  .strictObject({
    id: z.string(),
    name: z.string(),
    role: roleSchema,
    trusted: z.boolean(),
    revoked: z.boolean(),
    version: z.number().int(),
    createdAt: z.string(),
  })
  .meta({ id: 'ApiKey', description: 'A key without its secret' });

const madeKeySchema = z
  .strictObject({ id: z.string(), key: z.string(), name: z.string(), role: roleSchema, trusted: z.boolean() })
  .meta({ id: 'MadeApiKey', description: 'The secret is in `key`, once' });

export function addApiKeyRoutes(app: FastifyInstance, dependencies: HttpDependencies): void {
  addRoute(app, {
    method: 'POST',
    url: '/v1/api-keys',
    access: admins,
    tag: 'Administration',
    summary: 'Make an API key; the answer tells the secret once',
    params: none,
    query: none,
    body: z.strictObject({
      name: text(100),
      role: roleSchema,
      trusted: z.boolean().exactOptional(),
      reason: reasonSchema.exactOptional(),
    }),
    headers: writeHeaders,
    answers: { 201: madeKeySchema },
    handle: async (call) => {
      if (call.headers['idempotency-key'] !== undefined) {
        throw invalidAt('header.Idempotency-Key', 'a secret is told once, so this cannot be answered again');
      }
      const { name, role, trusted = false, reason = `API key ${name} is wanted` } = call.body;
      const input = { name, role, trusted };
      const places = { name: 'name', role: 'role' };
      const made = await inPlace({ places }, () =>
        dependencies.createApiKey(call.ledger, input, writeMeta(call, { reason })),
      );
      return { status: 201, body: { id: made.id, key: made.key, ...input }, revision: made.result.revision };
    },
  });
  addRoute(app, {
    method: 'DELETE',
    url: '/v1/api-keys/:id',
    access: admins,
    tag: 'Administration',
    summary: 'Revoke an API key',
    params: z.strictObject({ id: text(100) }),
    query: z.strictObject({ reason: reasonSchema.exactOptional() }),
    body: z.strictObject({ reason: reasonSchema.exactOptional() }).optional(),
    headers: writeHeaders,
    answers: { 201: changesetAnswerSchema, 200: nothingChangedSchema },
    handle: (call) => {
      const { id } = call.params;
      if (call.ledger.state.apiKey(id) === undefined) throw unknownApiKey(id);
      const reason = call.query.reason ?? call.body?.reason ?? `API key ${id} is not wanted any more`;
      const wish = { changes: [{ type: 'revokeApiKey', id } as const], reason, subject: apiKeySubject(id) };
      return write(call, { ...wish, places: { id: 'path.id' } });
    },
  });
  addListRoute(app, dependencies);
}

function addListRoute(app: FastifyInstance, dependencies: HttpDependencies): void {
  addRoute(app, {
    method: 'GET',
    url: '/v1/api-keys',
    access: admins,
    tag: 'Administration',
    summary: 'The API keys of the ledger, revoked ones too',
    params: none,
    query: z.strictObject(pageQuery),
    body: none,
    answers: { 200: pageSchema(apiKeySchema) },
    handle: (call) => {
      const { state } = call.ledger;
      const { limit, cursor = '' } = call.query;
      const after = [...state.apiKeys()]
        .filter(({ id }) => id > cursor)
        .sort((one, other) => (one.id < other.id ? -1 : 1));
      const items = after.slice(0, limit);
      const nextCursor = after.length > limit ? (items.at(-1)?.id ?? null) : null;
      const body = { items: items.map(apiKeyAnswer), nextCursor };
      return { body, revision: state.revision, at: dependencies.now() };
    },
  });
  addRoute(app, {
    method: 'GET',
    url: '/v1/whoami',
    access: anyRole,
    tag: 'Administration',
    summary: 'Whose key this is',
    params: none,
    query: none,
    body: none,
    answers: {
      200: z.strictObject({
        id: z.string(),
        name: z.string(),
        role: roleSchema,
        trusted: z.boolean(),
        ledger: z.string(),
      }),
    },
    handle: ({ principal, ledger }) => {
      const { keyId: id, name, role, trusted } = principal;
      const body = { id, name, role, trusted, ledger: ledger.name };
      return { body, revision: ledger.state.revision, at: dependencies.now() };
    },
  });
}

function apiKeyAnswer({ id, name, role, trusted, revoked, version, createdAt }: ApiKeyState) {
  return { id, name, role, trusted, revoked, version, createdAt: formatInstant(createdAt) };
}

function unknownApiKey(id: string): Failure {
  return new Failure('not_found', `there is no API key ${id}`, {
    reason: 'unknown_api_key',
    details: [{ path: 'path.id', message: 'there is no such API key' }],
  });
}
