/**
 * The history: events newest first, one event, one changeset; the whole of it as a file.
 */
import { Readable } from 'node:stream';
import type { FastifyInstance, FastifyReply } from 'fastify';
import { z } from 'zod';
import { keySchema, scopeSchema, text } from '../../domain/change.ts';
import type { EventType } from '../../domain/event.ts';
import { eventAnswer } from '../../domain/event-answer.ts';
import { formatInstant } from '../../domain/instant.ts';
import type { ChangesetRecord, HistoryFilter, HistoryItem } from '../../domain/questions.ts';
import { upcastSteps } from '../../domain/upcast.ts';
import { Failure } from '../../failure.ts';
import type { LiveLedger } from '../../ledger/live-ledger.ts';
import { ageText, sendAnswer, varyHeader } from '../answer.ts';
import { waitForRevision } from '../clocks.ts';
import type { HttpDependencies } from '../dependencies.ts';
import { actorAnswerSchema, eventAnswerSchema, pageSchema } from '../event-answer.ts';
import { csvLines, csvType, exportType, ndjsonLines, ndjsonType } from '../history-export.ts';
import { clockQuery, maxRevision, pageQuery, timeQuery, wholeNumber } from '../query-schemas.ts';
import { momentInTables } from '../read-call.ts';
import { readers } from '../roles.ts';
import { addRawRoute, addRoute, none } from '../route.ts';
import { modelIdIn } from './models.ts';

const eventTypeSchema = z
  .string()
  .refine((type): type is EventType => Object.hasOwn(upcastSteps, type), { error: 'not a type of event' })
  .meta({ enum: Object.keys(upcastSteps) });

const historyQuery = z.strictObject({
  subject: text(500).exactOptional(),
  key: keySchema.exactOptional(),
  scope: scopeSchema.exactOptional(),
  model: text(200).exactOptional(),
  actor: text(200).exactOptional(),
  type: eventTypeSchema.exactOptional(),
  changeset: z.uuid().exactOptional(),
  from: timeQuery.exactOptional(),
  to: timeQuery.exactOptional(),
  q: text(200).exactOptional(),
  asOf: clockQuery.asOf,
  minRevision: clockQuery.minRevision,
  ...pageQuery,
});

export function addHistoryRoutes(app: FastifyInstance, dependencies: HttpDependencies): void {
  addRawRoute(app, {
    method: 'GET',
    url: '/v1/history',
    access: readers,
    tag: 'Read',
    summary: 'Events, newest first; as CSV or NDJSON all of them',
    params: none,
    query: historyQuery,
    body: none,
    contentTypes: ['application/json', csvType, ndjsonType],
    answers: { 200: pageSchema(eventAnswerSchema) },
    handle: async (call, reply) => {
      const moment = await momentInTables(dependencies, call, ['history', 'changesets']);
      const filter = filterOf(call.query, call.ledger, moment.asOf);
      const type = exportType(call.headers.accept);
      if (type === undefined) {
        const page = await dependencies.reads.history(call.ledger.name, filter, call.query);
        const body = { items: page.items.map(eventAnswer), nextCursor: page.nextCursor };
        const headers = { vary: `${varyHeader}, Accept` };
        return sendAnswer(call.request, reply, { body, revision: moment.asOf, at: moment.at, headers });
      }
      const events = dependencies.reads.historyStream(call.ledger.name, filter);
      const told = { ...moment, ageMs: call.ledger.ageMs() };
      return sendFile(reply, type, await begun(events), told, call.request.id);
    },
  });
  addEventRoutes(app, dependencies);
}

function filterOf(query: z.output<typeof historyQuery>, ledger: LiveLedger, asOf: number): HistoryFilter {
  const { limit: _limit, cursor: _cursor, asOf: _asOf, minRevision: _minRevision, model, ...filter } = query;
  return { ...filter, ...(model === undefined ? {} : { model: modelIdIn(ledger, model) }), asOf };
}

/** Asks for the first event before anything is sent, so that a failure can still be told. */
async function begun(events: AsyncIterable<HistoryItem>): Promise<AsyncIterable<HistoryItem>> {
  const iterator = events[Symbol.asyncIterator]();
  const first = await iterator.next();
  return {
    async *[Symbol.asyncIterator]() {
      try {
        for (let item = first; item.done !== true; item = await iterator.next()) yield item.value;
      } finally {
        await iterator.return?.();
      }
    },
  };
}

