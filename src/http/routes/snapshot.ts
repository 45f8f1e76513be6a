/**
 * GET /v1/snapshot: everything that resolution needs, at one revision, as NDJSON from memory.
 */
import { Readable } from 'node:stream';
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { formatInstant } from '../../domain/instant.ts';
import { scopeFilter } from '../../domain/scope-filter.ts';
import { holdSnapshot, type SnapshotLine, snapshotFormat, snapshotLines } from '../../domain/snapshot.ts';
import type { LiveLedger } from '../../ledger/live-ledger.ts';
import { etagOf, hasTag, standingHeaders, varyHeader } from '../answer.ts';
import { presentOf, waitForRevision } from '../clocks.ts';
import type { HttpDependencies } from '../dependencies.ts';
import { ndjsonType } from '../history-export.ts';
import { clockQuery, listOf, maxScopePatterns, scopePatternSchema } from '../query-schemas.ts';
import { anyRole } from '../roles.ts';
import { addRawRoute, none } from '../route.ts';

/** Lines are sent in pieces of about this many characters; making one takes below 1 ms. */
const pieceLength = 65_536;

export function addSnapshotRoute(app: FastifyInstance, dependencies: HttpDependencies): void {
  addRawRoute(app, {
    method: 'GET',
    url: '/v1/snapshot',
    access: anyRole,
    tag: 'Resolve',
    summary: 'Everything that resolution needs, at one revision, line by line',
    params: none,
    query: z.strictObject({
      scopes: listOf(scopePatternSchema, maxScopePatterns).exactOptional(),
      minRevision: clockQuery.minRevision,
    }),
    body: none,
    contentTypes: [ndjsonType],
    answers: {
      200: z.looseObject({ type: z.enum(['snapshot', 'key', 'model', 'override', 'end']) }).meta({
        id: 'SnapshotLine',
        description:
          'First `snapshot` with the revision and the name of the log that it counts in, last `end` with the count of lines in between',
      }),
    },
    handle: async (call, reply) => {
      const { minRevision, scopes } = call.query;
      if (minRevision !== undefined) await waitForRevision(call.ledger, minRevision, 'query.minRevision');
      const { name, logId, state } = call.ledger;
      const tag = tagOf(call.ledger, scopes);
      const headers = {
        'x-content-type-options': 'nosniff',
        'x-request-id': call.request.id,
        'cache-control': 'private, no-cache',
        vary: varyHeader,
        ...standingHeaders(call.ledger),
        'varve-at': formatInstant(presentOf(state, dependencies.now())),
        etag: `W/${tag}`,
      };
      reply.headers(headers);
      // Weak (RFC 9110, 8.8.1): two servers, or one before and after a start, may write the same lines in another order.
      if (hasTag(call.headers['if-none-match'], tag)) return reply.code(304).send();
      const lines = Readable.from(pieces(snapshotLines(holdSnapshot(state, scopes), name, logId)), {
        objectMode: true,
        highWaterMark: 4,
      });
      return reply.type(ndjsonType).send(lines);
    },
  });
}

/**
 * What a snapshot says is known before a line of it is made: asking in vain costs nothing. With the log's name, as two logs
 * have the same revisions.
 */
function tagOf({ name, logId, state }: LiveLedger, scopes: readonly string[] | undefined): string {
  const wanted = scopes === undefined ? '' : scopeFilter(scopes).name;
  return etagOf(`${snapshotFormat}\n${logId}\n${name}\n${state.revision}\n${wanted}`);
}

function* pieces(lines: Iterable<SnapshotLine>): Generator<string> {
  let piece = '';
  for (const line of lines) {
    piece += `${JSON.stringify(line)}\n`;
    if (piece.length < pieceLength) continue;
    yield piece;
    piece = '';
  }
  yield piece;
}
