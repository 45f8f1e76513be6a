/**
 * GET /v1/status: how far everything is, and what stands still.
 */
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { Failure } from '../../failure.ts';
import type { LiveLedger } from '../../ledger/live-ledger.ts';
import type { HttpDependencies } from '../dependencies.ts';
import { anyRole } from '../roles.ts';
import { addRoute, none } from '../route.ts';

const statusSchema = z
  .strictObject({
    version: z.string(),
    ledger: z.string(),
    revision: z.number().int(),
    ageMs: z.number().meta({ description: 'Milliseconds since this server last heard from the log' }),
    log: z.strictObject({
      engine: z.string(),
      revision: z.number().int(),
      maxChangesetBytes: z.number().int(),
      state: z
        .enum(['connected', 'unreachable'])
        .optional()
        .meta({ description: 'Of the last call to a log engine with a connection of its own' }),
    }),
    projections: z.array(
      z.strictObject({
        name: z.string(),
        version: z.number().int(),
        revision: z.number().int(),
        lag: z.number().int(),
        state: z.enum(['running', 'stopped', 'rebuilding']),
        error: z.string().optional(),
      }),
    ),
    jobs: z.array(z.strictObject({ name: z.string(), state: z.string() })),
    problems: z.array(z.string()).meta({ description: 'What could not be asked just now' }),
  })
  .meta({ id: 'Status' });

export function addStatusRoute(app: FastifyInstance, dependencies: HttpDependencies): void {
  addRoute(app, {
    method: 'GET',
    url: '/v1/status',
    access: anyRole,
    tag: 'Operation',
    summary: 'Version, head, log, projections and jobs',
    params: none,
    query: none,
    body: none,
    answers: { 200: statusSchema },
    handle: async ({ ledger }) => {
      const problems: string[] = [];
      const [projections, jobs] = await Promise.all([
        orTold(problems, 'projections', projectionsOf(dependencies, ledger)),
        orTold(problems, 'jobs', dependencies.jobs()),
      ]);
      const { engine, logRevision, maxChangesetBytes, health } = ledger.status();
      const { revision } = ledger.state;
      const body = {
        version: dependencies.version,
        ledger: ledger.name,
        revision,
        ageMs: ledger.ageMs(),
        log: { engine, revision: logRevision, maxChangesetBytes, ...health },
        projections,
        jobs,
        problems,
      };
      return { body, revision, at: dependencies.now(), cacheControl: 'no-store' };
    },
  });
}

async function projectionsOf({ reads }: HttpDependencies, ledger: LiveLedger) {
  const { revision: head } = ledger.state;
  return (await reads.projections(ledger.name)).map(({ name, version, revision, state, error }) => ({
    name,
    version,
    revision,
    lag: Math.max(0, head - revision),
    state,
    ...(error === null ? {} : { error }),
  }));
}

/** A status that fails because something is down would hide what it is for. */
async function orTold<T>(
  problems: string[],
  what: string,
  work: Promise<readonly T[]>,
): Promise<readonly T[]> {
  try {
    return await work;
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    problems.push(`${what}: ${error.message}`);
    return [];
  }
}
