/**
 * POST /v1/compare: two worlds side by side. It asks in a body because a world may hold a draft, and appends nothing.
 */
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { changeSchema, instantSchema, text } from '../../domain/change.ts';
import { parseInstant } from '../../domain/instant.ts';
import { presentOf, waitForRevision } from '../clocks.ts';
import { comparisonAnswer, comparisonSchema } from '../compare/compare-answer.ts';
import { compareWorlds } from '../compare/compare-call.ts';
import type { WorldWish } from '../compare/worlds.ts';
import type { HttpDependencies } from '../dependencies.ts';
import { invalidAt } from '../problem.ts';
import { contextQuery, maxRevision, wholeNumber } from '../query-schemas.ts';
import { readers } from '../roles.ts';
import { addRoute, none } from '../route.ts';

const maxDraftChanges = 1_000;
const maxContexts = 1_000;

const worldSchema = z
  .strictObject({
    asOf: z
      .union([z.string().min(1).max(200), z.number().int().nonnegative()], {
        error: 'a revision, a time (RFC 3339) or tag:<name>',
      })
      .transform(String)
      .exactOptional(),
    at: instantSchema.exactOptional(),
    arm: text(100).exactOptional(),
    changes: z.array(changeSchema).min(1).max(maxDraftChanges).exactOptional(),
  })
  .meta({
    id: 'World',
    description:
      'A point on both clocks; with arm every unit of an allocation that has this arm gets it; changes are a draft on top, decided at the point and never appended',
  });

const comparisonRequestSchema = z
  .strictObject({
    left: worldSchema,
    right: worldSchema,
    contexts: z.array(z.strictObject(contextQuery)).min(1).max(maxContexts).exactOptional(),
    usage: z.strictObject({ from: instantSchema, to: instantSchema }).exactOptional(),
  })
  .meta({
    id: 'ComparisonRequest',
    description: 'Without contexts those are asked that are known; with usage, what it costs in each world',
  });

export function addCompareRoute(app: FastifyInstance, dependencies: HttpDependencies): void {
  addRoute(app, {
    method: 'POST',
    url: '/v1/compare',
    access: readers,
    tag: 'Time machine',
    summary:
      'Compare two points in time, drafts or arms: what differs, what resolves differently, what usage costs',
    params: none,
    query: z.strictObject({ minRevision: wholeNumber(0, maxRevision).exactOptional() }),
    body: comparisonRequestSchema,
    answers: { 200: comparisonSchema },
    handle: async ({ ledger, query, body }) => {
      const { left, right, contexts, usage } = body;
      if (query.minRevision !== undefined) {
        await waitForRevision(ledger, query.minRevision, 'query.minRevision');
      }
      const comparison = await compareWorlds(dependencies, ledger, {
        left: wishOf(left),
        right: wishOf(right),
        ...(contexts === undefined ? {} : { contexts }),
        ...(usage === undefined ? {} : { usage: windowOf(usage) }),
      });
      const { state } = ledger;
      return {
        body: comparisonAnswer(comparison),
        revision: state.revision,
        at: presentOf(state, dependencies.now()),
      };
    },
  });
}

function wishOf({ at, ...same }: z.output<typeof worldSchema>): WorldWish {
  return at === undefined ? same : { ...same, at: instantOf(at) };
}

function windowOf({ from, to }: { readonly from: string; readonly to: string }) {
  const window = { from: instantOf(from), to: instantOf(to) };
  if (window.from >= window.to) throw invalidAt('usage.to', 'this is not after from', 'empty_interval');
  return window;
}

/** Of a text that the schema has let through. */
function instantOf(text: string): number {
  return parseInstant(text) ?? 0;
}
