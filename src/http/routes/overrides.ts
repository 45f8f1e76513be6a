/**
 * Overrides by themselves: set or clear one, list those that stand.
 */
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { formatEnd } from '../../domain/assertion.ts';
import { allocationSchema, instantSchema, jsonSchema, keySchema, scopeSchema } from '../../domain/change.ts';
import { overrideSubject } from '../../domain/event.ts';
import { formatInstant } from '../../domain/instant.ts';
import type { OverrideRecord } from '../../domain/questions.ts';
import { reasonSchema } from '../../domain/reason.ts';
import { type Scope, type ScopeKind, scopeKinds } from '../../domain/scope.ts';
import type { HttpDependencies } from '../dependencies.ts';
import { changesetAnswerSchema, nothingChangedSchema, pageSchema } from '../event-answer.ts';
import { invalidAt } from '../problem.ts';
import { clockQuery, contextQuery, keyParams, pageQuery } from '../query-schemas.ts';
import { readFromTables } from '../read-call.ts';
import { readers, writers } from '../roles.ts';
import { addRoute, none } from '../route.ts';
import { write, writeHeaders } from '../write-call.ts';

const target = z.strictObject({ scope: scopeSchema });
const options = {
  effectiveFrom: instantSchema.exactOptional(),
  effectiveUntil: instantSchema.exactOptional(),
  replaceScheduled: z.boolean().exactOptional(),
};
const writeAnswers = { 201: changesetAnswerSchema, 200: nothingChangedSchema };
const places = { key: 'path.key', scope: 'query.scope' };

const overrideSchema = z
  .strictObject({
    key: z.string(),
    scope: z.string(),
    state: z.enum(['in_force', 'scheduled']),
    kind: z.enum(['value', 'allocation', 'cleared']),
    value: jsonSchema.optional(),
    allocation: allocationSchema.optional(),
    effectiveFrom: z.string(),
    effectiveUntil: z.string().nullable(),
    revision: z.number().int(),
    version: z.number().int(),
  })
  .meta({ id: 'Override', description: 'What a scope says about a key, now or from some time on' });

export function addOverrideRoutes(app: FastifyInstance, dependencies: HttpDependencies): void {
  addRoute(app, {
    method: 'PUT',
    url: '/v1/overrides/:key',
    access: writers,
    tag: 'Write',
    summary: 'Set the override of one key and scope',
    params: keyParams,
    query: target,
    body: z.strictObject({
      value: jsonSchema.exactOptional(),
      allocation: allocationSchema.exactOptional(),
      ...options,
      allowUnlisted: z.boolean().exactOptional(),
      reason: reasonSchema,
    }),
    headers: writeHeaders,
    answers: writeAnswers,
    handle: (call) => {
      const { reason, ...said } = call.body;
      const place = { key: call.params.key, scope: call.query.scope };
      const subject = overrideSubject(place.key, place.scope);
      return write(call, { changes: [{ type: 'setOverride', ...place, ...said }], reason, subject, places });
    },
  });
  addRoute(app, {
    method: 'DELETE',
    url: '/v1/overrides/:key',
    access: writers,
    tag: 'Write',
    summary: 'Clear the override of one key and scope: from then on the next layer is asked',
    params: keyParams,
    query: z.strictObject({ scope: scopeSchema, reason: reasonSchema.exactOptional() }),
    body: z.strictObject({ reason: reasonSchema.exactOptional(), ...options }).optional(),
    headers: writeHeaders,
    answers: writeAnswers,
    handle: (call) => {
      const { reason: inBody, ...said } = call.body ?? {};
      const reason = oneReason(call.query.reason, inBody);
      const place = { key: call.params.key, scope: call.query.scope };
      const subject = overrideSubject(place.key, place.scope);
      return write(call, {
        changes: [{ type: 'clearOverride', ...place, ...said }],
        reason,
        subject,
        places,
      });
    },
  });
  addListRoute(app, dependencies);
}

/** The reason of a DELETE stands in its query or its body, in one of them. */
export function oneReason(inQuery: string | undefined, inBody: string | undefined): string {
  if (inQuery !== undefined && inBody !== undefined)
    throw invalidAt('reason', 'given twice, in the query and in the body');
  const reason = inQuery ?? inBody;
  if (reason === undefined) throw invalidAt('reason', 'this is missing; say why in the query or in the body');
  return reason;
}

function addListRoute(app: FastifyInstance, dependencies: HttpDependencies): void {
  addRoute(app, {
    method: 'GET',
    url: '/v1/overrides',
    access: readers,
    tag: 'Read',
    summary: 'Overrides in force or scheduled at a moment',
    params: none,
    query: z.strictObject({
      key: keySchema.exactOptional(),
      scope: scopeSchema.exactOptional(),
      kind: z.enum(scopeKinds).exactOptional(),
      ...contextQuery,
      ...clockQuery,
      ...pageQuery,
    }),
    body: none,
    answers: { 200: pageSchema(overrideSchema) },
    handle: (call) =>
      readFromTables(dependencies, call, ['assertions', 'history'], async (moment) => {
        const { key, kind } = call.query;
        const scope = oneScope(call.query);
        const filter = {
          ...(key === undefined ? {} : { key }),
          ...(scope === undefined ? {} : { scope }),
          ...(kind === undefined ? {} : { kind }),
        };
        const page = await dependencies.reads.overrides(call.ledger.name, moment, filter, call.query);
        return { items: page.items.map(overrideAnswer), nextCursor: page.nextCursor };
      }),
  });
}

interface ScopeQuestion {
  readonly scope?: Scope;
  readonly user?: string;
  readonly tenant?: string;
  readonly tier?: string;
}

/** `scope=user:u-1` and `user=u-1` ask the same; two of them at once ask for nothing that there is. */
function oneScope(query: ScopeQuestion): Scope | undefined {
  const kinds: readonly Exclude<ScopeKind, 'global'>[] = ['user', 'tenant', 'tier'];
  const named = kinds.flatMap((kind): readonly Scope[] => {
    const id = query[kind];
    return id === undefined ? [] : [`${kind}:${id}`];
  });
  const scopes = query.scope === undefined ? named : [query.scope, ...named];
  if (scopes.length > 1) throw invalidAt('query.scope', 'name one of scope, user, tenant and tier');
  return scopes[0];
}

function overrideAnswer({ key, scope, assertion, state, version }: OverrideRecord) {
  const { kind, revision, from, until } = assertion;
  return {
    key,
    scope,
    state,
    kind,
    ...(kind === 'value' ? { value: assertion.value } : {}),
    ...(kind === 'allocation' ? { allocation: assertion.value } : {}),
    effectiveFrom: formatInstant(from),
    effectiveUntil: formatEnd(until),
    revision,
    version,
  };
}
