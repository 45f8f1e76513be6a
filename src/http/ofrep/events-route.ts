/**
 * GET /ofrep/v1/events: the stream that a bulk answer names, for EventSource: it sends no API key, so the URL holds a ticket.
 * Out go notices to evaluate again, never values.
 */
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { Failure } from '../../failure.ts';
import { presentOf } from '../clocks.ts';
import type { HttpDependencies } from '../dependencies.ts';
import type { HttpLogger } from '../faults.ts';
import { checked } from '../request-input.ts';
import { retryText } from '../stream-frames.ts';
import { beginEventStream, openHubs, retryMs } from '../stream-hubs.ts';
import { everyOrigin } from './cross-origin.ts';
import { ofrepFailureAnswer } from './ofrep-schemas.ts';
import { RefetchHub } from './refetch-hub.ts';

export const eventsUrl = '/ofrep/v1/events';

export interface OfrepOptions {
  readonly logger: HttpLogger;
  readonly heartbeatMs?: number;
  readonly maxStreams?: number;
}

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
  const limits = { heartbeatMs, now: () => dependencies.now() };
  const hubFor = openHubs(app, (ledger) => new RefetchHub(ledger, limits), {
    maxStreams,
    maxOfOne: Math.ceil(maxStreams * shareOfOne),
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
      const hub = hubFor(ledger);
      beginEventStream(reply, everyOrigin);
      reply.raw.write(retryText(retryMs));
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
