/**
 * npm run disaster -- <name>: hurts a real Varve again and again, and proves that it keeps its promises.
 * In: which disaster, how often, from which seed; out: a report on stdout (or JSON), progress on stderr, exit code 0, 1 (a
 * promise was broken, or a control saw nothing) or 2 (wrongly called). Makes its own data folder and touches no other.
 */
import { randomInt } from 'node:crypto';
import { Command } from 'commander';
import { formatReport, lastLine } from '../test/disaster/report.ts';
import { runDisaster } from '../test/disaster/run.ts';
import type { Scenario } from '../test/disaster/scenario.ts';
import { scenarios } from '../test/disaster/scenarios.ts';
import { runHarness, wholeNumber } from '../test/support/harness-command.ts';

interface Flags {
  readonly cycles: number;
  readonly seconds: number;
  readonly writers: number;
  readonly seed?: number;
  readonly control?: boolean;
  readonly redis?: string;
  readonly keep: boolean;
  readonly json: boolean;
}

const command = new Command('disaster')
  .description('Disasters for a real Varve, with an oracle that knows what it promised.')
  .exitOverride();
for (const scenario of scenarios) addScenario(scenario);

// A signal that ends us without `exit` would leave the servers behind.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));

await runHarness(command);

function addScenario(scenario: Scenario): void {
  const sub = command
    .command(scenario.name)
    .description(scenario.summary)
    .option('--cycles <n>', 'how often', wholeNumber(1, 10_000), scenario.cycles)
    .option('--seconds <n>', 'how long the trouble of a cycle lasts', wholeNumber(0, 3_600), scenario.seconds)
    .option('--writers <n>', 'clients that write all the time', wholeNumber(1, 1_000), 16)
    .option(
      '--seed <n>',
      'chooses moments and values; otherwise by chance, and printed',
      wholeNumber(0, 2 ** 32 - 1),
    )
    .option('--keep', 'keep the data folder even when nothing was found', false)
    .option('--json', 'the report as JSON on stdout', false);
  if (scenario.control !== undefined)
    sub.option('--control', `take the guard away (${scenario.control}): passes when losses are seen`);
  if (scenario.name === 'queue-wiped') sub.option('--redis <url>', 'the queue is on this Redis, and flushed');
  sub
    .addHelpText(
      'after',
      `
Checked afterwards: every acknowledged changeset stands exactly once, whole, at the revisions that were answered;
those whose outcome was unknown were asked again with their keys and done exactly once; revisions have no gap,
recorded times never run backwards; history, changesets, values and projections tell what the log holds;
every write was answered in time; nothing ended by itself, and nothing is left running. Servers that live through it
answered every read and status meanwhile, and their streams told everything. Exit code 1 when any of it fails.`,
    )
    .exitOverride()
    .action((flags: Flags) => run(scenario, flags));
}

async function run(scenario: Scenario, flags: Flags): Promise<void> {
  const { cycles, seconds, writers, seed = randomInt(2 ** 32), control = false, redis, keep, json } = flags;
  console.error(`disaster ${scenario.name}: ${cycles} cycles, ${writers} writers, seed ${seed}`);
  const report = await runDisaster(scenario, {
    cycles,
    seconds,
    writers,
    seed,
    longestMs: 1_500,
    leastWrites: 250,
    isControl: control,
    ...(redis === undefined ? {} : { redisUrl: redis }),
    keeps: keep,
    say: (line) => console.error(line),
  });
  console.log(json ? JSON.stringify(report, undefined, 2) : `${formatReport(report)}\n${lastLine(report)}`);
  if (json) console.error(lastLine(report));
  if (!report.isPassed) process.exitCode = 1;
}
