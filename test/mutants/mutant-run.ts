/**
 * Runs tests on mutants: in a copy of the project, one mutant after the other.
 * In: mutants; out: for each whether a test saw it, and which. First the same tests run without any bug: a test that
 * fails anyway sees nothing. The checkout itself is never touched.
 */
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { cp, mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { makeScratchFolder } from '../support/scratch-folder.ts';
import { type Mutant, mutate } from './mutant.ts';

export type Verdict =
  /** `by`: the first test that failed. */
  | { readonly kind: 'caught'; readonly by: string }
  | { readonly kind: 'survived' }
  /** The patch does not fit the sources any more. */
  | { readonly kind: 'stale' }
  /** The run broke off without a failing test: nobody can tell. */
  | { readonly kind: 'unclear'; readonly why: string };

export interface MutantResult {
  readonly mutant: Mutant;
  readonly verdict: Verdict;
  readonly seconds: number;
}

export interface MutantRunOptions {
  readonly mutants: readonly Mutant[];
  readonly say: (line: string) => void;
  /** A clock for durations, milliseconds. */
  readonly elapsed: () => number;
}

const checkout = fileURLToPath(new URL('../..', import.meta.url));
const parts = [
  'src',
  'projections',
  'migrations',
  'scripts',
  'test',
  'package.json',
  'tsconfig.json',
  'vitest.config.ts',
  'README.md',
  'docker-compose.yml',
];
/** A mutant may make a test hang; a test's own limit ends it before this does. */
const runLimitMs = 300_000;

/** Throws when the tests fail without any bug. `report` is called after each mutant. */
export async function runMutants(
  { mutants, say, elapsed }: MutantRunOptions,
  report: (result: MutantResult) => void,
): Promise<readonly MutantResult[]> {
  const scratch = await makeScratchFolder();
  try {
    const copy = join(scratch.path, 'varve');
    await copyProject(copy);
    const files = [...new Set(mutants.flatMap(({ tests }) => tests))].sort();
    say(`${files.length} test files, without any bug`);
    const sound = await runTests(copy, files);
    if (sound.kind !== 'survived') throw new Error(`the tests do not pass without a bug: ${wordsOf(sound)}`);
    const results: MutantResult[] = [];
    for (const mutant of mutants) {
      say(`${mutant.name}: ${mutant.bug}`);
      const startedAt = elapsed();
      const verdict = await tryMutant(copy, mutant);
      const result = { mutant, verdict, seconds: (elapsed() - startedAt) / 1000 };
      results.push(result);
      report(result);
    }
    return results;
  } finally {
    await scratch.remove();
  }
}

export function wordsOf(verdict: Verdict): string {
  switch (verdict.kind) {
    case 'caught':
      return verdict.by;
    case 'survived':
      return 'SURVIVED: no test failed';
    case 'stale':
      return 'STALE: the patch no longer applies';
    case 'unclear':
      return `UNCLEAR: ${verdict.why}`;
    default:
      return verdict satisfies never;
  }
}

async function copyProject(copy: string): Promise<void> {
  await mkdir(copy);
  for (const part of parts) await cp(join(checkout, part), join(copy, part), { recursive: true });
  await symlink(join(checkout, 'node_modules'), join(copy, 'node_modules'));
}

async function tryMutant(copy: string, mutant: Mutant): Promise<Verdict> {
  const mutated = mutate(mutant, (path) => readFileSync(join(copy, path), 'utf8'));
  if (mutated === undefined) return { kind: 'stale' };
  try {
    for (const [path, text] of mutated) await writeFile(join(copy, path), text);
    return await runTests(copy, mutant.tests);
  } finally {
    for (const path of mutated.keys()) await cp(join(checkout, path), join(copy, path));
  }
}

const reportSchema = z.object({
  numTotalTests: z.number(),
  testResults: z.array(
    z.object({
      name: z.string(),
      status: z.string(),
      message: z.string().optional(),
      assertionResults: z.array(z.object({ fullName: z.string(), status: z.string() })),
    }),
  ),
});

/** `survived` when all of them pass. */
async function runTests(copy: string, files: readonly string[]): Promise<Verdict> {
  const output = join(dirname(copy), 'report.json');
  await writeFile(output, '');
  const { code, text } = await vitest(copy, [
    ...files,
    '--reporter=json',
    `--outputFile=${output}`,
    '--bail=1',
  ]);
  const report = reportSchema.safeParse(parse(await readFile(output, 'utf8')));
  if (!report.success) return { kind: 'unclear', why: `the run ended with ${code}: ${text.slice(-500)}` };
  for (const { assertionResults } of report.data.testResults) {
    const failed = assertionResults.find(({ status }) => status === 'failed');
    if (failed !== undefined) return { kind: 'caught', by: failed.fullName };
  }
  if (code === 0 && report.data.numTotalTests > 0) return { kind: 'survived' };
  // A hook or a file that failed is a failure as well, but a syntax error would be one too: it must be looked at.
  const broken = report.data.testResults.find(({ status }) => status === 'failed');
  return { kind: 'unclear', why: broken?.message ?? `the run ended with ${code}: ${text.slice(-500)}` };
}

function vitest(
  copy: string,
  args: readonly string[],
): Promise<{ readonly code: number | string; readonly text: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(join(copy, 'node_modules/.bin/vitest'), ['run', ...args], {
      cwd: copy,
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: runLimitMs,
      killSignal: 'SIGKILL',
    });
    let text = '';
    const keep = (chunk: Buffer): void => {
      text = (text + chunk.toString()).slice(-20_000);
    };
    child.stdout.on('data', keep);
    child.stderr.on('data', keep);
    child.on('error', reject);
    child.on('close', (code, signal) => resolve({ code: code ?? signal ?? 'nothing', text }));
  });
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
