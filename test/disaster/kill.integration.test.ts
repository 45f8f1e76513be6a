/** The kill disaster in short: one cycle, both victims; `npm run disaster -- kill` runs it longer. */
import { expect, test } from 'vitest';
import { lastLine } from './kill-report.ts';
import { runKill } from './kill-run.ts';

test('what was acknowledged outlives kill -9 of server and database, whole and once', {
  timeout: 180_000,
}, async () => {
  const seed = 4;
  const said: string[] = [];
  const report = await runKill({
    cycles: 1,
    writers: 8,
    seed,
    longestMs: 300,
    leastWrites: 60,
    keeps: false,
    say: (line) => said.push(line),
  });
  expect(report.violations, [`seed ${seed}`, ...said].join('\n')).toEqual([]);
  expect(report.cycles.map(({ strikes }) => strikes.map(({ victim }) => victim))).toEqual([
    ['server', 'database'],
  ]);
  expect(report.acknowledged).toBeGreaterThanOrEqual(60);
  expect(report.askedAgain).toBeGreaterThanOrEqual(60);
  expect(lastLine(report)).toBe(
    `disaster kill: cycles 1, acknowledged ${report.acknowledged}, lost 0, torn 0, ` +
      `unknown ${report.unknown} (resolved ${report.unknown}), duplicates 0`,
  );
});
