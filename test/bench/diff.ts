/**
 * The first page of a diff (1,000 fields) of two points that are 10³, 10⁴ and 10⁵ events apart, in the middle of a ledger of
 * 10⁶ events that was filled by SQL; with `--full` of 10⁷. The very query behind GET /v1/diff is asked.
 */
import type pg from 'pg';
import type { DiffFilter } from '../../src/domain/diff-questions.ts';
import type { Moment } from '../../src/domain/questions.ts';
import { listDifferences } from '../../src/queries/list-differences.ts';
import { recordedAt } from '../../src/queries/recorded-at.ts';
import type { BenchOptions } from './bench-options.ts';
import type { Figure } from './figure.ts';
import { filledLedger } from './fill-by-sql.ts';
import { filledDatabase, filledSizes } from './filled-database.ts';
import { measureInTurns } from './latencies.ts';

const maxMs = 1_000;
const farthest = 100_000;
const page = { limit: 1_000 };

export const diffHow = `the query in process, pages of ${page.limit}, in turns; filled by SQL`;

const filters: Readonly<Record<string, DiffFilter>> = {
  everything: {},
  'one key': { key: 'ai.feature_7.setting' },
  'keys by a pattern': { key: 'ai.feature_1*' },
};

export async function benchDiff(options: BenchOptions): Promise<readonly Figure[]> {
  const size = filledSizes(options).at(-1) ?? 0;
  const pool = await filledDatabase(size, options.say);
  const figures: Figure[] = [];
  for (const apart of [1_000, 10_000, farthest].filter((distance) => distance < size)) {
    options.say(`diff: ${apart.toLocaleString('en')} of ${size.toLocaleString('en')} events apart`);
    figures.push(...(await measure(pool, size, apart, options.isQuick ? 5 : 25)));
  }
  return figures;
}

async function measure(
  pool: pg.Pool,
  size: number,
  apart: number,
  rounds: number,
): Promise<readonly Figure[]> {
  const from = await pointOf(pool, (size - apart) >> 1);
  const to = await pointOf(pool, from.asOf + apart);
  const asked = Object.entries(filters).map(
    ([what, filter]) =>
      [what, () => listDifferences(pool, filledLedger, { from, to, filter, isOpen: false }, page)] as const,
  );
  const times = await measureInTurns(Object.fromEntries(asked), rounds);
  return Object.entries(times).map(([what, { median, p99 }]): Figure => {
    const isWanted = apart === farthest && what === 'everything';
    return {
      number: 'diff',
      what: `first page of ${what}, ${apart.toLocaleString('en')} of ${size.toLocaleString('en')} events apart (p99 ${Math.round(p99)} ms)`,
      figure: median,
      unit: 'ms',
      yardstick: undefined,
      ratio: undefined,
      target: isWanted ? `≤ ${maxMs} ms` : undefined,
      isReached: isWanted ? median <= maxMs : undefined,
    };
  });
}

/** A revision as it was recorded. */
async function pointOf(pool: pg.Pool, asOf: number): Promise<Moment> {
  const at = await recordedAt(pool, filledLedger, asOf);
  if (at === undefined) throw new Error(`there is no revision ${asOf}`);
  return { asOf, at };
}
