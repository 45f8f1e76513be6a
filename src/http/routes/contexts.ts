/**
 * GET /v1/contexts: the active users, in the contexts they were seen in, and the provider and model that each has now (design
 * note 004).
 */
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import type { ActiveContext } from '../../domain/arrival.ts';
import { jsonSchema } from '../../domain/change.ts';
import { formatInstant } from '../../domain/instant.ts';
import type { LiveState } from '../../domain/live-state.ts';
import { valueAt } from '../../domain/resolve.ts';
import { presentOf } from '../clocks.ts';
import type { HttpDependencies } from '../dependencies.ts';
import { pageSchema } from '../event-answer.ts';
import { pageQuery, wholeNumber } from '../query-schemas.ts';
import { admins } from '../roles.ts';
import { addRoute, none } from '../route.ts';

const hourMs = 3_600_000;
/** As long as contexts are kept. */
const maxHours = 2_160;

const providerKey = 'runtime.provider';
const modelKey = 'runtime.model';

const contextSchema = z
  .strictObject({
    user: z.string(),
    tenant: z.string().nullable(),
    tier: z.string().nullable(),
    provider: jsonSchema.meta({
      description: `What ${providerKey} is now; null where no such key is defined`,
    }),
    model: jsonSchema.meta({ description: `What ${modelKey} is now; null where no such key is defined` }),
    lastSeenAt: z.string(),
    how: z.enum(['usage', 'consumer']).meta({ description: 'By what it was seen last' }),
  })
  .meta({ id: 'ActiveContext' });

export function addContextRoute(app: FastifyInstance, dependencies: HttpDependencies): void {
  const { contextMaxAgeHours } = dependencies;
  addRoute(app, {
    method: 'GET',
    url: '/v1/contexts',
    access: admins,
    tag: 'Arrival',
    summary: 'Active users, last seen first, with their effective provider and model',
    params: none,
    query: z.strictObject({
      ...pageQuery,
      activeWithinHours: wholeNumber(1, maxHours)
        .default(contextMaxAgeHours)
        .meta({ description: 'Seen within so many hours; VARVE_CONTEXT_MAX_AGE_HOURS when it is left out' }),
    }),
    body: none,
    answers: { 200: pageSchema(contextSchema) },
    handle: async ({ ledger, query: { activeWithinHours, ...page } }) => {
      const seenSince = dependencies.now() - activeWithinHours * hourMs;
      const { items, nextCursor } = await dependencies.reads.activeContexts(ledger.name, seenSince, page);
      const at = presentOf(ledger.state, dependencies.now());
      const body = { items: items.map((item) => contextAnswer(ledger.state, item, at)), nextCursor };
      return { body, revision: ledger.state.revision, at };
    },
  });
}

function contextAnswer(state: LiveState, { context, lastSeenAt, how }: ActiveContext, at: number) {
  const { user, tenant = null, tier = null } = context;
  return {
    user,
    tenant,
    tier,
    provider: valueAt(state, providerKey, context, at) ?? null,
    model: valueAt(state, modelKey, context, at) ?? null,
    lastSeenAt: formatInstant(lastSeenAt),
    how,
  };
}
