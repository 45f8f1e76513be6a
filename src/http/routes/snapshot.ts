/**
 * GET /v1/snapshot: everything that resolution needs, at one revision, as NDJSON from memory.
 */
import { Readable } from 'node:stream';
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { formatInstant } from '../../domain/instant.ts';
import { type HeldSnapshot, holdSnapshot, snapshotLines } from '../../domain/snapshot.ts';
import { ageText, varyHeader } from '../answer.ts';
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
        description: 'First `snapshot` with the revision, last `end` with the count of lines in between',
      }),
    },
    handle: async (call, reply) => {
      const { minRevision, scopes } = call.query;
      if (minRevision !== undefined) await waitForRevision(call.ledger, minRevision, 'query.minRevision');
      const held = holdSnapshot(call.ledger.state, scopes);
      const headers = {
        'content-type': ndjsonType,
        'x-content-type-options': 'nosniff',
        'x-request-id': call.request.id,
        'cache-control': 'private, no-cache',
        vary: varyHeader,
        'varve-revision': String(held.revision),
        'varve-at': formatInstant(presentOf(call.ledger.state, dependencies.now())),
        'varve-age': ageText(call.ledger.ageMs()),
      };
      return reply
        .headers(headers)
        .send(Readable.from(pieces(held, call.ledger.name), { objectMode: true, highWaterMark: 4 }));
    },
  });
}

function* pieces(held: HeldSnapshot, ledger: string): Generator<string> {
  let piece = '';
  for (const line of snapshotLines(held, ledger)) {
    piece += `${JSON.stringify(line)}\n`;
    if (piece.length < pieceLength) continue;
    yield piece;
    piece = '';
  }
  yield piece;
}
