/**
 * Reading the catalogue: models, their versions, their prices on both clocks.
 */
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { text } from '../../domain/change.ts';
import { parseInstant } from '../../domain/instant.ts';
import { canonicalModelId } from '../../domain/model-reference.ts';
import type { ModelRecord, Moment } from '../../domain/questions.ts';
import { Failure } from '../../failure.ts';
import type { LiveLedger } from '../../ledger/live-ledger.ts';
import type { Answer } from '../answer.ts';
import type { HttpDependencies } from '../dependencies.ts';
import { pageSchema } from '../event-answer.ts';
import {
  deprecationHeaders,
  modelAnswer,
  modelAnswerSchema,
  modelVersionAnswer,
  modelVersionsSchema,
  priceAnswer,
  priceAnswerSchema,
} from '../model-answer.ts';
import { clockQuery, modelParams, pageQuery } from '../query-schemas.ts';
import { momentInTables, readFromTables } from '../read-call.ts';
import { readers } from '../roles.ts';
import { addRoute, none } from '../route.ts';

const word = text(200);
const tag = 'Models';

export function addModelRoutes(app: FastifyInstance, dependencies: HttpDependencies): void {
  const { reads } = dependencies;
  addRoute(app, {
    method: 'GET',
    url: '/v1/models',
    access: readers,
    tag,
    summary: 'The catalogue: search and filter',
    params: none,
    query: z.strictObject({
      status: z.enum(['active', 'beta', 'deprecated', 'retired']).exactOptional(),
      provider: word.exactOptional(),
      capability: word.exactOptional(),
      q: word.exactOptional(),
      ...clockQuery,
      ...pageQuery,
    }),
    body: none,
    answers: { 200: pageSchema(modelAnswerSchema) },
    handle: (call) =>
      readFromTables(dependencies, call, ['catalogue', 'prices'], async (moment) => {
        const page = await reads.models(call.ledger.name, moment, call.query, call.query);
        return {
          items: page.items.map((record) => modelAnswer(record, moment.at)),
          nextCursor: page.nextCursor,
        };
      }),
  });
  addRoute(app, {
    method: 'GET',
    url: '/v1/models/:id',
    access: readers,
    tag,
    summary: 'One model, with the price of the moment',
    params: modelParams,
    query: z.strictObject(clockQuery),
    body: none,
    answers: { 200: modelAnswerSchema },
    handle: async (call): Promise<Answer> => {
      const moment = await momentInTables(dependencies, call, ['catalogue', 'prices', 'history']);
      const record = await standingModel(dependencies, call.ledger, moment, call.params.id);
      const headers = deprecationHeaders(
        record.state,
        await deprecatedAt(dependencies, call.ledger, moment, record),
      );
      return { body: modelAnswer(record, moment.at), revision: moment.asOf, at: moment.at, headers };
    },
  });
  addHistoryRoutes(app, dependencies);
}

function addHistoryRoutes(app: FastifyInstance, dependencies: HttpDependencies): void {
  const { reads } = dependencies;
  addRoute(app, {
    method: 'GET',
    url: '/v1/models/:id/history',
    access: readers,
    tag,
    summary: 'The versions of a model, newest first, field by field',
    params: modelParams,
    query: z.strictObject({ ...clockQuery, ...pageQuery }),
    body: none,
    answers: { 200: modelVersionsSchema },
    handle: async (call): Promise<Answer> => {
      const moment = await momentInTables(dependencies, call, ['catalogue', 'history']);
      const { id } = await knownModel(dependencies, call.ledger, moment, call.params.id);
      const page = await reads.modelHistory(call.ledger.name, moment.asOf, id, call.query);
      const answer = { body: page.items.map(modelVersionAnswer), revision: moment.asOf, at: moment.at };
      if (page.nextCursor === null) return answer;
      const next = new URLSearchParams({ limit: String(call.query.limit), cursor: page.nextCursor });
      if (call.query.asOf !== undefined) next.set('asOf', call.query.asOf);
      const link = `</v1/models/${encodeURIComponent(id)}/history?${next.toString()}>; rel="next"`;
      return { ...answer, headers: { link } };
    },
  });
  addRoute(app, {
    method: 'GET',
    url: '/v1/models/:id/prices',
    access: readers,
    tag,
    summary: 'Every price of a model, with both clocks',
    params: modelParams,
    query: z.strictObject(clockQuery),
    body: none,
    answers: { 200: pageSchema(priceAnswerSchema) },
    handle: (call) =>
      readFromTables(dependencies, call, ['catalogue', 'prices'], async (moment) => {
        const { id } = await knownModel(dependencies, call.ledger, moment, call.params.id);
        const prices = await reads.prices(call.ledger.name, moment.asOf, id);
        return { items: prices.map(priceAnswer), nextCursor: null };
      }),
  });
}

/** The model that a path names, also one that was removed. Throws Failure `not_found`. */
async function knownModel(
  { reads }: HttpDependencies,
  ledger: LiveLedger,
  moment: Moment,
  spelling: string,
): Promise<ModelRecord['state']> {
  return (await recordOf(reads, ledger, moment, spelling)).state;
}

async function standingModel(
  { reads }: HttpDependencies,
  ledger: LiveLedger,
  moment: Moment,
  spelling: string,
): Promise<ModelRecord> {
  const record = await recordOf(reads, ledger, moment, spelling);
  if (record.state.status === 'removed')
    throw unknownModel(record.state.id, 'was removed from the catalogue');
  return record;
}

async function recordOf(
  reads: HttpDependencies['reads'],
  ledger: LiveLedger,
  moment: Moment,
  spelling: string,
): Promise<ModelRecord> {
  const id = modelIdIn(ledger, spelling);
  const record = await reads.model(ledger.name, moment, id);
  if (record === undefined) throw unknownModel(id, 'is not in the catalogue');
  return record;
}

/** The id that a path means: `openai:gpt-4o` is understood too. */
export function modelIdIn(ledger: LiveLedger, spelling: string): string {
  return canonicalModelId(spelling, (provider) => ledger.state.knowsProvider(provider));
}

/** The same of a pattern, in which `*` stands for any text. */
export function modelPatternIn(ledger: LiveLedger, pattern: string): string {
  return pattern.includes('*') ? pattern : modelIdIn(ledger, pattern);
}

export function unknownModel(id: string, what: string): Failure {
  return new Failure('not_found', `the model ${id} ${what}`, {
    reason: 'unknown_model',
    details: [{ path: 'path.id', message: `the model ${id} ${what}` }],
  });
}

/** When a deprecated model was deprecated: recorded, or as the source tells it. */
async function deprecatedAt(
  { reads }: HttpDependencies,
  ledger: LiveLedger,
  moment: Moment,
  { state }: ModelRecord,
): Promise<number | undefined> {
  if (state.status !== 'deprecated') return undefined;
  const { items } = await reads.history(
    ledger.name,
    { model: state.id, type: 'ModelDeprecated', asOf: moment.asOf },
    { limit: 1 },
  );
  const event = items[0];
  if (event?.type !== 'ModelDeprecated') return undefined;
  return parseInstant(event.data.observedAt ?? event.recordedAt);
}
