/**
 * The tables of the schema varve_rebuild, into which read models are made again (migrations/0009_rebuild_beside.sql).
 * A pool in the projector's role comes in; tables are made, indexed, swapped and dropped by the functions of the database.
 * Whatever happens in between, the tables that are read are not touched before the one transaction of the swap.
 */
import type pg from 'pg';
import { readCode } from '../database/database-failure.ts';
import { transaction } from '../database/pool.ts';
import { Failure } from '../failure.ts';
import { cancelOnAbort } from './cancel-on-abort.ts';
import type { Projection, ProjectionTransaction } from './projection.ts';

/** Where a projection's unqualified names are looked for while it is made again; `main` is what is looked for otherwise. */
export function shadowSearchPath(main = 'public'): string {
  return `varve_rebuild,${main}`;
}

/** What is made again, for whom. */
export interface ShadowPlan {
  /** Names the rebuild or verification; what was begun under this name is gone on with. */
  readonly purpose: string;
  readonly projections: readonly Projection[];
}

export function tablesOf({ projections }: Pick<ShadowPlan, 'projections'>): readonly string[] {
  return projections.flatMap(({ tables }) => tables);
}

/**
 * Makes the tables empty, unless they stand there for the same purpose, migrations, code and log. Answers whether
 * they do.
 */
export async function openShadow(pool: pg.Pool, plan: ShadowPlan, logId: string): Promise<boolean> {
  if (await standsFor(pool, plan, logId)) return true;
  await inOneGo(pool, 'select rebuild_open($1, $2)', [plan.purpose, tablesOf(plan)]);
  return false;
}

/** Code and log of what stands there; tables without any checkpoint have no rows either. */
async function standsFor(
  pool: pg.Pool,
  { purpose, projections }: ShadowPlan,
  logId: string,
): Promise<boolean> {
  const [found] = await inOneGo<{ stands: boolean }>(pool, 'select rebuild_stands_for($1) as stands', [
    purpose,
  ]);
  if (found?.stands !== true) return false;
  const others = await inOneGo(
    pool,
    `select c.ledger from varve_rebuild.projection_checkpoints c
       left join unnest($1::text[], $2::integer[]) as p (name, version) on p.name = c.projection
      where c.log_id <> $3 or c.version is distinct from p.version limit 1`,
    [projections.map(({ name }) => name), projections.map(({ version }) => version), logId],
  );
  return others.length === 0;
}

export async function dropShadow(pool: pg.Pool): Promise<void> {
  await inOneGo(pool, 'select rebuild_drop()', []);
}

/**
 * Builds one index that is missing, with the memory and the helpers that an index of millions of rows wants. Answers
 * its name, undefined when none was missing, and how many still are.
 */
export async function buildNextIndex(
  pool: pg.Pool,
  tables: readonly string[],
  signal?: AbortSignal,
): Promise<{ readonly built: string | null; readonly missing: number }> {
  const [answer] = await inOneGo<{ built: string | null; missing: number }>(
    pool,
    'select built, missing from rebuild_next_index($1)',
    [tables],
    {
      settings: [
        "set local maintenance_work_mem = '256MB'",
        'set local max_parallel_maintenance_workers = 2',
      ],
      signal,
    },
  );
  return answer ?? { built: null, missing: 0 };
}

export async function analyzeShadow(
  pool: pg.Pool,
  tables: readonly string[],
  signal?: AbortSignal,
): Promise<void> {
  await inOneGo(pool, 'select rebuild_analyze($1)', [tables], { settings: [], signal });
}

/** How long the swap may hold up readers by waiting for those before them; milliseconds. */
const readersWaitMs = 100;
/** How long it waits for an autovacuum to be sent away, and for a projector's batch; that holds up no reader. */
const othersWaitMs = 3_000;

/**
 * Keeps the checkpoints of these projections, in every ledger, from moving until the transaction ends. Failure
 * `unavailable`, reason `busy`, while a batch is under way for too long.
 */
export async function lockCheckpoints(tx: ProjectionTransaction, names: readonly string[]): Promise<void> {
  await orBusy(async () => {
    await tx.query(`set local lock_timeout = ${othersWaitMs}`);
    await tx.query(
      `select c.ledger from projection_checkpoints c where c.projection = any ($1)
        order by c.ledger, c.projection for update`,
      [names],
    );
  });
}

/**
 * Swaps, in the transaction of `lockCheckpoints`. Failure `unavailable`, reason `busy`, when readers do not let it in
 * soon enough, or the rows have meanwhile gone ahead: to be tried again.
 */
export async function swapIn(tx: ProjectionTransaction, plan: ShadowPlan): Promise<void> {
  const tables = tablesOf(plan);
  await orBusy(async () => {
    // Waits for vacuum and analyze, which neither read nor write rows and give way to who waits for a second.
    await tx.query(`lock table ${tables.join(', ')} in share update exclusive mode`);
    await tx.query(`set local lock_timeout = ${readersWaitMs}`);
    await tx.query('select rebuild_swap($1, $2, $3)', [
      plan.purpose,
      tables,
      plan.projections.map(({ name }) => name),
    ]);
  });
}

/** lock_not_available, deadlock_detected, object_not_in_prerequisite_state: who stood in the way may be gone soon. */
const busyStates: readonly string[] = ['55P03', '40P01', '55000'];

async function orBusy(work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (cause) {
    if (!busyStates.includes(readCode(cause) ?? '')) throw cause;
    throw new Failure('unavailable', 'The read models are busy', {
      reason: 'busy',
      retryAfterSeconds: 1,
      cause,
    });
  }
}

/** In a transaction of its own, without a time limit: tables of millions of rows take minutes. */
async function inOneGo<Row extends pg.QueryResultRow>(
  pool: pg.Pool,
  text: string,
  values: readonly unknown[],
  { settings, signal }: { readonly settings: readonly string[]; readonly signal: AbortSignal | undefined } = {
    settings: [],
    signal: undefined,
  },
): Promise<readonly Row[]> {
  return transaction(pool, async (tx) => {
    for (const setting of ['set local statement_timeout = 0', ...settings]) await tx.query(setting);
    return cancelOnAbort(pool, tx, signal, async () => (await tx.query<Row>(text, [...values])).rows);
  });
}
