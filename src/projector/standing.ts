/**
 * Where the rows that are read stand, of the projections that are made again: by ledger, and which of them can be compared.
 * Checkpoints come in; revisions and reasons go out. It decides nothing.
 */
import type { ProjectionTransaction } from './projection.ts';
import type { ShadowPlan } from './shadow.ts';
import type { ShadowFill } from './shadow-fill.ts';

export interface Standing {
  /** Of each ledger, the furthest. */
  readonly revisions: ReadonlyMap<string, number>;
  /** Why a projection's rows need not be those of a replay up to there, by name. */
  readonly incomparable: ReadonlyMap<string, string>;
  /** Projections whose rows were made by newer code than this. */
  readonly superseded: readonly string[];
}

interface CheckpointRow {
  readonly ledger: string;
  readonly projection: string;
  readonly version: number;
  readonly revision: number;
  readonly state: string;
}

export async function standingOf(
  tx: ProjectionTransaction,
  { projections }: Pick<ShadowPlan, 'projections'>,
): Promise<Standing> {
  const { rows } = await tx.query<CheckpointRow>(
    `select c.ledger, c.projection, c.version, c.revision, c.state
       from projection_checkpoints c where c.projection = any ($1)
      order by c.ledger, c.projection limit 10000`,
    [projections.map(({ name }) => name)],
  );
  const revisions = new Map<string, number>();
  for (const { ledger, revision } of rows)
    revisions.set(ledger, Math.max(revision, revisions.get(ledger) ?? 0));
  const incomparable = new Map<string, string>();
  const superseded: string[] = [];
  for (const { name, version } of projections) {
    const own = rows.filter(({ projection }) => projection === name);
    if (own.some((row) => row.version > version)) superseded.push(name);
    const why = whyNot(own, version, revisions);
    if (why !== undefined) incomparable.set(name, why);
  }
  return { revisions, incomparable, superseded };
}

/** How many events what is made again lacks to stand where the rows that are read do. */
export function gapOf(fill: ShadowFill, { revisions }: Standing): number {
  const at = fill.revisions();
  return [...revisions].reduce((gap, [ledger, to]) => gap + Math.max(0, to - (at.get(ledger) ?? 0)), 0);
}

/** Whether the rows that are read have not come as far yet as what was made again. */
export function isBehind(fill: ShadowFill, { revisions }: Standing): boolean {
  return [...fill.revisions()].some(([ledger, at]) => at > (revisions.get(ledger) ?? 0));
}

function whyNot(
  rows: readonly CheckpointRow[],
  version: number,
  revisions: ReadonlyMap<string, number>,
): string | undefined {
  if (rows.length === 0) return 'it has no rows yet';
  if (rows.some((row) => row.version !== version)) return 'the rows are of another version of the code';
  if (rows.some(({ state }) => state === 'stopped')) return 'it has stopped';
  const isBehindOthers = rows.some(({ ledger, revision }) => revision < (revisions.get(ledger) ?? 0));
  return isBehindOthers ? 'it is behind the others' : undefined;
}
