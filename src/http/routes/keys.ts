/**
 * GET /v1/keys and /v1/keys/{key}: the definitions of keys as they stood.
 */
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { jsonSchema, valueTypes } from '../../domain/change.ts';
import type { KeyRecord } from '../../domain/questions.ts';
import { scopeKinds } from '../../domain/scope.ts';
import type { HttpDependencies } from '../dependencies.ts';
import { pageSchema } from '../event-answer.ts';
import { clockQuery, keyParams, pageQuery } from '../query-schemas.ts';
import { readFromTables } from '../read-call.ts';
import { unknownKey } from '../resolve-call.ts';
import { readers } from '../roles.ts';
import { addRoute, none } from '../route.ts';

const keyRecordSchema = z
  .strictObject({
    key: z.string(),
    valueType: z.enum(valueTypes),
    fallback: jsonSchema,
    description: z.string().optional(),
    defaultProvider: z.string().optional(),
    schema: jsonSchema.optional(),
    scopes: z.array(z.enum(scopeKinds)).optional(),
    version: z.number().int(),
    revision: z.number().int(),
    retired: z.boolean(),
  })
  .meta({ id: 'KeyDefinition' });

export function addKeyRoutes(app: FastifyInstance, dependencies: HttpDependencies): void {
  const { reads } = dependencies;
  addRoute(app, {
    method: 'GET',
    url: '/v1/keys',
    access: readers,
    tag: 'Read',
    summary: 'The definitions of all keys',
    params: none,
    query: z.strictObject({ ...clockQuery, ...pageQuery }),
    body: none,
    answers: { 200: pageSchema(keyRecordSchema) },
    handle: (call) =>
      readFromTables(dependencies, call, ['keys'], async ({ asOf }) => {
        const page = await reads.keys(call.ledger.name, asOf, call.query);
        return { items: page.items.map(keyAnswer), nextCursor: page.nextCursor };
      }),
  });
  addRoute(app, {
    method: 'GET',
    url: '/v1/keys/:key',
    access: readers,
    tag: 'Read',
    summary: 'The definition of a key',
    params: keyParams,
    query: z.strictObject(clockQuery),
    body: none,
    answers: { 200: keyRecordSchema },
    handle: (call) =>
      readFromTables(dependencies, call, ['keys'], async ({ asOf }) => {
        const record = await reads.key(call.ledger.name, asOf, call.params.key);
        if (record === undefined) throw unknownKey(call.params.key, 'path.key');
        return keyAnswer(record);
      }),
  });
}

function keyAnswer(record: KeyRecord) {
  const {
    key,
    valueType,
    fallback,
    description,
    defaultProvider,
    schema,
    scopes,
    version,
    revision,
    retired,
  } = record;
  return {
    key,
    valueType,
    fallback,
    ...(description === undefined ? {} : { description }),
    ...(defaultProvider === undefined ? {} : { defaultProvider }),
    ...(schema === undefined ? {} : { schema }),
    ...(scopes === undefined ? {} : { scopes }),
    version,
    revision,
    retired,
  };
}
