/**
 * npm run linearizability: several real servers race on one embedded database, under faults, and are judged.
 * Out: a report on stdout (or JSON), progress on stderr; exit code 0, 1 (illegal, or a server failed its clients), 2 (wrongly
 * called), 3 (undecided). Makes its own data folder and touches no other.
 */
import { randomInt } from 'node:crypto';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { startEmbeddedPostgres } from '../src/database/embedded.ts';
import { createPool } from '../src/database/pool.ts';
import { formatRaceReport, lastRaceLine, type RaceReport } from '../test/linearizability/race-report.ts';
import { runRace } from '../test/linearizability/race-run.ts';
import { runHarness, wholeNumber } from '../test/support/harness-command.ts';

interface Flags {
  readonly seconds: number;
  readonly seed?: number;
  readonly servers: number;
  readonly writers: number;
  readonly readers: number;
  readonly keep: boolean;
  readonly json: boolean;
}

const command = new Command('linearizability')
  .description('Several servers race on one database, under faults; what their clients saw is judged.')
  .option('--seconds <n>', 'how long they race', wholeNumber(1, 86_400), 60)
  .option(
    '--seed <n>',
    'chooses wishes and faults; otherwise by chance, and printed',
    wholeNumber(0, 2 ** 32 - 1),
  )
  .option('--servers <n>', 'server processes', wholeNumber(1, 9), 3)
  .option('--writers <n>', 'clients that write', wholeNumber(1, 500), 12)
  .option('--readers <n>', 'clients that read', wholeNumber(0, 500), 8)
  .option('--keep', 'keep the data folder', false)
  .option('--json', 'the report as JSON on stdout', false)
  .addHelpText(
    'after',
    `
Judged: each subject as a register with a version (reads that ask for all that was heard of, writes, conflicts), and
across subjects: whole changesets, revisions in the order of real time, every answer the state at its revision, no
server behind what it told. Exit code 1 when a history is illegal or a server that was left alone failed a client, 3
when a verdict could not be found.`,
  )
  .exitOverride()
  .action(run);

// A signal that ends us without `exit` would leave the servers behind.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));

await runHarness(command);

async function run({ keep, json, seed = randomInt(2 ** 32), ...flags }: Flags): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'varve-race-'));
  // The database's account may pass through, and not list it.
  await chmod(folder, 0o711);
  console.error(`linearizability: ${flags.seconds} s, ${flags.servers} servers, seed ${seed}`);
  const database = await startEmbeddedPostgres({ dataDir: join(folder, 'data') });
  const pool = createPool(database.connectionString, { max: 2, applicationName: 'varve-race' });
  let report: RaceReport;
  try {
    const say = (line: string) => console.error(line);
    report = await runRace({ ...flags, seed, databaseUrl: database.connectionString, pool, folder, say });
  } finally {
    await pool.end();
    await database.stop();
    if (keep) console.error(`kept: ${folder}`);
    else {
      await rm(database.dataDir, { recursive: true, force: true });
      await rm(folder, { recursive: true, force: true });
    }
  }
  console.log(
    json ? JSON.stringify(report, undefined, 2) : `${formatRaceReport(report)}\n${lastRaceLine(report)}`,
  );
  if (json) console.error(lastRaceLine(report));
  const { verdict } = report.judgement;
  if (!report.isPassed) process.exitCode = verdict === 'undecided' && report.complaints.length === 0 ? 3 : 1;
}
