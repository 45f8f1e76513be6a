/** The kill disaster in short, and its control; `npm run disaster -- kill` runs it longer. */
import { expect, test } from 'vitest';
import { expectToPass } from './in-short.ts';
import { lastLine } from './report.ts';
import { runDisaster } from './run.ts';
import { kill } from './scenarios/kill.ts';

test('what was acknowledged outlives kill -9 of server and database, whole and once', async () => {
  const report = await expectToPass(kill, { cycles: 1, seconds: 0 });
  expect(report.cycles[0]?.told).toMatch(/^server killed.*database killed/);
  expect(report.askedAgain).toBeGreaterThanOrEqual(40);
});

test('the harness can see: without the guard it reports losses', async () => {
  const report = await runDisaster(kill, {
    cycles: 1,
    seconds: 0,
    writers: 6,
    seed: 4,
    longestMs: 300,
    leastWrites: 40,
    isControl: true,
    keeps: false,
    say: () => undefined,
  });
  expect(report.lost, report.violations.join('\n')).toBeGreaterThan(0);
  expect(report.violations.some((violation) => violation.startsWith('lost: '))).toBe(true);
  expect(report.isPassed).toBe(true);
  expect(lastLine(report)).toContain('a control with synchronous_commit=off: the harness sees');
});
