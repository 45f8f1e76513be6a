/**
 * The report of a race, for people. In: the report; out: text. The last line is what others look for.
 */
import type { Judgement } from './judge.ts';
import type { Fault } from './race-faults.ts';

export interface RaceReport {
  readonly seed: number;
  readonly seconds: number;
  readonly servers: number;
  readonly operations: number;
  readonly events: number;
  /** By kind and outcome, a tab between the two. */
  readonly counts: Readonly<Record<string, number>>;
  readonly faults: Readonly<Record<Fault, number>>;
  /** Groups that were decided again; those of a server that was killed as it last told. */
  readonly lostRaces: number;
  /** Answers `races_lost`: a server that gave up. */
  readonly racesLostAnswers: number;
  readonly slowestAnswerMs: number;
  /** Improper answers, servers that failed while they were left alone, ends that nobody caused. */
  readonly complaints: readonly string[];
  readonly judgement: Judgement;
  readonly isPassed: boolean;
}

const mostLines = 20;

export function formatRaceReport(report: RaceReport): string {
  const { judgement, complaints } = report;
  return [
    ...Object.entries(report.counts).map(([name, count]) => {
      const [kind = '', outcome = ''] = name.split('\t');
      return `${kind.padEnd(20)}  ${outcome.padEnd(40)}  ${String(count).padStart(7)}`;
    }),
    '',
    ...judgement.subjects.flatMap(({ subject, operations, verdict, excerpt }) => [
      `${subject.padEnd(30)}  ${String(operations).padStart(7)} operations  ${verdict}`,
      ...excerpt.map((line) => `    ${line}`),
    ]),
    ...first(judgement.broken.map((line) => `BROKEN ${line}`)),
    ...first(complaints.map((line) => `COMPLAINT ${line}`)),
    `seed ${report.seed}; slowest answer ${report.slowestAnswerMs} ms`,
  ].join('\n');
}

/** The one line that says it all. */
export function lastRaceLine({
  servers,
  operations,
  events,
  faults,
  lostRaces,
  racesLostAnswers,
  complaints,
  judgement,
}: RaceReport): string {
  return [
    `linearizability: ${judgement.verdict}`,
    `servers ${servers}`,
    `operations ${operations}`,
    `events ${events}`,
    `kills ${faults.kill}`,
    `pauses ${faults.pause}`,
    `cuts ${faults.cut}`,
    `races lost ${lostRaces} (given up ${racesLostAnswers})`,
    `complaints ${complaints.length}`,
  ].join(', ');
}

function first(lines: readonly string[]): readonly string[] {
  const hidden = lines.length - mostLines;
  return hidden > 0 ? [...lines.slice(0, mostLines), `and ${hidden} more`] : lines;
}
