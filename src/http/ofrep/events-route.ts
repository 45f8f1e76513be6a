/**
 * GET /ofrep/v1/events: the stream that a bulk answer names, for EventSource: it sends no API key, so the URL holds a ticket.
 * Out go notices to evaluate again, never values.
 */
import type { FastifyInstance, FastifyReply } from 'fastify';
import { z } from 'zod';
import { Failure } from '../../failure.ts';
import type { LiveLedger } from '../../ledger/live-ledger.ts';
import { presentOf } from '../clocks.ts';
import type { HttpDependencies } from '../dependencies.ts';
import type { HttpLogger } from '../faults.ts';
import { checked } from '../request-input.ts';
import { retryText } from '../stream-frames.ts';
import { everyOrigin } from './cross-origin.ts';
import { ofrepFailureAnswer } from './ofrep-schemas.ts';
import { RefetchHub } from './refetch-hub.ts';

export const eventsUrl = '/ofrep/v1/events';

export interface OfrepOptions {
  readonly logger: HttpLogger;
  readonly heartbeatMs?: number;
  readonly maxStreams?: number;
}

const retryMs = 1_000;
/** Of all streams one ledger has so many at most: whoever visits its public page leaves room for the others. */
const shareOfOne = 1 / 4;

const eventsQuery = z.strictObject({
  ticket: z.string().max(300).meta({ description: 'From eventStreams of a bulk answer' }),
});

export function addEventsRoute(
  app: FastifyInstance,
  dependencies: HttpDependencies,
  { heartbeatMs = 15_000, maxStreams = 10_000 }: OfrepOptions,
): void {
  const hubs = new Map<LiveLedger, RefetchHub>();
  let isEnding = false;
  const hubOf = (ledger: LiveLedger): RefetchHub => {
    const hub = hubs.get(ledger) ?? new RefetchHub(ledger, { heartbeatMs, now: () => dependencies.now() });
    hubs.set(ledger, hub);
    return hub;
  };
  app.addHook('preClose', (done) => {
    isEnding = true;
    for (const hub of hubs.values()) hub.end(retryMs);
    done();
  });
  app.route({
    method: 'GET',
    url: eventsUrl,
    exposeHeadRoute: false,
    // The ticket opens it.
    config: { access: 'open' },
    schema: {
      summary: 'Tells when to evaluate again, as server-sent events; its address comes with a bulk answer',
      tags: ['OFREP'],
      querystring: eventsQuery,
      response: {
        200: { description: 'Notices', content: { 'text/event-stream': { schema: z.string() } } },
        default: ofrepFailureAnswer,
      },
    },
    handler: async (request, reply) => {
      const { ticket } = checked(eventsQuery, request.query, 'query');
      const { ledger, ...ofTicket } = await admit(dependencies, ticket);
      const hub = hubOf(ledger);
      const count = [...hubs.values()].reduce((sum, { size }) => sum + size, 0);
      if (count >= maxStreams || hub.size >= Math.ceil(maxStreams * shareOfOne)) {
        const options = { reason: 'too_many_streams', retryAfterSeconds: 10 };
        throw new Failure('limited', 'too many streams are open', options);
      }
      if (isEnding) throw new Failure('unavailable', 'this server is about to end', { reason: 'ending' });
      open(reply);
      hub.serve({ response: reply.raw, ...ofTicket });
    },
  });
}

/** Failures: unauthenticated, unavailable. */
async function admit(dependencies: HttpDependencies, ticket: string) {
  const redeemed = await dependencies.eventTickets.redeem(ticket);
  const ledger = redeemed && (await dependencies.ledger(redeemed.ledger));
  if (
    redeemed === undefined ||
    ledger === undefined ||
    redeemed.until <= presentOf(ledger.state, dependencies.now())
  ) {
    throw new Failure('unauthenticated', 'this ticket opens nothing, or not any more; evaluate again', {
      reason: 'bad_ticket',
      details: [{ path: 'query.ticket', message: 'not good, or not any more' }],
    });
  }
  return { ...redeemed, ledger };
}

function open(reply: FastifyReply): void {
  reply.hijack();
  reply.raw.writeHead(200, {
    ...everyOrigin,
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-store',
    'x-accel-buffering': 'no',
    'x-content-type-options': 'nosniff',
    'x-request-id': reply.request.id,
  });
  reply.raw.write(retryText(retryMs));
}
