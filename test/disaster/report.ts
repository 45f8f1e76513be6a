/**
 * The report of a disaster, for people: a table by cycle, what was seen meanwhile, what was violated, and one last line.
 * In: the report; out: text. The last line is what others look for: its words stay as they are.
 */
import type { AuditResult } from './audit.ts';
import type { BookCounts } from './book.ts';

export interface CycleReport {
  readonly cycle: number;
  /** What was done and how it was overcome, for people. */
  readonly told: string;
  readonly acknowledged: number;
  readonly refused: number;
  readonly unknown: number;
  readonly recorded: number;
}

export interface DisasterReport extends BookCounts, AuditResult {
  readonly disaster: string;
  /** The guard that was taken away, so that there must be losses; absent in earnest. */
  readonly control?: string;
  readonly seed: number;
  readonly cycles: readonly CycleReport[];
  readonly slowestAnswerMs: number;
  /** What else was seen, a sentence each. */
  readonly notes: readonly string[];
  /** In earnest: nothing was violated. As a control: the harness saw losses. */
  readonly isPassed: boolean;
}

const maxViolations = 20;

export function formatReport(report: DisasterReport): string {
  const { violations } = report;
  const hidden = violations.length - maxViolations;
  return [
    ...tableOf(report),
    '',
    ...report.notes,
    `${report.events} events read back from the log and the history; ${report.lookedUp} changesets looked up by id;`,
    `${report.askedAgain} asked again with their keys; of the unknown ones ${report.recorded} had been recorded;`,
    `slowest answer ${report.slowestAnswerMs} ms; seed ${report.seed}`,
    ...violations.slice(0, maxViolations).map((violation) => `VIOLATION ${violation}`),
    ...(hidden > 0 ? [`VIOLATION and ${hidden} more`] : []),
  ].join('\n');
}

/** The one line that says it all. */
export function lastLine(report: DisasterReport): string {
  const { disaster, control, cycles, acknowledged, lost, torn, unknown, resolved, duplicates } = report;
  const line = [
    `disaster ${disaster}: cycles ${cycles.length}`,
    `acknowledged ${acknowledged}`,
    `lost ${lost}`,
    `torn ${torn}`,
    `unknown ${unknown} (resolved ${resolved})`,
    `duplicates ${duplicates}`,
  ].join(', ');
  if (control === undefined) return line;
  return `${line}; a control with ${control}: ${lost > 0 ? 'the harness sees' : 'THE HARNESS IS BLIND'}`;
}

const columns = ['cycle', 'acknowledged', 'refused', 'unknown', 'recorded', 'what happened'];

function tableOf({ cycles }: DisasterReport): readonly string[] {
  const rows = cycles.map(({ cycle, told, acknowledged, refused, unknown, recorded }) => [
    ...[cycle, acknowledged, refused, unknown, recorded].map(String),
    told,
  ]);
  const widths = columns.map((column, index) =>
    Math.max(column.length, ...rows.map((row) => row[index]?.length ?? 0)),
  );
  const last = columns.length - 1;
  const lineOf = (cells: readonly string[]) =>
    cells.map((cell, index) => (index === last ? cell : cell.padStart(widths[index] ?? 0))).join('  ');
  return [lineOf(columns), ...rows.map(lineOf)];
}
