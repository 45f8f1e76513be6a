/**
 * npm run disaster -- kill: kills a real Varve again and again, and proves that it keeps its promises.
 * In: how often, from which seed; out: a report on stdout (or JSON), progress on stderr, exit code 0, 1 (a promise was
 * broken) or 2 (wrongly called). Makes its own data folder and touches no other.
 */
import { randomInt } from 'node:crypto';
import { Command, CommanderError, InvalidArgumentError } from 'commander';
import { formatKillReport, lastLine } from '../test/disaster/kill-report.ts';
import { runKill } from '../test/disaster/kill-run.ts';

interface KillFlags {
  readonly cycles: number;
  readonly writers: number;
  readonly seed?: number;
  readonly keep: boolean;
  readonly json: boolean;
}

const wholeNumber = (least: number, most: number) => (text: string) => {
  const number = Number(text);
  if (Number.isInteger(number) && number >= least && number <= most) return number;
  throw new InvalidArgumentError(`It is no whole number from ${least} to ${most}.`);
};

const command = new Command('disaster')
  .description('Disasters for a real Varve, with an oracle that knows what it promised.')
  .exitOverride();

command
  .command('kill')
  .description('kill -9 of server and database in turn under write load, on an embedded database of its own.')
  .option('--cycles <n>', 'cycles; each kills both, once', wholeNumber(1, 10_000), 5)
  .option('--writers <n>', 'clients that write all the time', wholeNumber(1, 1_000), 16)
  .option(
    '--seed <n>',
    'chooses moments and values; otherwise by chance, and printed',
    wholeNumber(0, 2 ** 32 - 1),
  )
  .option('--keep', 'keep the data folder even when nothing was found', false)
  .option('--json', 'the report as JSON on stdout', false)
  .addHelpText(
    'after',
    `
Checked afterwards: every acknowledged changeset stands exactly once, whole, at the revisions that were answered;
those whose outcome was unknown were asked again with their keys and done exactly once; revisions have no gap,
recorded times never run backwards; history, changesets, values and projections tell what the log holds;
nothing ended by itself, and nothing is left running. Exit code 1 when any of it fails.`,
  )
  .exitOverride()
  .action(kill);

// A signal that ends us without `exit` would leave the server behind.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));

try {
  await command.parseAsync();
} catch (error) {
  if (!(error instanceof CommanderError)) throw error;
  // commander has said it already; --help ends with 0
  process.exitCode = error.exitCode === 0 ? 0 : 2;
}

async function kill({ cycles, writers, seed = randomInt(2 ** 32), keep, json }: KillFlags): Promise<void> {
  console.error(`disaster kill: ${cycles} cycles, ${writers} writers, seed ${seed}`);
  const report = await runKill({
    cycles,
    writers,
    seed,
    longestMs: 1_500,
    leastWrites: 250,
    keeps: keep,
    say: (line) => console.error(line),
  });
  console.log(
    json ? JSON.stringify(report, undefined, 2) : `${formatKillReport(report)}\n${lastLine(report)}`,
  );
  if (json) console.error(lastLine(report));
  if (!report.isPassed) process.exitCode = 1;
}
