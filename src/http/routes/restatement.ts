/**
 * GET /v1/costs/restatement: what corrections of past prices have changed about the cost of recorded usage.
 * Only records of corrected models inside the corrected intervals are read; a price that merely changed, also one that
 * was learnt late, restates nothing.
 */
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { forever, formatEnd } from '../../domain/assertion.ts';
import { formatInstant } from '../../domain/instant.ts';
import { priceOverTime } from '../../domain/usage/price-over-time.ts';
import {
  correctedSpans,
  createRestatement,
  type Restatement,
  type Span,
  withoutCorrections,
} from '../../domain/usage/restatement.ts';
import type { PriceCorrection } from '../../domain/usage/usage-questions.ts';
import type { HttpDependencies } from '../dependencies.ts';
import { invalidAt } from '../problem.ts';
import { maxRevision, timeQuery, wholeNumber } from '../query-schemas.ts';
import { momentInTables } from '../read-call.ts';
import { readers } from '../roles.ts';
import { addRoute, none } from '../route.ts';
import { readingBudget, usagePages } from '../usage-reading.ts';
import { refuseEmptyWindow, usageQuery } from './costs.ts';
import { modelIdIn } from './models.ts';

/** The most corrections that an answer lists. */
const maxListed = 1_000;

const count = z.number().int().nonnegative();
const dollars = z.string().meta({ description: 'US dollars, a plain decimal, exact' });
const restatedShape = {
  records: count.meta({ description: 'Those whose cost has changed' }),
  oldCost: dollars,
  newCost: dollars,
  difference: z.string().meta({ description: 'New minus old, with a sign when it is negative' }),
  newlyPriced: count.meta({
    description: 'Records that had no known price before; their old cost counts as 0',
  }),
  noLongerPriced: count.meta({
    description: 'Records that have no known price now; their new cost counts as 0',
  }),
};

const restatementSchema = z
  .strictObject({
    since: count,
    revision: count,
    corrections: z.array(
      z.strictObject({
        revision: count,
        model: z.string(),
        effectiveFrom: z.string(),
        effectiveUntil: z.string().nullable(),
      }),
    ),
    correctionCount: count.meta({
      description: `All of them; at most ${maxListed} are listed, oldest first`,
    }),
    total: z.strictObject(restatedShape),
    items: z.array(
      z
        .strictObject({
          model: z.string().nullable(),
          tenant: z.string().nullable(),
          isRest: z.literal(true).optional(),
          ...restatedShape,
        })
        .meta({ id: 'RestatedItem', description: 'isRest marks the sum of all that are not listed' }),
    ),
  })
  .meta({ id: 'Restatement', description: 'The items add up to the total; the largest differences first' });

export function addRestatementRoute(app: FastifyInstance, dependencies: HttpDependencies): void {
  addRoute(app, {
    method: 'GET',
    url: '/v1/costs/restatement',
    access: readers,
    tag: 'Usage',
    summary: 'What corrections of past prices have changed: old cost, new cost, difference',
    params: none,
    query: z.strictObject({
      since: wholeNumber(0, maxRevision),
      from: timeQuery.exactOptional(),
      to: timeQuery.exactOptional(),
      ...usageQuery,
    }),
    body: none,
    answers: { 200: restatementSchema },
    handle: async (call) => {
      const { since, from = 0, to = forever, model, tenant, limit } = call.query;
      refuseEmptyWindow(from, to);
      const { asOf, at } = await momentInTables(dependencies, call, ['prices']);
      if (since > asOf) {
        throw invalidAt(
          'query.since',
          `the answer reflects revision ${asOf}, which is before`,
          'beyond_head',
        );
      }
      const { name } = call.ledger;
      const wanted = model === undefined ? undefined : modelIdIn(call.ledger, model);
      const all = await dependencies.reads.correctionsSince(name, since, asOf, wanted);
      const corrections = all.filter((correction) => correction.from < to && correction.until > from);
      const question = { ledger: name, since, asOf, window: { from, to }, tenant };
      const restatement = await restate(dependencies, question, corrections);
      const body = {
        since,
        revision: asOf,
        corrections: corrections.slice(0, maxListed).map(correctionAnswer),
        correctionCount: corrections.length,
        total: restatement.total(),
        items: restatement.items(limit),
      };
      return { body, revision: asOf, at };
    },
  });
}

interface Question {
  readonly ledger: string;
  readonly since: number;
  readonly asOf: number;
  readonly window: Span;
  readonly tenant: string | undefined;
}

async function restate(
  { reads }: HttpDependencies,
  { ledger, since, asOf, window, tenant }: Question,
  corrections: readonly PriceCorrection[],
): Promise<Restatement> {
  const restatement = createRestatement();
  const budget = readingBudget();
  const spansByModel = correctedSpans(corrections, window);
  const pricesByModel = await reads.pricesOfModels(ledger, asOf, [...spansByModel.keys()]);
  for (const [model, spans] of spansByModel) {
    const prices = pricesByModel.get(model) ?? [];
    const priceNow = priceOverTime(prices);
    const priceBefore = priceOverTime(withoutCorrections(prices, since));
    for (const span of spans) {
      const filter = { ...span, model, ...(tenant === undefined ? {} : { tenant }) };
      for await (const page of usagePages(reads, ledger, filter, budget)) {
        for (const record of page) {
          const names = { model, tenant: record.tenant ?? null };
          restatement.add(record, names, priceBefore(record.at), priceNow(record.at));
        }
      }
    }
  }
  return restatement;
}

function correctionAnswer({ revision, model, from, until }: PriceCorrection) {
  return {
    revision,
    model,
    effectiveFrom: formatInstant(from),
    effectiveUntil: formatEnd(until),
  };
}
