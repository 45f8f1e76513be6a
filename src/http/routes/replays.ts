/**
 * Rebuilds of read models and verifications of the log: asked for, and looked at while they run. They are about every
 * ledger of the installation, so only keys of the ledger `default` may use them.
 */
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { text } from '../../domain/change.ts';
import { formatInstant } from '../../domain/instant.ts';
import { defaultLedger } from '../../domain/ledger-name.ts';
import type { Replay, ReplayKind } from '../../domain/replay-questions.ts';
import { Failure } from '../../failure.ts';
import type { Answer } from '../answer.ts';
import type { Caller } from '../authentication.ts';
import type { HttpDependencies } from '../dependencies.ts';
import { admins, auditors } from '../roles.ts';
import { addRoute, none } from '../route.ts';
import { askedReplaySchema, rebuildSchema, verificationSchema } from './replay-schemas.ts';

const tag = 'Operation';

export function addReplayRoutes(app: FastifyInstance, dependencies: HttpDependencies): void {
  addRoute(app, {
    method: 'POST',
    url: '/v1/projections/:name/rebuild',
    access: admins,
    tag,
    summary: 'Make a read model (or all) again from the log, beside the one that is read, and swap it in',
    params: z.strictObject({ name: text(100).meta({ description: 'A projection, or all' }) }),
    query: none,
    body: none.optional(),
    answers: { 202: askedReplaySchema },
    handle: (call) => ask(dependencies, call, 'rebuild', call.params.name),
  });
  addRoute(app, {
    method: 'GET',
    url: '/v1/rebuilds/:id',
    access: admins,
    tag,
    summary: 'How far a rebuild is, and how the new rows compared with the old ones',
    params: z.strictObject({ id: z.uuid() }),
    query: none,
    body: none,
    answers: { 200: rebuildSchema },
    handle: (call) => answerReplay(dependencies, call, 'rebuild', call.params.id),
  });
  addRoute(app, {
    method: 'POST',
    url: '/v1/verifications',
    access: auditors,
    tag,
    summary: 'Verify the log, and the read models against a replay of it',
    params: none,
    query: none,
    body: none.optional(),
    answers: { 202: askedReplaySchema },
    handle: (call) => ask(dependencies, call, 'verification', 'all'),
  });
  addRoute(app, {
    method: 'GET',
    url: '/v1/verifications/:id',
    access: auditors,
    tag,
    summary: 'How far a verification is, and its report',
    params: z.strictObject({ id: z.uuid() }),
    query: none,
    body: none,
    answers: { 200: verificationSchema },
    handle: (call) => answerReplay(dependencies, call, 'verification', call.params.id),
  });
}

async function ask(
  dependencies: HttpDependencies,
  caller: Caller,
  kind: ReplayKind,
  projection: string,
): Promise<Answer> {
  refuseOtherLedgers(caller);
  const id = await dependencies.requestReplay(kind, projection, caller.principal.name);
  return { status: 202, body: { id } };
}

async function answerReplay(
  { reads }: HttpDependencies,
  caller: Caller,
  kind: ReplayKind,
  id: string,
): Promise<Answer> {
  refuseOtherLedgers(caller);
  const replay = await reads.replay(kind, id);
  if (replay === undefined) {
    throw new Failure('not_found', `there is no ${kind} ${id}`, {
      details: [{ path: 'path.id', message: `there is no such ${kind}` }],
    });
  }
  return { body: bodyOf(replay), cacheControl: 'no-store' };
}

function bodyOf({ id, projections, requestedBy, state, progress, outcome, error, ...times }: Replay) {
  return {
    id,
    projections,
    requestedBy,
    requestedAt: formatInstant(times.requestedAt),
    startedAt: times.startedAt === null ? null : formatInstant(times.startedAt),
    finishedAt: times.finishedAt === null ? null : formatInstant(times.finishedAt),
    state,
    ...(progress === null ? {} : { progress }),
    ...outcome,
    ...(error === null ? {} : { error }),
  };
}

function refuseOtherLedgers({ principal }: Caller): void {
  if (principal.ledger === defaultLedger) return;
  throw new Failure(
    'forbidden',
    `only keys of the ledger ${defaultLedger} may do this: it is about all ledgers`,
    {
      reason: 'other_ledger',
      details: [{ path: 'header.Authorization', message: 'this API key belongs to another ledger' }],
    },
  );
}
