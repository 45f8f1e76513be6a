/**
 * GET /v1/costs: what the recorded usage of a window costs, at the prices in force at each record's own time.
 */
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { keySchema, modelIdSchema, scopeIdSchema } from '../../domain/change.ts';
import { formatInstant } from '../../domain/instant.ts';
import { type CostSheet, createCostSheet } from '../../domain/usage/cost.ts';
import type { UsageFilter } from '../../domain/usage/usage-questions.ts';
import type { HttpDependencies } from '../dependencies.ts';
import { invalidAt } from '../problem.ts';
import { clockQuery, timeQuery, wholeNumber } from '../query-schemas.ts';
import { readFromTables } from '../read-call.ts';
import { readers } from '../roles.ts';
import { addRoute, none } from '../route.ts';
import { priceLoader, readingBudget, usagePages } from '../usage-reading.ts';
import { modelIdIn } from './models.ts';

const count = z.number().int().nonnegative();
const dollars = z.string().meta({ description: 'US dollars, a plain decimal, exact' });
const sumShape = {
  records: count,
  unpriced: count.meta({ description: 'Records without a known price; they add nothing to the cost' }),
  cost: dollars,
};
const costsOfNames = z.array(
  z
    .strictObject({
      name: z.string().nullable(),
      isRest: z.literal(true).optional(),
      ...sumShape,
    })
    .meta({
      id: 'CostOfName',
      description:
        'name is null for records that name nothing; isRest marks the sum of all that are not listed',
    }),
);

const costsSchema = z
  .strictObject({
    from: z.string(),
    to: z.string(),
    revision: count.meta({ description: 'The prices are those known at this revision' }),
    total: z.strictObject({
      ...sumShape,
      inputTokens: count,
      outputTokens: count,
      cacheReadTokens: count,
      cacheWriteTokens: count,
      reasoningTokens: count,
      inputAudioTokens: count,
      outputAudioTokens: count,
    }),
    byModel: costsOfNames,
    byTenant: costsOfNames,
    byKey: costsOfNames,
  })
  .meta({ id: 'Costs', description: 'Each list adds up to the total, to the last digit; the dearest first' });

const { at: _eachRecordHasItsOwn, ...knowledgeQuery } = clockQuery;

/** How many names a list shows; all others are summed. */
const limitQuery = wholeNumber(1, 10_000)
  .default(1_000)
  .meta({ description: 'Names in a list, 1000 when it is left out; all others are one last entry' });

/** What usage is asked about, and what the ledger knew when its prices are looked up. */
export const usageQuery = {
  model: modelIdSchema.exactOptional(),
  tenant: scopeIdSchema.exactOptional(),
  limit: limitQuery,
  ...knowledgeQuery,
};

export function addCostRoute(app: FastifyInstance, dependencies: HttpDependencies): void {
  addRoute(app, {
    method: 'GET',
    url: '/v1/costs',
    access: readers,
    tag: 'Usage',
    summary: 'What recorded usage costs, by model, tenant and key',
    params: none,
    query: z.strictObject({
      from: timeQuery,
      to: timeQuery,
      key: keySchema.exactOptional(),
      ...usageQuery,
    }),
    body: none,
    answers: { 200: costsSchema },
    handle: (call) => {
      const { from, to, model, limit, tenant, key } = call.query;
      refuseEmptyWindow(from, to);
      const filter: UsageFilter = {
        from,
        to,
        ...(model === undefined ? {} : { model: modelIdIn(call.ledger, model) }),
        ...(tenant === undefined ? {} : { tenant }),
        ...(key === undefined ? {} : { key }),
      };
      return readFromTables(dependencies, call, ['prices'], async ({ asOf }) => {
        const sheet = await costsOf(dependencies, call.ledger.name, filter, asOf);
        return {
          from: formatInstant(from),
          to: formatInstant(to),
          revision: asOf,
          total: sheet.total(),
          byModel: sheet.byModel(limit),
          byTenant: sheet.byTenant(limit),
          byKey: sheet.byKey(limit),
        };
      });
    },
  });
}

/** Failure `invalid` unless the window has a length. */
export function refuseEmptyWindow(from: number, to: number): void {
  if (from >= to) throw invalidAt('query.to', 'this is not after from', 'empty_interval');
}

async function costsOf(
  { reads }: HttpDependencies,
  ledger: string,
  filter: UsageFilter,
  asOf: number,
): Promise<CostSheet> {
  const sheet = createCostSheet();
  const load = priceLoader(reads, ledger, asOf);
  for await (const page of usagePages(reads, ledger, filter, readingBudget())) {
    const priceOf = await load(page);
    for (const record of page) {
      const { model, tenant, key, at } = record;
      const names = { model: model ?? null, tenant: tenant ?? null, key: key ?? null };
      sheet.add(record, names, model === undefined ? undefined : priceOf(model)(at));
    }
  }
  return sheet;
}
