/**
 * POST /v1/changesets, the one door of the ledger. Every other write is a convenience that builds a changeset.
 */
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { changeSchema, maxChanges, text } from '../../domain/change.ts';
import { reasonSchema } from '../../domain/reason.ts';
import type { Answer } from '../answer.ts';
import type { Arrivals } from '../arrival/arrivals.ts';
import { arrivalSchema, submitAndWait, waitOf, waitQuery } from '../arrival/wait-for-consumers.ts';
import type { HttpDependencies } from '../dependencies.ts';
import { changesetAnswerSchema, nothingChangedSchema } from '../event-answer.ts';
import { previewAnswer, previewOf, previewSchema } from '../preview-answer.ts';
import { writers } from '../roles.ts';
import { addRoute, type Call, none } from '../route.ts';
import { changesetRequest, writeHeaders } from '../write-call.ts';

export const changesetSchema = z
  .strictObject({
    reason: reasonSchema,
    changes: z.array(changeSchema).min(1).max(maxChanges),
    expectedRevision: z.number().int().nonnegative().exactOptional(),
    fingerprint: text(200)
      .meta({ description: 'Of a preview: refused as a conflict if what it rests on has changed' })
      .exactOptional(),
    dryRun: z.boolean().exactOptional(),
  })
  .meta({ id: 'ChangesetRequest', description: 'Changes made together: all or nothing' });

export function addChangesetRoutes(
  app: FastifyInstance,
  dependencies: HttpDependencies,
  arrivals: Arrivals,
): void {
  addRoute(app, {
    method: 'POST',
    url: '/v1/changesets',
    access: writers,
    tag: 'Write',
    summary: 'Append changes as one changeset, or preview them',
    params: none,
    query: waitQuery,
    body: changesetSchema,
    headers: writeHeaders,
    answers: {
      201: changesetAnswerSchema.extend({ consumers: arrivalSchema.optional() }),
      200: z.union([nothingChangedSchema, previewSchema]),
    },
    handle: (call) => postChangeset(dependencies, arrivals, call),
  });
}

async function postChangeset(
  dependencies: HttpDependencies,
  arrivals: Arrivals,
  call: Call<unknown, z.output<typeof waitQuery>, z.output<typeof changesetSchema>>,
): Promise<Answer> {
  const { dryRun = false, ...wish } = call.body;
  const waitMs = waitOf(call.query, dryRun);
  const request = changesetRequest(call, wish);
  if (!dryRun) return submitAndWait(arrivals, call, request, waitMs);
  return previewAnswer(await previewOf(dependencies, call.ledger, request));
}
