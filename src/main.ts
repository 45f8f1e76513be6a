/**
 * The command: `npm start`, `npm run server`, `npm run worker`. Reads the settings, starts Varve, says where it is,
 * and stops it when asked (SIGTERM, SIGINT) after finishing what was acknowledged.
 */
import closeWithGrace from 'close-with-grace';
import pino from 'pino';
import { type Part, type RunningVarve, startVarve } from './composition/varve.ts';
import { version } from './composition/version.ts';
import { Failure } from './failure.ts';
import { readServerSettings, type ServerSettings } from './settings.ts';

const usage = `Varve ${version}: the event-sourced ledger for the configuration of AI models.

  npm start          everything: API, projections, background work
  npm run server     the API (and projections, where no other process keeps them)
  npm run worker     projections and background work

Settings come from the environment; README.md lists them.`;

const stopLimitMs = 20_000;

async function main(words: readonly string[]): Promise<void> {
  const [word = 'all', ...rest] = words;
  if (word === '--help' || word === '-h' || word === 'help') {
    console.log(usage);
    return;
  }
  if (!isPart(word) || rest.length > 0) {
    throw new Failure('invalid', `${words.join(' ')} is none of: server, worker, --help`);
  }
  const settings = readServerSettings();
  const logger = createLogger(settings);
  const starting = startVarve(settings, word, logger);
  // From the first moment on: a start that is interrupted takes its database along as well.
  const closing = closeWithGrace({ delay: stopLimitMs, logger }, async ({ signal, err }) => {
    if (err !== undefined) logger.fatal({ err }, 'an error that nobody caught');
    logger.info({ signal }, 'stopping: what was acknowledged is finished first');
    await starting.then((varve) => varve.stop());
    logger.info('stopped');
  });
  const varve = await starting.catch((error: unknown) => {
    closing.uninstall();
    throw error;
  });
  announce(varve, logger);
}

function isPart(word: string): word is Part {
  return word === 'all' || word === 'server' || word === 'worker';
}

function createLogger({ logLevel }: ServerSettings): pino.Logger {
  const options = { level: logLevel, base: null, timestamp: pino.stdTimeFunctions.isoTime };
  // Written beside the work and not in its way: a synchronous write a request costs a tenth of the write path.
  if (!process.stdout.isTTY) return pino(options, pino.destination({ dest: 1, sync: false }));
  return pino({
    ...options,
    transport: { target: 'pino-pretty', options: { translateTime: 'SYS:HH:MM:ss', ignore: 'pid,hostname' } },
  });
}

/** Tells a person where Varve is; the admin's key is shown this one time. */
function announce(varve: RunningVarve, logger: pino.Logger): void {
  const { url, adminKey, revision, dataDir } = varve;
  if (url === undefined) {
    logger.info('the worker is ready');
    return;
  }
  const database = dataDir === undefined ? 'PostgreSQL' : `embedded PostgreSQL, ${dataDir}`;
  const lines = [
    `Varve ${version} is ready at ${url}`,
    `  documentation  ${url}/docs`,
    `  ledger         default, revision ${revision ?? 0} (${database})`,
  ];
  if (adminKey !== undefined) {
    lines.push(
      `  admin key      ${adminKey}`,
      '                 shown this once: keep it. Try it:',
      `  curl -H "Authorization: Bearer ${adminKey}" "${url}/v1/resolve/ai.planner.model?tier=3"`,
    );
  }
  console.log(lines.join('\n'));
}

main(process.argv.slice(2)).catch((error: unknown) => {
  // An expected failure is one clear line; anything else is a bug and shows where.
  if (error instanceof Failure) console.error(`varve: ${error.message}`);
  else console.error(error);
  process.exitCode = 1;
});
