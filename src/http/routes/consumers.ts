/**
 * Consumers: processes that hold a ledger's values say by heartbeats what they have applied, and the list says who serves which
 * revision. Operational; no event is made.
 */
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import {
  type Consumer,
  consumerState,
  consumerStates,
  silentAfterMs,
  stuckAfterMs,
} from '../../domain/arrival.ts';
import { scopeIdSchema, text } from '../../domain/change.ts';
import { formatInstant } from '../../domain/instant.ts';
import { Failure } from '../../failure.ts';
import type { LiveLedger } from '../../ledger/live-ledger.ts';
import { withTimeLimit } from '../../ledger/time-limit.ts';
import { cursorOf } from '../../queries/cursor.ts';
import type { Answer } from '../answer.ts';
import type { Arrivals } from '../arrival/arrivals.ts';
import { consumersFrom, maxPage, vantageOf } from '../arrival/consumers-now.ts';
import { presentOf, waitForRevision } from '../clocks.ts';
import type { HttpDependencies } from '../dependencies.ts';
import { pageSchema } from '../event-answer.ts';
import { invalidAt } from '../problem.ts';
import { maxRevision, pageQuery, timeQuery } from '../query-schemas.ts';
import { readers, reporters } from '../roles.ts';
import { addRoute, type Call, none } from '../route.ts';
import { refuseFuture } from '../usage-input.ts';

const maxContexts = 1_000;

const heartbeatSchema = z
  .strictObject({
    client: text(200).meta({ description: 'How the process is called; several may have one name' }),
    instance: text(100)
      .meta({ description: 'Tells processes of one name apart; without it the last one to speak stands' })
      .exactOptional(),
    revision: z.number().int().min(0).max(maxRevision).meta({ description: 'The last one that is applied' }),
    leaving: z.boolean().meta({ description: 'Good-bye: forget this process' }).exactOptional(),
    contexts: z
      .array(
        z.strictObject({
          user: scopeIdSchema.exactOptional(),
          tenant: scopeIdSchema.exactOptional(),
          tier: scopeIdSchema.exactOptional(),
          at: timeQuery.exactOptional(),
        }),
      )
      .max(maxContexts)
      .meta({ description: 'Who asked lately, and when; now when it is left out' })
      .exactOptional(),
  })
  .meta({ id: 'Heartbeat' });

const consumerSchema = z
  .strictObject({
    client: z.string(),
    instance: z.string(),
    revision: z.number().int(),
    lag: z.number().int().meta({ description: 'Revisions behind the head, as of its last heartbeat' }),
    state: z.enum(consumerStates).meta({
      description: `stuck: behind for more than ${stuckAfterMs / 1_000} s; silent: not heard of for more than ${silentAfterMs / 1_000} s; forgotten after a day`,
    }),
    firstSeenAt: z.string(),
    lastSeenAt: z.string().meta({ description: 'Up to five seconds behind' }),
    movedAt: z.string().meta({ description: 'When it said another revision for the last time' }),
  })
  .meta({ id: 'Consumer' });

const listQuery = z.strictObject({ ...pageQuery, state: z.enum(consumerStates).exactOptional() });

const consumerCursor = cursorOf(z.strictObject({ client: z.string(), instance: z.string() }));

export function addConsumerRoutes(
  app: FastifyInstance,
  dependencies: HttpDependencies,
  arrivals: Arrivals,
): void {
  addRoute(app, {
    method: 'POST',
    url: '/v1/heartbeats',
    access: reporters,
    tag: 'Arrival',
    summary: 'Say which revision a process has applied, and who asked it',
    isRoutine: true,
    params: none,
    query: none,
    body: heartbeatSchema,
    answers: { 200: z.strictObject({ revision: z.number().int() }).meta({ id: 'HeartbeatAnswer' }) },
    handle: (call) => postHeartbeat(dependencies, arrivals, call),
  });
  addRoute(app, {
    method: 'GET',
    url: '/v1/consumers',
    access: readers,
    tag: 'Arrival',
    summary: 'Which process serves which revision, by name',
    params: none,
    query: listQuery,
    body: none,
    answers: { 200: pageSchema(consumerSchema) },
    handle: (call) => listConsumers(dependencies, call),
  });
}

async function postHeartbeat(
  dependencies: HttpDependencies,
  arrivals: Arrivals,
  { ledger, body }: Call<unknown, unknown, z.output<typeof heartbeatSchema>>,
): Promise<Answer> {
  const { client, instance = '', revision, leaving: isLeaving = false, contexts = [] } = body;
  // Now, not when it is kept: a good-bye may overtake it on the way.
  const at = dependencies.now();
  const now = presentOf(ledger.state, at);
  const seen = contexts.map(({ at: askedAt = now, ...context }) => ({ ...context, at: askedAt }));
  refuseFuture('contexts', seen, now);
  await mustBeThere(ledger, revision);
  if (seen.length > 0) await dependencies.consumers.noteContexts(ledger.name, seen);
  await arrivals.note(ledger, { client, instance, revision, at, isLeaving });
  return { body: { revision: ledger.state.revision }, revision: ledger.state.revision };
}

/** Another server may be ahead of this one for so long. */
const catchUpMs = 1_000;
/** How long ago a log was heard of whose end can be believed. */
const freshMs = 5_000;

/** Waits (bounded) until this server has a revision that a process says it has. Failures: invalid, unavailable when the log is away. */
async function mustBeThere(ledger: LiveLedger, revision: number): Promise<void> {
  try {
    await withTimeLimit(waitForRevision(ledger, revision, 'revision'), catchUpMs, () => {
      throw new Failure('unavailable', `revision ${revision} is not here yet`, { retryAfterSeconds: 1 });
    });
  } catch (error) {
    if (!(error instanceof Failure) || ledger.ageMs() > freshMs) throw error;
    throw invalidAt('revision', `the ledger ends at revision ${ledger.state.revision}`, 'beyond_head');
  }
}

async function listConsumers(
  dependencies: HttpDependencies,
  { ledger, query }: Call<unknown, z.output<typeof listQuery>, unknown>,
): Promise<Answer> {
  const vantage = await vantageOf(dependencies, ledger);
  const { limit, state } = query;
  const start = consumerCursor.read(query.cursor);
  const found: Consumer[] = [];
  // Who is in a state may be few among many.
  const pageSize = state === undefined ? Math.min(limit + 1, maxPage) : maxPage;
  for await (const consumer of consumersFrom(dependencies, ledger, start, pageSize)) {
    if (state !== undefined && consumerState(consumer, vantage) !== state) continue;
    found.push(consumer);
    if (found.length > limit) break;
  }
  const items = found.slice(0, limit);
  const last = items.at(-1);
  const hasMore = found.length > items.length && last !== undefined;
  return {
    body: {
      items: items.map(({ firstSeenAt, lastSeenAt, movedAt, ...consumer }) => ({
        ...consumer,
        lag: Math.max(0, vantage.head - consumer.revision),
        state: consumerState({ firstSeenAt, lastSeenAt, movedAt, ...consumer }, vantage),
        firstSeenAt: formatInstant(firstSeenAt),
        lastSeenAt: formatInstant(lastSeenAt),
        movedAt: formatInstant(movedAt),
      })),
      nextCursor: hasMore ? consumerCursor.write({ client: last.client, instance: last.instance }) : null,
    },
    revision: vantage.head,
    at: vantage.now,
  };
}
