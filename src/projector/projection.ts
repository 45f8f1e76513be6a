/**
 * What a projection is: one reading of the log, kept as rows. The files of projections/ are of this type; the engine
 * (projector.ts) moves them and knows none by name. A projection reads nothing but the events that it is given and its
 * own tables, so that a replay from revision 0 makes the same rows.
 */
import type pg from 'pg';
import type { RecordedEvent } from '../domain/event.ts';

/** The transaction that rows and checkpoint share; a projection never begins or ends one. */
export type ProjectionTransaction = Pick<pg.ClientBase, 'query'>;

export interface Projection {
  /** Stands in its checkpoint and in `/v1/status`. */
  readonly name: string;
  /** Rises when the code makes other rows of the same events: the rows that stand are then made again. */
  readonly version: number;
  /** Every table that it alone writes. Each has a column `ledger`, so that one ledger's rows can be dropped. */
  readonly tables: readonly string[];
  /**
   * Writes the rows of whole changesets of one ledger, without a gap after those before; never none.
   * A few statements a batch, never one an event. What it throws undoes the batch: Failure `corrupt` for events that
   * do not fit, driver errors as they are.
   */
  project(events: readonly RecordedEvent[], tx: ProjectionTransaction): Promise<void>;
}
