/**
 * The report of the kill disaster, for people: a table by cycle, what was violated, and one last line.
 * In: the report; out: text. The last line is what others look for: its words stay as they are.
 */
import type { BookCounts } from './book.ts';
import type { StrikeResult } from './strikes.ts';

export interface CycleReport {
  readonly cycle: number;
  readonly strikes: readonly StrikeResult[];
  readonly acknowledged: number;
  readonly refused: number;
  readonly unknown: number;
  readonly recorded: number;
}

export interface KillReport extends BookCounts {
  readonly seed: number;
  readonly cycles: readonly CycleReport[];
  readonly lost: number;
  readonly torn: number;
  readonly duplicates: number;
  /** In the log, those that the server made at its first start included. */
  readonly events: number;
  /** Acknowledged ones that were asked for once more and told the same. */
  readonly askedAgain: number;
  /** Looked up one by one by their ids. */
  readonly lookedUp: number;
  readonly repeatedStarts: number;
  readonly slowestAnswerMs: number;
  readonly violations: readonly string[];
  readonly isPassed: boolean;
}

const maxViolations = 20;

export function formatKillReport(report: KillReport): string {
  const { violations } = report;
  const hidden = violations.length - maxViolations;
  return [
    ...tableOf(report),
    '',
    `${report.events} events read back from the log and the history; ${report.lookedUp} changesets looked up by id;`,
    `${report.askedAgain} asked again with their keys; of the unknown ones ${report.recorded} had been recorded;`,
    `starts repeated because the database died under them ${report.repeatedStarts}; slowest answer ${report.slowestAnswerMs} ms;`,
    `seed ${report.seed}`,
    ...violations.slice(0, maxViolations).map((violation) => `VIOLATION ${violation}`),
    ...(hidden > 0 ? [`VIOLATION and ${hidden} more`] : []),
  ].join('\n');
}

/** The one line that says it all. */
export function lastLine({
  cycles,
  acknowledged,
  lost,
  torn,
  unknown,
  resolved,
  duplicates,
}: KillReport): string {
  return [
    `disaster kill: cycles ${cycles.length}`,
    `acknowledged ${acknowledged}`,
    `lost ${lost}`,
    `torn ${torn}`,
    `unknown ${unknown} (resolved ${resolved})`,
    `duplicates ${duplicates}`,
  ].join(', ');
}

const columns = ['cycle', 'killed, writes back after', 'acknowledged', 'refused', 'unknown', 'recorded'];

function tableOf({ cycles }: KillReport): readonly string[] {
  const rows = cycles.map(({ cycle, strikes, acknowledged, refused, unknown, recorded }) => [
    String(cycle),
    strikes.map(strikeText).join(', '),
    ...[acknowledged, refused, unknown, recorded].map(String),
  ]);
  const widths = columns.map((column, index) =>
    Math.max(column.length, ...rows.map((row) => row[index]?.length ?? 0)),
  );
  const lineOf = (cells: readonly string[]) =>
    cells
      .map((cell, index) =>
        index === 1 ? cell.padEnd(widths[index] ?? 0) : cell.padStart(widths[index] ?? 0),
      )
      .join('  ');
  return [lineOf(columns), ...rows.map(lineOf)];
}

function strikeText({ victim, recoveryMs }: StrikeResult): string {
  return recoveryMs === undefined ? `${victim} and at once` : `${victim} ${recoveryMs} ms`;
}
