/**
 * The last words of a test run: every skipped test with its reason, what was left out, and the counts.
 * Results come in from vitest; lines go to the terminal and, with `--outputFile.summary=<file>`, the counts
 * go as JSON to that file. A skip that says no reason counts as failed: it must never be mistaken for a pass.
 */
import { readdirSync, writeFileSync } from 'node:fs';
import type { SerializedError } from 'vitest';
import type { Reporter, TestCase, TestModule, Vitest } from 'vitest/node';

/** The counts of one run; `failed` also holds files that did not load, errors outside any test, unexplained skips. */
interface TestSummary {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

/** Projects that have a command of their own. */
const apart = [
  { project: 'disaster', what: 'disasters', command: 'npm run test:disasters' },
  { project: 'redis', what: 'tests on Redis', command: 'npm run test:redis' },
] as const;

/** A test's reason is the note of `context.skip(note)`, or `(left out: …)` in its name or its suite's. */
function skipReason(test: TestCase): string | undefined {
  const result = test.result();
  const note = result.state === 'skipped' ? result.note : undefined;
  return note ?? /\(left out: ([^)]+)\)/.exec(test.fullName)?.[1];
}

export default class SummaryReporter implements Reporter {
  private vitest: Vitest | undefined;

  onInit(vitest: Vitest): void {
    this.vitest = vitest;
  }

  onTestRunEnd(modules: readonly TestModule[], unhandledErrors: readonly SerializedError[]): void {
    const tests = modules.flatMap((module) => [...module.children.allTests()]);
    const skipped = this.wanted(tests.filter((test) => test.result().state === 'skipped'));
    const unexplained = skipped.filter((test) => skipReason(test) === undefined);
    const outsideTests = countOutsideTests(modules) + unhandledErrors.length;
    const summary: TestSummary = {
      passed: countState(tests, 'passed'),
      failed: countState(tests, 'failed') + countState(tests, 'pending') + outsideTests + unexplained.length,
      skipped: skipped.length - unexplained.length,
    };
    printSkipped(skipped);
    this.printLeftOut();
    printEngineLeftOut(modules);
    console.log(
      `Node ${process.version}: ${summary.passed} passed, ${summary.failed} failed, ${summary.skipped} skipped`,
    );
    if (summary.failed > 0) process.exitCode = 1;
    this.writeSummary(summary);
  }

  /** With `-t` everything else is "skipped" because somebody asked for it: that needs no reason. */
  private wanted(skipped: readonly TestCase[]): readonly TestCase[] {
    return this.vitest?.config.testNamePattern === undefined ? skipped : [];
  }

  private printLeftOut(): void {
    const running = this.vitest?.projects.map((project) => project.name) ?? [];
    const files = readdirSync('test', { recursive: true, encoding: 'utf8' });
    for (const { project, what, command } of apart) {
      const count = files.filter((file) => file.endsWith(`.${project}.test.ts`)).length;
      if (running.includes(project) || count === 0) continue;
      console.log(`left out: ${count} file(s) of ${what}, run by \`${command}\``);
    }
  }

  private writeSummary(summary: TestSummary): void {
    const outputFile = this.vitest?.config.outputFile;
    const file = typeof outputFile === 'object' ? outputFile['summary'] : undefined;
    if (file !== undefined) writeFileSync(file, JSON.stringify(summary));
  }
}

/** The contract of the log runs on a real server only where the environment names one. */
function printEngineLeftOut(modules: readonly TestModule[]): void {
  const isAsked = modules.some(({ relativeModuleId }) =>
    relativeModuleId.endsWith('eventstore-ledger.test.ts'),
  );
  if (!isAsked || (process.env['EVENTSTORE_URL'] ?? '') !== '') return;
  console.log('left out: the eventstoredb engine (EVENTSTORE_URL), because EVENTSTORE_URL names no server');
}

function countState(tests: readonly TestCase[], state: 'passed' | 'failed' | 'pending'): number {
  return tests.filter((test) => test.result().state === state).length;
}

/** Errors of files and suites: a file that does not load, a hook that throws. */
function countOutsideTests(modules: readonly TestModule[]): number {
  const suites = modules.flatMap((module) => [module, ...module.children.allSuites()]);
  return suites.reduce((sum, suite) => sum + suite.errors().length, 0);
}

function printSkipped(skipped: readonly TestCase[]): void {
  for (const test of skipped) {
    const reason = skipReason(test);
    const line = `${test.module.relativeModuleId} > ${test.fullName}`;
    console.log(
      reason === undefined ? `FAILED, skipped without a reason: ${line}` : `skipped (${reason}): ${line}`,
    );
  }
}
