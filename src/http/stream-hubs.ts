/**
 * The open streams of all ledgers of one kind, a hub for each ledger: how many there may be, how they begin, and how they end
 * with the server.
 */
import type { OutgoingHttpHeaders } from 'node:http';
import type { FastifyInstance, FastifyReply } from 'fastify';
import { Failure } from '../failure.ts';
import type { LiveLedger } from '../ledger/live-ledger.ts';

/** After which clients come again, milliseconds. */
export const retryMs = 1_000;

interface Hub {
  /** How many streams are open. */
  readonly size: number;
  /** Ends every stream; clients come again after `ms`. */
  end(ms: number): void;
}

export interface StreamPlaces {
  /** The most streams at once. */
  readonly maxStreams: number;
  /** The most of one ledger; no less than all when absent. */
  readonly maxOfOne?: number;
}

/** Answers who takes a new stream of a ledger, if there is room. It throws Failure limited, and unavailable when the server ends. */
export function openHubs<H extends Hub>(
  app: FastifyInstance,
  make: (ledger: LiveLedger) => H,
  { maxStreams, maxOfOne = maxStreams }: StreamPlaces,
): (ledger: LiveLedger) => H {
  const hubs = new Map<LiveLedger, H>();
  let isEnding = false;
  app.addHook('preClose', (done) => {
    isEnding = true;
    for (const hub of hubs.values()) hub.end(retryMs);
    done();
  });
  return (ledger) => {
    const hub = hubs.get(ledger) ?? make(ledger);
    hubs.set(ledger, hub);
    const count = [...hubs.values()].reduce((sum, { size }) => sum + size, 0);
    if (count >= maxStreams || hub.size >= maxOfOne) {
      const options = { reason: 'too_many_streams', retryAfterSeconds: 10 };
      throw new Failure('limited', 'too many streams are open', options);
    }
    if (isEnding) throw new Failure('unavailable', 'this server is about to end', { reason: 'ending' });
    return hub;
  };
}

/** Takes the answer over and sends the headers of server-sent events, and some more. */
export function beginEventStream(reply: FastifyReply, more: OutgoingHttpHeaders): void {
  reply.hijack();
  reply.raw.writeHead(200, {
    'Content-Type': 'text/event-stream; charset=utf-8',
    'Cache-Control': 'no-store',
    'X-Accel-Buffering': 'no',
    'X-Content-Type-Options': 'nosniff',
    'X-Request-Id': reply.request.id,
    ...more,
  });
}
