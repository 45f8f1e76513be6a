/**
 * Compares the read models with those that were made again beside them, at one and the same revision.
 * The checkpoints are held only while both get there and a snapshot is taken; the comparison then runs in that snapshot
 * while everything goes on. What was made by other code, or stands still, is not compared, and is told.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import { transaction } from '../database/pool.ts';
import type { Comparison, TableComparison } from '../domain/replay-questions.ts';
import { Failure } from '../failure.ts';
import { cancelOnAbort, refuseAborted } from './cancel-on-abort.ts';
import { compareTable } from './compare-tables.ts';
import { lockCheckpoints, type ShadowPlan } from './shadow.ts';
import type { ShadowFill } from './shadow-fill.ts';
import { gapOf, isBehind, type Standing, standingOf } from './standing.ts';

/** Events that may be made up for while the projector is held up: well under a second's work. */
export const maxGapEvents = 10_000;

const pauseMs = 50;
/** So often the rows that are read are waited for; then they are told as behind. */
const maxPauses = 200;

/** May read what is read and what is made again. */
export interface CompareOptions {
  readonly pool: pg.Pool;
  readonly signal?: AbortSignal;
}

/** A comparison that is under way; in an object, because a promise in a promise would be waited for. */
interface Begun {
  readonly comparison: Promise<Comparison>;
}

/** Failures: those of filling; `unavailable`. */
export async function compareBeside(
  options: CompareOptions,
  plan: ShadowPlan,
  fill: ShadowFill,
): Promise<Comparison> {
  const { pool, signal } = options;
  for (let pause = 0; ; pause += 1) {
    refuseAborted(signal);
    const begun = await begin(options, plan, fill, pause === maxPauses).catch(orNotYet);
    if (begun !== undefined) return begun.comparison;
    await sleep(pauseMs);
    if (gapOf(fill, await standingOf(pool, plan)) > maxGapEvents) await fill.catchUp();
  }
}

/** A projector's batch that takes long is over some time. */
function orNotYet(error: unknown): undefined {
  if (error instanceof Failure && error.reason === 'busy') return undefined;
  throw error;
}

/** Undefined when the two do not stand together yet. `isLast`: then they never will. */
async function begin(
  options: CompareOptions,
  plan: ShadowPlan,
  fill: ShadowFill,
  isLast: boolean,
): Promise<Begun | undefined> {
  const names = plan.projections.map(({ name }) => name);
  return transaction(options.pool, async (tx): Promise<Begun | undefined> => {
    await lockCheckpoints(tx, names);
    const standing = await standingOf(tx, plan);
    const compared = plan.projections.filter(({ name }) => !standing.incomparable.has(name));
    if (compared.length === 0) return { comparison: Promise.resolve(withoutTables(standing)) };
    if (isBehind(fill, standing) || gapOf(fill, standing) > maxGapEvents) {
      if (!isLast) return undefined;
      const incomparable = new Map(
        names.map((name) => [name, standing.incomparable.get(name) ?? 'it is behind']),
      );
      return { comparison: Promise.resolve(withoutTables({ incomparable })) };
    }
    await fill.catchUpTo(standing.revisions);
    const comparing = await compareInSnapshot(
      options,
      compared.flatMap(({ tables }) => tables),
    );
    return {
      comparison: comparing.tables.then((tables) => ({ ...withoutTables(standing), tables })),
    };
  });
}

function withoutTables({ incomparable }: Pick<Standing, 'incomparable'>): Comparison {
  return { tables: [], notCompared: [...incomparable].map(([projection, why]) => ({ projection, why })) };
}

/** Resolves as soon as the snapshot is taken. */
async function compareInSnapshot(
  { pool, signal }: CompareOptions,
  tables: readonly string[],
): Promise<{ readonly tables: Promise<readonly TableComparison[]> }> {
  let tell = (): void => undefined;
  const taken = new Promise<void>((resolve) => {
    tell = resolve;
  });
  const comparing = transaction(
    pool,
    async (tx) => {
      // These two are no queries: the first one takes the snapshot.
      await tx.query('set local statement_timeout = 0');
      await tx.query(`set local work_mem = '64MB'`);
      return cancelOnAbort(pool, tx, signal, async () => {
        tell();
        const compared: TableComparison[] = [];
        for (const table of tables) compared.push(await compareTable(tx, table));
        return compared;
      });
    },
    { readOnly: true, reading: [...tables, ...tables.map((table) => `varve_rebuild.${table}`)] },
  );
  // Whoever waits for the tables meets its failure, and so does this, when it comes before the snapshot.
  await Promise.race([taken, comparing]);
  return { tables: comparing };
}
