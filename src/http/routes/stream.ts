/**
 * GET /v1/stream: server-sent events of one ledger, resuming by Last-Event-ID.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { formatInstant } from '../../domain/instant.ts';
import { scopeFilter } from '../../domain/scope-filter.ts';
import { Failure } from '../../failure.ts';
import type { LiveLedger } from '../../ledger/live-ledger.ts';
import { standingHeaders, varyHeader } from '../answer.ts';
import type { Caller } from '../authentication.ts';
import { presentOf, waitForRevision } from '../clocks.ts';
import type { HttpDependencies, Principal } from '../dependencies.ts';
import type { HttpLogger } from '../faults.ts';
import { invalidAt } from '../problem.ts';
import { listOf, maxRevision, maxScopePatterns, scopePatternSchema, wholeNumber } from '../query-schemas.ts';
import { checked } from '../request-input.ts';
import { anyRole } from '../roles.ts';
import { addRawRoute, none } from '../route.ts';
import { retryText, revisionText, type StreamView } from '../stream-frames.ts';
import { StreamHub } from '../stream-hub.ts';
import { beginEventStream, openHubs, retryMs } from '../stream-hubs.ts';

export interface StreamRouteOptions {
  readonly logger: HttpLogger;
  readonly heartbeatMs?: number;
  readonly maxStreams?: number;
  readonly stallMs?: number;
}

const maxPendingBytes = 1024 * 1024;

const streamQuery = z.strictObject({
  from: wholeNumber(0, maxRevision)
    .meta({
      type: 'integer',
      minimum: 0,
      description: 'The last revision that you have; the head when it is left out',
    })
    .exactOptional(),
  view: z.enum(['events', 'values']).exactOptional(),
  scopes: listOf(scopePatternSchema, maxScopePatterns)
    .meta({
      type: 'string',
      description: `The overrides to tell of, as in a snapshot; goes with the view values. Separated by commas, at most ${maxScopePatterns}`,
    })
    .exactOptional(),
  follow: z
    .enum(['true', 'false'])
    .meta({ description: 'Whether to stay for what comes in; false ends the answer at the head' })
    .exactOptional(),
});

export function addStreamRoute(
  app: FastifyInstance,
  dependencies: Pick<HttpDependencies, 'authenticate' | 'now'>,
  options: StreamRouteOptions,
): void {
  const { heartbeatMs = 15_000, maxStreams = 10_000, stallMs = 30_000, logger } = options;
  const limits = { heartbeatMs, maxPendingBytes, stallMs, now: () => dependencies.now() };
  const hubFor = openHubs(app, (ledger) => new StreamHub(ledger, limits), { maxStreams });
  addRawRoute(app, {
    method: 'GET',
    url: '/v1/stream',
    access: anyRole,
    tag: 'Resolve',
    summary:
      'Changesets as they happen, as server-sent events; the id of a message is its revision. Without an id come activation, what turns by itself, and alive, the moment and the age of what is told',
    params: none,
    query: streamQuery,
    body: none,
    headers: z.object({ 'last-event-id': z.string().optional() }),
    contentTypes: ['text/event-stream'],
    answers: { 200: z.string() },
    handle: async (call, reply) => {
      const lens = lensFor(call.principal, call.query.view, call.query.scopes);
      const isFollowing = call.query.follow !== 'false';
      const given = await positionOf(call.request, call.ledger, call.query.from);
      // It may have gone meanwhile; then nothing will tell that it has.
      if (reply.raw.destroyed) return reply.hijack();
      const hub = hubFor(call.ledger);
      const position = given ?? call.ledger.state.revision;
      open(reply, call, dependencies.now());
      const { revision, recordedAt } = call.ledger.state;
      // Who named no revision is told one to resume from, should the connection break before the first change.
      if (isFollowing) reply.raw.write(retryText(retryMs));
      if (given === undefined) reply.raw.write(revisionText(revision, formatInstant(recordedAt)));
      const isStillKnown = async () => (await dependencies.authenticate(call.token)) !== undefined;
      hub
        .serve(reply.raw, { lens, position, isFollowing, isStillKnown })
        .catch((error: unknown) =>
          logger.warn({ requestId: call.request.id, err: error }, 'a stream was cut off'),
        );
    },
  });
}

/** Failures: forbidden, and invalid for scopes in a view that shows all that happened. */
function lensFor(principal: Principal, asked: StreamView | undefined, scopes: readonly string[] | undefined) {
  const view = viewFor(principal, asked);
  if (scopes === undefined) return { view };
  if (view === 'events') throw invalidAt('query.scopes', 'scopes go with view=values', 'wrong_view');
  return { view, scopes: scopeFilter(scopes) };
}

/** A service sees what it resolves with; who did what and why is for the roles that may read it elsewhere. */
function viewFor({ role }: Principal, asked: StreamView | undefined): StreamView {
  if (role !== 'service') return asked ?? 'events';
  if (asked === 'events') {
    throw new Failure('forbidden', 'the role service streams the view values', {
      reason: 'wrong_role',
      details: [{ path: 'query.view', message: 'the role service streams the view values' }],
    });
  }
  return 'values';
}

/**
 * The last revision that the client has: Last-Event-ID, or else `from`; undefined when it has none.
 * A Last-Event-ID from another server may be ahead of this one: then this one catches up first (bounded).
 */
async function positionOf(
  request: FastifyRequest,
  ledger: LiveLedger,
  from: number | undefined,
): Promise<number | undefined> {
  const id = request.headers['last-event-id'];
  if (id !== undefined && id !== '') {
    const schema = z.object({ 'Last-Event-ID': wholeNumber(0, maxRevision) });
    const { 'Last-Event-ID': revision } = checked(schema, { 'Last-Event-ID': id }, 'header');
    await waitForRevision(ledger, revision, 'header.Last-Event-ID');
    return revision;
  }
  const head = ledger.state.revision;
  if (from !== undefined && from > head) {
    throw invalidAt('query.from', `the ledger ends at revision ${head}`, 'beyond_head');
  }
  return from;
}

/** Sends the headers. */
function open(reply: FastifyReply, { ledger }: Caller, now: number): void {
  beginEventStream(reply, {
    Vary: varyHeader,
    ...standingHeaders(ledger),
    'Varve-At': formatInstant(presentOf(ledger.state, now)),
  });
}
