/**
 * The requests that whoever runs replays finds, and what it says about them: the operational table `replays`, in the
 * projector's role. Asking for one is src/queries/replays.ts.
 */
import type { ReplayKind, ReplayOutcome, ReplayProgress } from '../domain/replay-questions.ts';
import type { Projection, ProjectionTransaction } from './projection.ts';

export interface ReplayRequest {
  readonly id: string;
  readonly kind: ReplayKind;
  readonly projections: readonly string[];
  /** This one included. */
  readonly attempts: number;
}

/** So long a rebuild that newer code made necessary and that failed is not tried again by itself. */
const failedPauseMinutes = 60;

/** Finished ones are kept so long. */
const keptDays = 90;

/** Takes up the next one, begun ones first; undefined when there is none that waits for `minAgeMs` or was begun. */
export async function takeReplay(
  tx: ProjectionTransaction,
  minAgeMs: number,
): Promise<ReplayRequest | undefined> {
  const { rows } = await tx.query<ReplayRequest>({
    text: `update replays r
              set state = 'running', attempts = r.attempts + 1, started_at = coalesce(r.started_at, now())
            where r.id = (
              select o.id from replays o
               where o.state in ('waiting', 'running') and o.requested_at <= now() - $1 * interval '1 ms'
               order by o.state <> 'running', o.requested_at, o.id limit 1)
        returning r.id, r.kind, r.projections, r.attempts`,
    values: [minAgeMs],
  });
  return rows[0];
}

export async function tellProgress(
  tx: ProjectionTransaction,
  id: string,
  progress: ReplayProgress,
): Promise<void> {
  await tx.query({
    text: `update replays set progress = $2 where id = $1 and state = 'running'`,
    values: [id, JSON.stringify(progress)],
  });
}

export async function finishReplay(
  tx: ProjectionTransaction,
  id: string,
  result: { readonly outcome: ReplayOutcome } | { readonly error: string },
): Promise<void> {
  const isDone = 'outcome' in result;
  await tx.query({
    text: `update replays set state = $2, outcome = $3, error = $4, finished_at = now() where id = $1`,
    values: [
      id,
      isDone ? 'done' : 'failed',
      isDone ? JSON.stringify(result.outcome) : null,
      isDone ? null : result.error,
    ],
  });
}

export async function forgetReplays(tx: ProjectionTransaction): Promise<void> {
  await tx.query(`delete from replays where finished_at < now() - interval '${keptDays} days'`);
}

/**
 * Asks for a rebuild of every projection whose rows were made by older code than this; those of them for which one was
 * asked already are left to that, and what failed lately to whoever asks by name.
 */
export async function requestOutdated(
  tx: ProjectionTransaction,
  id: string,
  projections: readonly Projection[],
): Promise<void> {
  await tx.query({
    text: `insert into replays (id, kind, projections, requested_by)
           select $1, 'rebuild', array_agg(name order by name), 'system'
             from (
               select distinct p.name
                 from unnest($2::text[], $3::integer[]) as p (name, version)
                 join projection_checkpoints c on c.projection = p.name
                where c.version < p.version and c.revision > 0
                  and not exists (
                    select from replays r
                     where r.kind = 'rebuild' and p.name = any (r.projections)
                       and (r.state in ('waiting', 'running')
                         or r.state = 'failed' and r.requested_by = 'system'
                           and r.finished_at > now() - $4 * interval '1 minute'))
             ) as outdated
           having count(*) > 0
           on conflict do nothing`,
    values: [
      id,
      projections.map(({ name }) => name),
      projections.map(({ version }) => version),
      failedPauseMinutes,
    ],
  });
}
