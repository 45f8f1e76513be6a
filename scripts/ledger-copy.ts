/**
 * npm run ledger:copy -- --from <log> --to <log>: copies ledgers from one log engine to another, and compares them.
 * In: two logs and the server's settings; out: a report on stdout, progress on stderr, exit code 0, 1 (it failed) or 2
 * (wrongly called). Safe to stop and run again.
 */
import { Command, CommanderError } from 'commander';
import { openCopySide, sideUrl, sideWords } from '../src/composition/copy-side.ts';
import { Failure } from '../src/failure.ts';
import { type CopyProgress, type CopyReport, copyLog } from '../src/ledger/copy-ledger.ts';
import { readServerSettings } from '../src/settings.ts';

interface CopyFlags {
  readonly from: string;
  readonly to: string;
  readonly ledger?: readonly string[];
  readonly json: boolean;
}

const command = new Command('ledger:copy')
  .description('Copy ledgers from one log engine to another: events, ids, times, and the log’s own name.')
  .requiredOption('--from <log>', `the log that is copied: ${sideWords}`)
  .requiredOption('--to <log>', `the log that it is copied to: ${sideWords}`)
  .option('--ledger <name...>', 'only these ledgers; all of them otherwise')
  .option('--json', 'the report as JSON on stdout', false)
  .addHelpText(
    'after',
    `
Environment:
  DATABASE_URL                 what "postgres" is; the embedded database of VARVE_DATA_DIR otherwise
  EVENTSTORE_URL               what "eventstore" is
  EVENTSTORE_MAX_APPEND_BYTES  the MaxAppendSize of that server, in bytes (1048576)

Stop every server and worker first: nobody may write to the source meanwhile. What comes nevertheless is copied as well
and counted; a source that goes on growing fails the copy. The target must be empty, or an earlier copy of the same log: a
copy that was stopped goes on where it stood. Changesets are never cut: if one is larger than the target takes at once,
nothing is written. At the end every event of both is compared.

Afterwards start all servers on the new log. Both logs have the same name now: never write to the old one again.`,
  )
  .exitOverride()
  .action(copy);

try {
  await command.parseAsync();
} catch (error) {
  process.exitCode = exitCodeOf(error);
}

async function copy({ from, to, ledger, json }: CopyFlags): Promise<void> {
  const settings = readServerSettings();
  const [fromUrl, toUrl] = [sideUrl(from, settings), sideUrl(to, settings)];
  if (fromUrl === toUrl) throw new Failure('invalid', 'both sides are the same log');
  const say = (line: string) => console.error(line);
  const source = await openCopySide(fromUrl, settings, say);
  try {
    const target = await openCopySide(toUrl, settings, say);
    try {
      const only = ledger === undefined ? {} : { ledgers: ledger };
      const report = await copyLog({ source, target, ...only, onProgress: createProgress(say) });
      console.log(json ? JSON.stringify(report, undefined, 2) : formatReport(report));
    } finally {
      await target.stop();
    }
  } finally {
    await source.stop();
  }
}

/** A line for every fifty thousand events, and for the end of each phase. */
function createProgress(say: (line: string) => void): (progress: CopyProgress) => void {
  let told = 0;
  return ({ ledger, phase, revision, of }) => {
    if (revision < told) told = 0;
    if (revision < told + 50_000 && revision < of) return;
    told = revision;
    say(`${ledger}: ${phase} ${revision} of ${of}`);
  };
}

function formatReport({ identity, ledgers, grownBy }: CopyReport): string {
  const lines = ledgers.map(
    ({ ledger, events, copied, bytes, sha256 }) =>
      `${ledger}: ${events} events, ${bytes} bytes, the same in both (${copied} copied now), sha256 ${sha256}`,
  );
  const grown = grownBy === 0 ? [] : [`${grownBy} events came while it was copied; they are copied as well.`];
  return [...lines, ...grown, `log ${identity}`].join('\n');
}

function exitCodeOf(error: unknown): number {
  // commander has said it already; --help ends with 0
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
  if (!(error instanceof Failure)) throw error;
  console.error(`ledger:copy: ${error.message}`);
  return error.code === 'invalid' ? 2 : 1;
}
