/**
 * The report of an import as text for people: what was taken, what was left out and why.
 * In: the counts of a run; out: lines. It never shortens what was left out silently: what it does not list, it counts.
 */
import type { ImportReport } from './import-run.ts';
import type { LeftOut } from './models-dev.ts';

const mostListed = 50;

/** The report, without a newline at its end. */
export function formatReport(report: ImportReport): string {
  const { records, changesets, events, warnings, leftOut } = report;
  const total = changesets.added + changesets.replayed + changesets.unchanged;
  return [
    `records read:    ${records}`,
    `changesets:      ${total}: ${changesets.added} new, ${changesets.replayed} there already${
      changesets.unchanged === 0 ? '' : `, ${changesets.unchanged} with nothing to say`
    }`,
    ...countLines('events added:   ', events),
    ...(Object.keys(warnings).length === 0 ? [] : countLines('warnings:       ', warnings)),
    `left out:        ${leftOut.length}`,
    ...leftOut.slice(0, mostListed).map((item) => `  ${describe(item)}`),
    ...(leftOut.length > mostListed ? [`  and ${leftOut.length - mostListed} more`] : []),
  ].join('\n');
}

function countLines(title: string, counts: Readonly<Record<string, number>>): string[] {
  const sorted = Object.entries(counts).sort(([a], [b]) => (a < b ? -1 : 1));
  const total = sorted.reduce((sum, [, count]) => sum + count, 0);
  return [`${title} ${total}`, ...sorted.map(([name, count]) => `  ${name}: ${count}`)];
}

function describe({ line, id, field, why }: LeftOut): string {
  return `line ${line}, ${id}${field === undefined ? '' : `, ${field}`}: ${why}`;
}
