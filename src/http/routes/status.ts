/**
 * GET /v1/status: how far everything is, and what stands still.
 */
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import type { ProjectionStatus } from '../../domain/questions.ts';
import type { Replay } from '../../domain/replay-questions.ts';
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
        state: z.enum(['running', 'stopped', 'rebuilding', 'superseded']).meta({
          description:
            'superseded: a newer server has made the rows; this one leaves them to it. rebuilding: they are read on while newer ones are made',
        }),
        error: z.string().optional(),
        rebuild: z
          .strictObject({ id: z.string(), phase: z.string().optional(), percent: z.number().optional() })
          .optional()
          .meta({ description: 'The rebuild that waits or runs; percent of what is done in this phase' }),
      }),
    ),
    jobs: z.array(
      z.strictObject({
        name: z.string(),
        state: z.string(),
        counts: z.record(z.string(), z.number().int()).optional(),
      }),
    ),
    problems: z.array(z.string()).meta({ description: 'What is sick, or could not be asked just now' }),
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
      const problems: string[] = [...(dependencies.readiness().sick ?? [])];
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

async function projectionsOf(dependencies: HttpDependencies, ledger: LiveLedger) {
  const { reads } = dependencies;
  const { revision: head } = ledger.state;
  const [statuses, replays] = await Promise.all([reads.projections(ledger.name), reads.openReplays()]);
  const rebuilds = replays.filter(({ kind }) => kind === 'rebuild');
  return statuses.map((status) => {
    const { name, version, revision, error } = status;
    const rebuild = rebuilds.find(({ projections }) => projections.includes(name));
    return {
      name,
      version,
      revision,
      lag: Math.max(0, head - revision),
      state: stateOf(status, dependencies.projectionVersion(name) ?? version, rebuild),
      ...(error === null ? {} : { error }),
      ...(rebuild === undefined ? {} : { rebuild: rebuildAnswer(rebuild) }),
    };
  });
}

/** `version` is what this server's code would give the rows. */
function stateOf(status: ProjectionStatus, version: number, rebuild: Replay | undefined) {
  if (status.version > version) return 'superseded' as const;
  if (status.state === 'stopped') return status.state;
  const isAnew = status.version < version || rebuild?.state === 'running';
  return isAnew ? ('rebuilding' as const) : status.state;
}

/** How many events all ledgers have is nobody's business who asks about one. */
function rebuildAnswer({ id, progress }: Replay) {
  if (progress === null) return { id };
  const { phase, done, total } = progress;
  return { id, phase, ...(total === 0 ? {} : { percent: Math.floor((100 * done) / total) }) };
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
