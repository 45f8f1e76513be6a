/**
 * POST /v1/usage: services report the tokens of their requests, in batches. Sending a batch again is always safe.
 */
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { presentOf } from '../clocks.ts';
import type { HttpDependencies } from '../dependencies.ts';
import { reporters } from '../roles.ts';
import { addRoute, none } from '../route.ts';
import { refuseFuture, usageBatchSchema } from '../usage-input.ts';
import { withModels } from '../usage-models.ts';

const count = z.number().int().nonnegative();

const receiptSchema = z
  .strictObject({
    received: count,
    added: count,
    duplicates: count.meta({
      description: 'Records whose id was there already; added and these are received',
    }),
    conflicting: z
      .array(z.string())
      .meta({ description: 'Ids of duplicates that say something else than what stands, at most 100' }),
    withoutModel: count.meta({
      description: 'Records whose key named no model at their time: their cost stays unknown',
    }),
  })
  .meta({ id: 'UsageReceipt' });

export function addUsageRoute(app: FastifyInstance, dependencies: HttpDependencies): void {
  addRoute(app, {
    method: 'POST',
    url: '/v1/usage',
    access: reporters,
    tag: 'Usage',
    summary: 'Report up to 10,000 records of usage; the same id counts once',
    params: none,
    query: none,
    body: usageBatchSchema,
    answers: { 200: receiptSchema },
    handle: async ({ ledger, body: { records } }) => {
      refuseFuture('records', records, presentOf(ledger.state, dependencies.now()));
      const received = await withModels(dependencies, ledger, records);
      const receipt = await dependencies.recordUsage(ledger.name, received);
      const withoutModel = received.filter(({ model }) => model === undefined).length;
      return { body: { ...receipt, withoutModel }, revision: ledger.state.revision };
    },
  });
}
