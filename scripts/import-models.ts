/**
 * npm run import:models -- <file>: imports a models.dev history into a running Varve.
 * In: a file, VARVE_URL and VARVE_API_KEY; out: a report on stdout, progress on stderr, exit code 0, 1 (it failed) or
 * 2 (wrongly called). Safe to stop and run again: what is there already is not written twice.
 */
import { stat } from 'node:fs/promises';
import { setTimeout as wait } from 'node:timers/promises';
import { SingleBar } from 'cli-progress';
import { Command, CommanderError } from 'commander';
import { Failure } from '../src/failure.ts';
import { formatReport } from '../src/import/import-report.ts';
import { type ImportProgress, runImport } from '../src/import/import-run.ts';
import { readLines } from '../src/import/read-lines.ts';
import { createSendChangeset } from '../src/import/send-changeset.ts';
import { readClientSettings } from '../src/settings.ts';

const command = new Command('import:models')
  .description('Import a models.dev history (newline-delimited JSON) into a running Varve.')
  .argument('<file>', 'the history, one change a line, oldest first')
  .addHelpText(
    'after',
    `
Environment:
  VARVE_URL       where Varve is (default: the local one)
  VARVE_API_KEY   an API key that may write

Every commit of the file becomes one changeset with its own idempotency key.
Stopped anywhere it can be run again: it goes on where it stopped, and a second run adds nothing.`,
  )
  .exitOverride()
  .action(importFile);

try {
  await command.parseAsync();
} catch (error) {
  process.exitCode = exitCodeOf(error);
}

async function importFile(path: string): Promise<void> {
  const { url, apiKey } = readClientSettings();
  const { lines, bytesRead } = readLines(path);
  const progress = showProgress(await sizeOf(path), bytesRead);
  const credential = apiKey === undefined ? {} : { apiKey };
  const send = createSendChangeset({ fetch, wait }, { url, ...credential, onRetry: progress.say });
  try {
    const report = await runImport({ lines, send, progress: progress.show });
    progress.end();
    console.log(formatReport(report));
  } finally {
    progress.end();
  }
}

/** Bytes, for the bar alone; a file that cannot be read says so when it is read. */
async function sizeOf(path: string): Promise<number> {
  return stat(path).then(
    ({ size }) => size,
    () => 0,
  );
}

interface ProgressDisplay {
  readonly show: (progress: ImportProgress) => void;
  readonly say: (problem: Failure) => void;
  readonly end: () => void;
}

/** A bar on a terminal, elsewhere a line for every fifty changesets. */
function showProgress(size: number, read: () => number): ProgressDisplay {
  if (!process.stderr.isTTY) {
    return {
      show: ({ changesets, records, commit }) => {
        if (changesets % 50 === 0)
          console.error(`${changesets} changesets, ${records} records, at ${commit}`);
      },
      say: (problem) => console.error(`${problem.message}; trying again`),
      end: () => {},
    };
  }
  const bar = new SingleBar({
    format: '{bar} {percentage} % | {changesets} changesets | {records} records | {state}',
    hideCursor: true,
  });
  bar.start(size, 0, { changesets: 0, records: 0, state: '' });
  return {
    show: ({ changesets, records, commit }) => bar.update(read(), { changesets, records, state: commit }),
    say: (problem) => bar.update({ state: `${problem.message}; trying again` }),
    end: () => bar.stop(),
  };
}

function exitCodeOf(error: unknown): number {
  // commander has said it already; --help ends with 0
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
  if (!(error instanceof Failure)) throw error;
  console.error(`import stopped: ${error.message}`);
  for (const { path, message } of error.details) console.error(`  ${path}: ${message}`);
  if (error.code === 'unauthenticated') console.error('  VARVE_API_KEY is missing or not valid here');
  if (error.reason === 'no_answer')
    console.error('  is Varve running? VARVE_URL says where; npm start starts it');
  return 1;
}
