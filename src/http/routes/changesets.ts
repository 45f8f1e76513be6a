/**
 * POST /v1/changesets, the one door of the ledger. Every other write is a convenience that builds a changeset.
 */
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { changeSchema, maxChanges } from '../../domain/change.ts';
import type { Answer } from '../answer.ts';
import {
  changesetAnswerSchema,
  eventAnswer,
  eventAnswerSchema,
  nothingChangedSchema,
  warningSchema,
} from '../event-answer.ts';
import { writers } from '../roles.ts';
import { addRoute, type Call, none } from '../route.ts';
import { changesetAnswer, changesetRequest, reasonSchema, writeHeaders } from '../write-call.ts';

export const changesetSchema = z
  .strictObject({
    reason: reasonSchema,
    changes: z.array(changeSchema).min(1).max(maxChanges),
    expectedRevision: z.number().int().nonnegative().exactOptional(),
    dryRun: z.boolean().exactOptional(),
  })
  .meta({ id: 'ChangesetRequest', description: 'Changes made together: all or nothing' });

const previewSchema = z
  .strictObject({
    events: z.array(eventAnswerSchema),
    warnings: z.array(warningSchema),
    maxBytes: z.number().int(),
    bytes: z.number().int(),
  })
  .meta({ id: 'Preview', description: 'What a changeset would do; nothing was appended' });

export function addChangesetRoutes(app: FastifyInstance): void {
  addRoute(app, {
    method: 'POST',
    url: '/v1/changesets',
    access: writers,
    tag: 'Write',
    summary: 'Append changes as one changeset, or preview them',
    params: none,
    query: none,
    body: changesetSchema,
    headers: writeHeaders,
    answers: { 201: changesetAnswerSchema, 200: z.union([nothingChangedSchema, previewSchema]) },
    handle: postChangeset,
  });
}

async function postChangeset(
  call: Call<unknown, unknown, z.output<typeof changesetSchema>>,
): Promise<Answer> {
  const { dryRun = false, ...wish } = call.body;
  const request = changesetRequest(call, wish);
  if (!dryRun) return changesetAnswer(await call.ledger.submit(request));
  const { events, warnings, bytes, maxBytes, revision } = await call.ledger.preview(request);
  return { status: 200, body: { events: events.map(eventAnswer), warnings, maxBytes, bytes }, revision };
}
