/**
 * Rebuilds and verifications: asked for, and how far they are. In: a pool of `varve_http`; out: rows of the
 * operational table `replays`. Running them is the projector's (src/projector/replay-runner.ts).
 */
import type { Replay, ReplayKind } from '../domain/replay-questions.ts';
import { Failure } from '../failure.ts';
import { type Database, rowsOf } from './rows-of.ts';

const columns = `r.id, r.kind, r.projections, r.requested_by as "requestedBy", r.requested_at as "requestedAt", r.state,
    r.progress, r.outcome, r.error, r.started_at as "startedAt", r.finished_at as "finishedAt"`;

/** Between two that ask for the same at once one may see the other's row only afterwards. */
const maxAttempts = 5;

/** Asks for one and answers its id; while the same is asked for already, the id of that. `id`: of a new one. */
export async function requestReplay(
  database: Database,
  id: string,
  kind: ReplayKind,
  projections: readonly string[],
  requestedBy: string,
): Promise<string> {
  for (let attempt = 0; attempt < maxAttempts; attempt += 1) {
    const [found] = await rowsOf<{ readonly id: string }>(database, requestStatement, [
      id,
      kind,
      projections,
      requestedBy,
    ]);
    if (found !== undefined) return found.id;
  }
  throw new Failure('unavailable', 'Others ask for the same at this very moment', { retryAfterSeconds: 1 });
}

const requestStatement = {
  name: 'request_replay',
  text: `with made as (
      insert into replays (id, kind, projections, requested_by) values ($1, $2, $3, $4)
      on conflict (kind, projections) where state in ('waiting', 'running') do nothing
      returning id
    )
    select id from made
    union all
    select r.id from replays r
     where r.kind = $2 and r.projections = $3 and r.state in ('waiting', 'running')
    order by id limit 1`,
};

const findStatement = {
  name: 'find_replay',
  text: `select ${columns} from replays r where r.id = $1 and r.kind = $2 order by r.id limit 1`,
};

export async function findReplay(
  database: Database,
  kind: ReplayKind,
  id: string,
): Promise<Replay | undefined> {
  const [found] = await rowsOf<Replay>(database, findStatement, [id, kind]);
  return found;
}

const openStatement = {
  name: 'open_replays',
  text: `select ${columns} from replays r
     where r.state in ('waiting', 'running') order by r.requested_at, r.id limit 100`,
};

export async function openReplays(database: Database): Promise<readonly Replay[]> {
  return rowsOf<Replay>(database, openStatement, []);
}
