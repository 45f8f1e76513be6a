/**
 * Checkpoints: how far each projection has come in each ledger, of which log, by which version of its code.
 * Moved in the transaction of the rows and compared on every move, so that of two projectors that both believe to be
 * the one, only one gets through. Nothing here reads the log.
 */
import { Failure } from '../failure.ts';
import type { Projection, ProjectionTransaction } from './projection.ts';

export type ProjectionState = 'running' | 'stopped' | 'rebuilding';

/** What of a projection the checkpoints name. */
type Named = Pick<Projection, 'name' | 'version'>;

export interface Checkpoint {
  readonly projection: string;
  readonly version: number;
  /** Of the last event in the rows; 0 for none. */
  readonly revision: number;
  readonly logId: string;
  readonly state: ProjectionState;
  readonly error: string | null;
}

/** A projection that is to be moved, from where it is believed to stand. */
export interface Move {
  readonly ledger: string;
  readonly projections: readonly Named[];
  readonly from: number;
  readonly to: number;
  readonly logId: string;
  /** Epoch milliseconds. */
  readonly at: number;
}

export async function readCheckpoints(
  tx: ProjectionTransaction,
  ledger: string,
): Promise<readonly Checkpoint[]> {
  const found = await tx.query<Checkpoint>({
    text: `select projection, version, revision, log_id as "logId", state, error
             from projection_checkpoints
            where ledger = $1
            order by projection
            limit 1000`,
    values: [ledger],
  });
  return found.rows;
}

/** Makes the checkpoints at revision 0 that are not there yet. */
export async function addCheckpoints(
  tx: ProjectionTransaction,
  { ledger, projections, logId, at }: Omit<Move, 'from' | 'to'>,
): Promise<void> {
  await tx.query({
    text: `insert into projection_checkpoints (ledger, projection, version, revision, log_id, state, updated_at)
           select $1, name, version, 0, $4, 'running', $5
             from unnest($2::text[], $3::integer[]) as p (name, version)
           on conflict on constraint projection_checkpoints_pk do nothing`,
    values: [ledger, ...namesAndVersions(projections), logId, new Date(at)],
  });
}

/**
 * Moves checkpoints that stand together. First statement of the rows' transaction: it locks them, so a second
 * projector waits here and then finds them moved. Failure `conflict`, reason `checkpoint_moved`, unless every one
 * stands where it was believed to; read them again then.
 */
export async function moveCheckpoints(tx: ProjectionTransaction, move: Move): Promise<void> {
  const moved = await tx.query({
    name: 'checkpoints_move',
    text: `update projection_checkpoints c
              set revision = $5, updated_at = $7, error = null
             from unnest($2::text[], $3::integer[]) as p (name, version)
            where c.ledger = $1 and c.projection = p.name and c.version = p.version
              and c.revision = $4 and c.log_id = $6 and c.state <> 'stopped'`,
    values: [
      move.ledger,
      ...namesAndVersions(move.projections),
      move.from,
      move.to,
      move.logId,
      new Date(move.at),
    ],
  });
  if (moved.rowCount !== move.projections.length) {
    throw new Failure('conflict', 'A checkpoint was moved by somebody else', { reason: 'checkpoint_moved' });
  }
}

/** Says that a projection stopped (with why), or goes on. */
export async function markState(
  tx: ProjectionTransaction,
  ledger: string,
  projection: Named,
  state: ProjectionState,
  error: string | null,
): Promise<void> {
  await tx.query({
    text: `update projection_checkpoints set state = $4, error = $5
            where ledger = $1 and projection = $2 and version = $3`,
    values: [ledger, projection.name, projection.version, state, error],
  });
}

/** Of what has no rows yet, newer code may simply take the place: there is nothing to be made again. */
export async function takeUpEmpty(
  tx: ProjectionTransaction,
  ledger: string,
  projections: readonly Named[],
): Promise<void> {
  await tx.query({
    text: `update projection_checkpoints c
              set version = p.version, state = 'running', error = null
             from unnest($2::text[], $3::integer[]) as p (name, version)
            where c.ledger = $1 and c.projection = p.name and c.version < p.version and c.revision = 0`,
    values: [ledger, ...namesAndVersions(projections)],
  });
}

function namesAndVersions(projections: readonly Named[]): readonly [readonly string[], readonly number[]] {
  return [projections.map(({ name }) => name), projections.map(({ version }) => version)];
}
