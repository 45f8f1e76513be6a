/**
 * Figures of a bench: what was measured, beside its yardstick from the same run, and whether numbers.md is reached.
 * Measured values come in; a printed table and bench-results/<name>.json go out.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import { join } from 'node:path';

export interface Figure {
  /** As numbers.md counts them. */
  readonly number: string;
  readonly what: string;
  readonly figure: number;
  readonly unit: string;
  readonly yardstick: { readonly what: string; readonly figure: number } | undefined;
  /** How the figure stands to its yardstick, as the target counts it; above 1 is better than the yardstick. */
  readonly ratio: number | undefined;
  /** What is to be reached, in words. */
  readonly target: string | undefined;
  /** Undefined for lines that are told beside the others. */
  readonly isReached: boolean | undefined;
}

export interface Report {
  readonly name: string;
  readonly machine: string;
  readonly date: string;
  /** How it was measured: the source of load, rounds, seed. */
  readonly how: string;
  readonly figures: readonly Figure[];
}

const resultsFolder = join(import.meta.dirname, '..', '..', 'bench-results');

/** The machine, as it stands on every line's side. */
export function describeMachine(): string {
  const all = cpus();
  return `${all.length} × ${all[0]?.model.trim() ?? 'unknown'}, Node ${process.version}, ${process.platform} ${process.arch}`;
}

/** One line of the table: figure, yardstick, ratio, verdict. */
export function formatFigure(figure: Figure): string {
  const { number, what, unit, yardstick, ratio, target, isReached } = figure;
  const beside =
    yardstick === undefined ? '' : `, ${yardstick.what} ${formatNumber(yardstick.figure)} ${unit}`;
  const compared = ratio === undefined ? '' : `, ratio ${formatNumber(ratio)}`;
  const verdict = isReached === undefined ? 'told beside' : isReached ? 'reached' : 'missed';
  const wanted = target === undefined ? '' : ` (${target})`;
  return `${number}  ${what}: ${formatNumber(figure.figure)} ${unit}${beside}${compared}  ${verdict}${wanted}`;
}

/** Prints a report and keeps it as JSON. Answers whether nothing is missed. */
export async function publish(report: Report): Promise<boolean> {
  console.log(`\n${report.name}   ${report.date}   ${report.machine}\n  ${report.how}`);
  for (const figure of report.figures) console.log(`  ${formatFigure(figure)}`);
  await mkdir(resultsFolder, { recursive: true });
  await writeFile(join(resultsFolder, `${report.name}.json`), `${JSON.stringify(report, undefined, 2)}\n`);
  return report.figures.every(({ isReached }) => isReached !== false);
}

/** The middle of several measurements. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? Number.NaN)) / 2;
}

function formatNumber(value: number): string {
  if (Math.abs(value) >= 100) return Math.round(value).toLocaleString('en');
  return value.toPrecision(3);
}
