/**
 * OFREP 0.3, the OpenFeature Remote Evaluation Protocol: any OpenFeature client resolves Varve's keys as flags.
 * In: an OpenFeature context; out: values from memory with variant and metadata (domain/flag-details.ts). Browsers may ask
 * from every origin: there are no cookies, the API key is all that opens anything.
 */
import type { FastifyInstance } from 'fastify';
import { contextOfFlag } from '../../domain/flag-context.ts';
import { flagMetadata, flagVariant } from '../../domain/flag-details.ts';
import { type Resolution, resolve } from '../../domain/resolve.ts';
import { type Context, scopesOf } from '../../domain/scope.ts';
import type { LiveLedger } from '../../ledger/live-ledger.ts';
import { type Answer, etagOf } from '../answer.ts';
import type { Caller } from '../authentication.ts';
import { presentOf, waitForRevision } from '../clocks.ts';
import type { HttpDependencies } from '../dependencies.ts';
import { keysOf, resolveKeys, unknownKey } from '../resolve-call.ts';
import { anyRole } from '../roles.ts';
import { addRoute, none } from '../route.ts';
import { allowEveryOrigin } from './cross-origin.ts';
import { addEventsRoute, eventsUrl, type OfrepOptions } from './events-route.ts';
import { sendOfrepFailure } from './ofrep-failure.ts';
import {
  bulkQuery,
  bulkSchema,
  evaluationRequestSchema,
  evaluationSchema,
  flagParams,
  ofrepFailureAnswer,
} from './ofrep-schemas.ts';

const bulkUrl = '/ofrep/v1/evaluate/flags';
const oneUrl = `${bulkUrl}/:key`;

/** A ticket counts in the window in which it was made and in the next: it stays the same so long, and the entity tag with it. */
const ticketWindowMs = 6 * 60 * 60 * 1_000;
/** How long a page may be out of sight before it lets go of its stream. */
const inactivityDelaySec = 120;

export async function addOfrepRoutes(
  app: FastifyInstance,
  dependencies: HttpDependencies,
  options: OfrepOptions,
): Promise<void> {
  app.setErrorHandler((error, request, reply) => sendOfrepFailure(options.logger, request, reply, error));
  allowEveryOrigin(app, [bulkUrl, oneUrl]);
  addOneRoute(app, dependencies);
  addBulkRoute(app, dependencies);
  addEventsRoute(app, dependencies, options);
}

function addOneRoute(app: FastifyInstance, dependencies: HttpDependencies): void {
  addRoute(app, {
    method: 'POST',
    url: oneUrl,
    access: anyRole,
    isRoutine: true,
    tag: 'OFREP',
    summary: 'The value of a key, as an OpenFeature flag',
    params: flagParams,
    query: none,
    body: evaluationRequestSchema,
    answers: { 200: evaluationSchema },
    failure: ofrepFailureAnswer,
    handle: ({ ledger, params, body }): Answer => {
      const { state } = ledger;
      const at = presentOf(state, dependencies.now());
      const resolution = resolve(state, params.key, contextOfFlag(body.context ?? {}), at);
      if (resolution === undefined) throw unknownKey(params.key.slice(0, 200), 'path.key');
      dependencies.metrics.resolvedFromMemory(1);
      return { body: flagOf(resolution), revision: state.revision, at };
    },
  });
}

function addBulkRoute(app: FastifyInstance, dependencies: HttpDependencies): void {
  addRoute(app, {
    method: 'POST',
    url: bulkUrl,
    access: anyRole,
    isRoutine: true,
    tag: 'OFREP',
    summary: 'The values of all keys, as OpenFeature flags; 304 for who has them already',
    params: none,
    query: bulkQuery,
    body: evaluationRequestSchema,
    answers: { 200: bulkSchema },
    failure: ofrepFailureAnswer,
    handle: ({ query, body, ...caller }) => {
      const revision = query.flagConfigEtag;
      const answer = () => bulkAnswer(dependencies, caller, contextOfFlag(body.context ?? {}));
      if (revision === undefined || revision <= caller.ledger.state.revision) return answer();
      // The notice came from a server that is ahead of this one.
      return waitForRevision(caller.ledger, revision, 'query.flagConfigEtag').then(answer);
    },
  });
}

/**
 * The entity tag is made of the flags and the address of the stream. It is weak, as the revision of the ledger stands in
 * the answer as well: what changed for others only is no change, and the header Varve-Revision of a 304 tells it.
 */
function bulkAnswer(
  dependencies: HttpDependencies,
  { ledger, token }: Pick<Caller, 'ledger' | 'token'>,
  context: Context,
): Answer {
  const { metrics, eventTickets } = dependencies;
  const { state } = ledger;
  const at = presentOf(state, dependencies.now());
  const keys = keysOf(state, { contexts: [context] }).toSorted();
  const flags = JSON.stringify(resolveKeys(state, keys, context, at, 'flags').map(flagOf));
  metrics.resolvedFromMemory(keys.length);
  const ticket = eventTickets.issue(token, ticketClaim(ledger, context, at));
  const streams = [
    { type: 'sse', endpoint: { requestUri: `${eventsUrl}?ticket=${ticket}` }, inactivityDelaySec },
  ];
  const metadata = JSON.stringify({ ledger: ledger.name, revision: state.revision });
  return {
    text: `{"flags":${flags},"metadata":${metadata},"eventStreams":${JSON.stringify(streams)}}`,
    tag: `W/${etagOf(`${ticket}\n${flags}`)}`,
    revision: state.revision,
    at,
  };
}

function ticketClaim({ name }: LiveLedger, context: Context, at: number) {
  const until = (Math.floor(at / ticketWindowMs) + 2) * ticketWindowMs;
  return { ledger: name, until, scopes: scopesOf(context).filter((scope) => scope !== 'global') };
}

function flagOf(resolution: Resolution) {
  const { key, value, reason } = resolution;
  return {
    key,
    value,
    reason,
    variant: flagVariant(resolution),
    metadata: flagMetadata(resolution),
  };
}