/** Streams with back-pressure; a failure on the way breaks the connection, so that half a file is not taken for all. */
function sendFile(
  reply: FastifyReply,
  type: typeof csvType | typeof ndjsonType,
  events: AsyncIterable<HistoryItem>,
  moment: { readonly asOf: number; readonly at: number; readonly ageMs: number },
  requestId: string,
): FastifyReply {
  const isCsv = type === csvType;
  const lines = isCsv ? csvLines(events) : ndjsonLines(events);
  return reply
    .headers({
      'content-type': isCsv ? `${csvType}; charset=utf-8; header=present` : ndjsonType,
      'content-disposition': `attachment; filename="varve-history-${moment.asOf}.${isCsv ? 'csv' : 'ndjson'}"`,
      'x-content-type-options': 'nosniff',
      'x-request-id': requestId,
      'cache-control': 'private, no-cache',
      vary: `${varyHeader}, Accept`,
      'varve-revision': String(moment.asOf),
      'varve-at': formatInstant(moment.at),
      'varve-age': ageText(moment.ageMs),
    })
    .send(Readable.from(lines, { objectMode: true, highWaterMark: 64 }));
}

function addEventRoutes(app: FastifyInstance, dependencies: HttpDependencies): void {
  const { reads } = dependencies;
  addRoute(app, {
    method: 'GET',
    url: '/v1/events/:revision',
    access: readers,
    tag: 'Read',
    summary: 'One event',
    params: z.strictObject({ revision: wholeNumber(1, maxRevision) }),
    query: z.strictObject({ minRevision: clockQuery.minRevision }),
    body: none,
    answers: { 200: eventAnswerSchema },
    handle: async (call) => {
      const { revision } = call.params;
      if (call.query.minRevision !== undefined) {
        await waitForRevision(call.ledger, call.query.minRevision, 'query.minRevision');
      }
      const head = call.ledger.state.revision;
      if (revision > head) throw unknown('event', 'path.revision');
      await reads.waitFor(call.ledger.name, revision, ['history', 'changesets']);
      const event = (await reads.events(call.ledger.name, [revision])).get(revision);
      if (event === undefined) throw unknown('event', 'path.revision');
      return { body: eventAnswer(event), revision: head, at: dependencies.now() };
    },
  });
  addRoute(app, {
    method: 'GET',
    url: '/v1/changesets/:id',
    access: readers,
    tag: 'Read',
    summary: 'One changeset with its events',
    params: z.strictObject({ id: z.uuid() }),
    query: z.strictObject({ minRevision: clockQuery.minRevision }),
    body: none,
    answers: { 200: changesetRecordSchema },
    handle: async (call) => {
      const moment = await momentInTables(dependencies, call, ['history', 'changesets']);
      const found = await reads.changeset(call.ledger.name, call.params.id);
      if (found === undefined) throw unknown('changeset', 'path.id');
      const events = found.events.map(eventAnswer);
      const body = { ...changesetRecordAnswer(found.record), actor: events[0]?.actor, events };
      return { body, revision: moment.asOf, at: moment.at };
    },
  });
}

const changesetRecordSchema = z
  .strictObject({
    changesetId: z.string(),
    revisions: z.strictObject({ first: z.number().int(), last: z.number().int() }),
    recordedAt: z.string(),
    actor: actorAnswerSchema,
    reason: z.string(),
    source: z.string(),
    requestId: z.string(),
    undoes: z.string().optional(),
    events: z.array(eventAnswerSchema),
  })
  .meta({ id: 'ChangesetRecord' });

function changesetRecordAnswer(record: ChangesetRecord) {
  const { changesetId, firstRevision, lastRevision, recordedAt, reason, source, requestId, undoes } = record;
  return {
    changesetId,
    revisions: { first: firstRevision, last: lastRevision },
    recordedAt: formatInstant(recordedAt),
    reason,
    source,
    requestId,
    ...(undoes === null ? {} : { undoes }),
  };
}

function unknown(what: string, path: string): Failure {
  return new Failure('not_found', `there is no such ${what}`, {
    reason: `unknown_${what}`,
    details: [{ path, message: `there is no such ${what}` }],
  });
}
