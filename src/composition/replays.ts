/**
 * Rebuilds and verifications between the parts: the HTTP side asks for them, a chore runs them.
 * A chore only begins one and does not wait for its end, so that no other work of the queue waits behind it.
 */
import type pg from 'pg';
import { Failure } from '../failure.ts';
import type { HttpDependencies } from '../http/dependencies.ts';
import type { Chore, RunningChores } from '../jobs/chores.ts';
import type { Projection } from '../projector/projection.ts';
import type { ReplayRunner } from '../projector/replay-runner.ts';
import { requestReplay } from '../queries/replays.ts';

const choreName = 'rebuild-projections';
const minuteMs = 60_000;

export function rebuildChore(runner: ReplayRunner): Chore {
  return {
    name: choreName,
    everyMs: minuteMs,
    run: async () => {
      runner.kick();
      return 0;
    },
  };
}

interface ReplayRequestsOptions {
  /** Of the HTTP side. */
  readonly pool: pg.Pool;
  readonly projections: readonly Projection[];
  readonly newId: () => string;
  /** Of this process, if it has any. */
  readonly chores: RunningChores | undefined;
  readonly warn: (failure: unknown) => void;
}

export function createReplayRequests(
  options: ReplayRequestsOptions,
): Pick<HttpDependencies, 'requestReplay' | 'projectionVersion'> {
  const { pool, projections, newId, chores, warn } = options;
  const namesOf = (projection: string): readonly string[] => {
    const wanted = projections.filter(({ name }) => projection === 'all' || projection === name);
    if (wanted.length > 0) return wanted.map(({ name }) => name).sort();
    throw new Failure('not_found', `there is no projection ${projection}`, {
      details: [{ path: 'path.name', message: 'there is no such projection; all stands for every one' }],
    });
  };
  return {
    async requestReplay(kind, projection, requestedBy) {
      const id = await requestReplay(pool, newId(), kind, namesOf(projection), requestedBy);
      // A queue that is away holds up nothing: the schedule finds the request.
      void chores?.runSoon(choreName).catch(warn);
      return id;
    },
    projectionVersion: (name) => projections.find((projection) => projection.name === name)?.version,
  };
}
