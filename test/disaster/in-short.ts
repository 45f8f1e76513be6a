/**
 * Disasters in short, for tests: few writers, a fixed seed, what was said for when it fails.
 */
import { expect } from 'vitest';
import { type DisasterReport, lastLine } from './report.ts';
import { runDisaster } from './run.ts';
import type { Scenario, ScenarioSettings } from './scenario.ts';

/** Runs it, and expects that no promise was broken: the last line says so in its words. */
export async function expectToPass(
  scenario: Scenario,
  options: Partial<ScenarioSettings> & { readonly cycles: number; readonly seconds: number },
): Promise<DisasterReport> {
  const seed = 4;
  const said: string[] = [];
  const report = await runDisaster(scenario, {
    writers: 6,
    seed,
    longestMs: 300,
    leastWrites: 40,
    isControl: false,
    keeps: false,
    say: (line) => said.push(line),
    ...options,
  });
  expect(report.violations, [`seed ${seed}`, ...said].join('\n')).toEqual([]);
  expect(report.acknowledged).toBeGreaterThanOrEqual(40);
  expect(lastLine(report)).toBe(
    `disaster ${scenario.name}: cycles ${options.cycles}, acknowledged ${report.acknowledged}, lost 0, torn 0, ` +
      `unknown ${report.unknown} (resolved ${report.unknown}), duplicates 0`,
  );
  return report;
}
