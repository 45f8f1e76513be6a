/**
 * Fills the tables of varve_rebuild from the log, with the projections and the engine that keep the read models.
 * Ledgers come in from the port; revisions go out. A projection never knows that it is made again: the pool's search
 * path says where its tables are. What stands there already is gone on with.
 */
import { Failure } from '../failure.ts';
import { refuseAborted } from './cancel-on-abort.ts';
import { LedgerProjector, type LedgerProjectorOptions } from './ledger-projector.ts';
import { readingAhead } from './read-ahead.ts';
import type { ShadowPlan } from './shadow.ts';

export interface FillOptions extends Omit<LedgerProjectorOptions, 'onProgress' | 'pool' | 'projections'> {
  /** Looks for names in varve_rebuild first: shadowSearchPath. */
  readonly shadowPool: LedgerProjectorOptions['pool'];
  /** Called after every batch: events that are in the rows, of so many in all ledgers. */
  readonly onFilled: (done: number, total: number) => void;
  /** Ends the filling between two batches. */
  readonly signal?: AbortSignal;
}

export interface ShadowFill {
  /** Up to where each ledger ends now. Failures: `corrupt`, reason `projection_stopped`, with where; `unavailable`. */
  catchUp(): Promise<void>;
  /** Up to just these revisions, where changesets end; what is further stays. */
  catchUpTo(revisions: ReadonlyMap<string, number>): Promise<void>;
  /** Where each ledger stands. */
  revisions(): ReadonlyMap<string, number>;
}

/** Larger batches cost as much an event, and would hold this process' other work up for longer. */
const batchEvents = 1_000;
/** So that this process prepares the rows of one while the database inserts those of the other. */
const lanes = 2;

/**
 * Fills with the plan's projections and no others: one whose tables do not stand in varve_rebuild would find the ones that
 * are read.
 */
export function createFill(options: FillOptions, { projections }: ShadowPlan): ShadowFill {
  const { ledger: log, shadowPool: pool, onFilled, signal } = options;
  const projectors = new Map<string, LedgerProjector>();
  const revisions = new Map<string, number>();
  const heads = new Map<string, number>();

  const projectorOf = async (name: string): Promise<LedgerProjector> => {
    const known = projectors.get(name);
    if (known !== undefined) return known;
    const made = new LedgerProjector(
      {
        ...options,
        projections,
        pool,
        ledger: readingAhead(log),
        batchEvents,
        lanes,
        onProgress: () => undefined,
      },
      name,
    );
    await made.open(true);
    revisions.set(name, slowest(made));
    projectors.set(name, made);
    return made;
  };

  const fill = async (name: string, until: number): Promise<void> => {
    const projector = await projectorOf(name);
    heads.set(name, Math.max(until, heads.get(name) ?? 0));
    while (slowest(projector) < until) {
      refuseAborted(signal);
      const count = await projector.step(until);
      revisions.set(name, slowest(projector));
      onFilled(sum(revisions), sum(heads));
      if (projector.hasStopped() || count === 0) throw stoppedIn(name, projector);
    }
  };

  return {
    async catchUp() {
      const names = await log.names();
      const ends = await Promise.all(names.map(async (name) => [name, await log.head(name)] as const));
      for (const [name, { revision }] of ends) heads.set(name, revision);
      for (const [name, { revision }] of ends) await fill(name, revision);
    },
    async catchUpTo(wanted) {
      for (const [name, revision] of wanted) await fill(name, revision);
    },
    revisions: () => revisions,
  };
}

function slowest(projector: LedgerProjector): number {
  return Math.min(...projector.status().map(({ revision }) => revision));
}

function sum(numbers: ReadonlyMap<string, number>): number {
  return [...numbers.values()].reduce((all, one) => all + one, 0);
}

function stoppedIn(ledger: string, projector: LedgerProjector): Failure {
  const stopped = projector.status().find(({ state }) => state === 'stopped');
  const where = stopped === undefined ? 'ends early' : `${stopped.name}: ${stopped.error ?? 'stopped'}`;
  return new Failure('corrupt', `A read model of ledger ${ledger} cannot be made from its log: ${where}`, {
    reason: 'projection_stopped',
  });
}
