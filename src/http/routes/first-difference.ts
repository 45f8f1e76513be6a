/**
 * GET /v1/first-difference: the first revision after a point at which a key resolves differently for a context than at that
 * point, each revision seen as a service saw it; or the moment at which time alone changed it.
 */
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import type { FirstDifference } from '../../domain/blame-questions.ts';
import { keySchema } from '../../domain/change.ts';
import { formatInstant } from '../../domain/instant.ts';
import type { Moment } from '../../domain/questions.ts';
import type { LiveLedger } from '../../ledger/live-ledger.ts';
import { fixMoment, readClocks } from '../clocks.ts';
import type { HttpDependencies } from '../dependencies.ts';
import { briefEventSchema, eventPart } from '../event-answer.ts';
import { invalidAt } from '../problem.ts';
import { clockQuery, contextQuery } from '../query-schemas.ts';
import { resolutionAnswer, resolutionSchema } from '../resolution-answer.ts';
import { unknownKey } from '../resolve-call.ts';
import { readers } from '../roles.ts';
import { addRoute, none } from '../route.ts';
import { contextOf } from './resolve-key.ts';

const pointSchema = z.strictObject({ revision: z.number().int(), at: z.string() });

const differenceSchema = z.strictObject({
  revision: z.number().int().nullable().meta({
    description: 'The first revision recorded with the difference or after it; null when there is none',
  }),
  at: z.string(),
  before: resolutionSchema.nullable().meta({ description: 'Just before; null where the key is not defined' }),
  after: resolutionSchema.nullable(),
  event: briefEventSchema.optional().meta({
    description: 'What made the difference; absent when time alone did: a start, an end, a sunset',
  }),
});

const answerSchema = z
  .strictObject({
    key: z.string(),
    context: z.strictObject({
      user: z.string().optional(),
      tenant: z.string().optional(),
      tier: z.string().optional(),
    }),
    from: pointSchema,
    to: pointSchema,
    difference: differenceSchema.nullable(),
  })
  .meta({ id: 'FirstDifference' });

/** What the search reads. */
const projections = ['assertions', 'keys', 'catalogue', 'history', 'changesets'];

export function addFirstDifferenceRoute(app: FastifyInstance, dependencies: HttpDependencies): void {
  const { reads } = dependencies;
  addRoute(app, {
    method: 'GET',
    url: '/v1/first-difference',
    access: readers,
    tag: 'Read',
    summary: 'Since when a key has another value for a context than at a point',
    params: none,
    query: z.strictObject({
      key: keySchema,
      from: clockQuery.asOf.unwrap(),
      to: clockQuery.asOf,
      minRevision: clockQuery.minRevision,
      ...contextQuery,
    }),
    body: none,
    answers: { 200: answerSchema },
    handle: async (call) => {
      const { key, from, to, minRevision } = call.query;
      const until = await pointOf(dependencies, call.ledger, 'query.to', to, minRevision);
      const since = await pointOf(dependencies, call.ledger, 'query.from', from);
      if (since.asOf > until.asOf || since.at > until.at) {
        throw invalidAt('query.from', 'this is after `to`', 'from_after_to');
      }
      const ledger = call.ledger.name;
      const context = contextOf(call.query);
      await reads.waitFor(ledger, until.asOf, projections);
      if ((await reads.key(ledger, until.asOf, key)) === undefined) throw unknownKey(key, 'query.key');
      const difference = await reads.firstDifference(ledger, { key, context, from: since, to: until });
      const body = {
        key,
        context,
        from: pointAnswer(since),
        to: pointAnswer(until),
        difference: difference === undefined ? null : differenceAnswer(difference),
      };
      return { body, revision: until.asOf, at: until.at };
    },
  });
}

/** The head, now, when nothing is asked. */
async function pointOf(
  dependencies: HttpDependencies,
  ledger: LiveLedger,
  place: string,
  asOf: string | undefined,
  minRevision?: number,
): Promise<Moment> {
  const question = {
    ...(asOf === undefined ? {} : { asOf }),
    ...(minRevision === undefined ? {} : { minRevision }),
  };
  const clocks = await readClocks(dependencies, ledger, question, place);
  const { asOf: revision, at } = fixMoment(clocks, ledger.state, dependencies.now());
  return { asOf: revision, at };
}

function pointAnswer({ asOf, at }: Moment) {
  return { revision: asOf, at: formatInstant(at) };
}

function differenceAnswer({ revision, at, before, after, event }: FirstDifference) {
  return {
    revision,
    at: formatInstant(at),
    before: before === undefined ? null : resolutionAnswer(before),
    after: after === undefined ? null : resolutionAnswer(after),
    ...eventPart(event),
  };
}
