/**
 * GET /v1/diff: what differs between two points of the ledger, subject by subject and field by field.
 * Points are named as asOf is everywhere, in any order; out comes each field before and after, and the events in between.
 */
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { jsonSchema, scopeSchema, text } from '../../domain/change.ts';
import type { Difference, DiffFilter } from '../../domain/diff-questions.ts';
import { formatInstant } from '../../domain/instant.ts';
import { maxModelIdLength } from '../../domain/model-reference.ts';
import type { Moment } from '../../domain/questions.ts';
import type { LiveLedger } from '../../ledger/live-ledger.ts';
import type { Answer } from '../answer.ts';
import { fixMoment, readClocks } from '../clocks.ts';
import type { HttpDependencies } from '../dependencies.ts';
import { clockQuery, keyPatternSchema, pageQuery } from '../query-schemas.ts';
import { readers } from '../roles.ts';
import { addRoute, type Call, none } from '../route.ts';
import { modelPatternIn } from './models.ts';

const diffQuery = z.strictObject({
  from: clockQuery.asOf.unwrap(),
  to: clockQuery.asOf,
  subject: text(500).exactOptional(),
  key: keyPatternSchema.exactOptional(),
  scope: scopeSchema.exactOptional(),
  model: text(maxModelIdLength)
    .meta({ description: 'A model; * stands for any text, as in deepseek/*' })
    .exactOptional(),
  minRevision: clockQuery.minRevision,
  ...pageQuery,
});
type DiffQuery = z.output<typeof diffQuery>;

const pointAnswerSchema = z.strictObject({ revision: z.number().int(), at: z.string() });

const diffSchema = z
  .strictObject({
    from: pointAnswerSchema,
    to: pointAnswerSchema,
    items: z.array(
      z.strictObject({
        subject: z.string(),
        field: z.string(),
        before: jsonSchema,
        after: jsonSchema,
        events: z.array(z.number().int()),
        moreEvents: z.literal(true).optional(),
      }),
    ),
    nextCursor: z.string().nullable(),
  })
  .meta({
    id: 'Diff',
    description:
      'Null before or after means that the field was not there. events are the revisions of the subject in between, newest first, at most 100 (moreEvents: there are older ones); none where only time has passed. What is still to come stands in scheduled and scheduledPricing',
  });

/** What a diff is made of; tags, API keys and ledgers stand in the history. */
const projections = ['history', 'changesets', 'assertions', 'keys', 'catalogue', 'prices'];

export function addDiffRoute(app: FastifyInstance, dependencies: HttpDependencies): void {
  addRoute(app, {
    method: 'GET',
    url: '/v1/diff',
    access: readers,
    tag: 'Read',
    summary: 'What differs between two points, field by field, with the events in between',
    params: none,
    query: diffQuery,
    body: none,
    answers: { 200: diffSchema },
    handle: (call) => diff(dependencies, call),
  });
}

async function diff(
  dependencies: HttpDependencies,
  { ledger, query }: Call<unknown, DiffQuery, unknown>,
): Promise<Answer> {
  const { minRevision, limit, cursor } = query;
  const freshness = minRevision === undefined ? {} : { minRevision };
  const first = await readClocks(dependencies, ledger, { ...freshness, asOf: query.from }, 'query.from');
  const last = await readClocks(
    dependencies,
    ledger,
    query.to === undefined ? {} : { asOf: query.to },
    'query.to',
  );
  const now = dependencies.now();
  const from = fixMoment(first, ledger.state, now);
  const to = fixMoment(last, ledger.state, now);
  await dependencies.reads.waitFor(ledger.name, Math.max(from.asOf, to.asOf), projections);
  const question = { from, to, isOpen: query.to === undefined, filter: filterOf(query, ledger) };
  const page = await dependencies.reads.differences(ledger.name, question, {
    limit,
    ...(cursor === undefined ? {} : { cursor }),
  });
  const body = {
    from: pointAnswer(from),
    to: pointAnswer(page.to),
    items: page.items.map(differenceAnswer),
    nextCursor: page.nextCursor,
  };
  return { body, revision: page.to.asOf, at: page.to.at };
}

function filterOf({ subject, key, scope, model }: DiffQuery, ledger: LiveLedger): DiffFilter {
  return {
    ...(subject === undefined ? {} : { subject }),
    ...(key === undefined ? {} : { key }),
    ...(scope === undefined ? {} : { scope }),
    ...(model === undefined ? {} : { model: modelPatternIn(ledger, model) }),
  };
}

function pointAnswer({ asOf, at }: Moment) {
  return { revision: asOf, at: formatInstant(at) };
}

function differenceAnswer({ hasMoreEvents, ...item }: Difference) {
  return { ...item, ...(hasMoreEvents ? { moreEvents: true } : {}) };
}
