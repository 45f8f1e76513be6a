/**
 * A process that owns an embedded server, for tests that kill it or run it under another account.
 * Arguments: the data folder. Prints one line of JSON once it is up or has failed, and one per server crash;
 * SIGTERM stops it cleanly, SIGINT makes it ask the server something first, SIGUSR2 makes it exit without a word.
 */

import pg from 'pg';
import { startEmbeddedPostgres } from '../../src/database/embedded.ts';
import { Failure } from '../../src/failure.ts';

const [dataDir = ''] = process.argv.slice(2);
const say = (line: object): void => void process.stdout.write(`${JSON.stringify(line)}\n`);

try {
  const embedded = await startEmbeddedPostgres({ dataDir });
  const stop = async (): Promise<void> => {
    await embedded.stop();
    process.exit(0);
  };
  process.on('SIGTERM', () => void stop());
  process.on('SIGUSR2', () => process.exit(3));
  process.on('SIGINT', () => {
    const client = new pg.Client({ connectionString: embedded.connectionString });
    void client
      .connect()
      .then(() => client.query('select 1 as answer'))
      .then(({ rows }) => say({ rows }))
      .then(() => client.end())
      .then(stop);
  });
  say({ connectionString: embedded.connectionString, dataDir: embedded.dataDir, pid: embedded.pid });
} catch (error) {
  const { code, reason, message } =
    error instanceof Failure ? error : { code: 'bug', reason: '', message: String(error) };
  say({ failure: { code, reason, message } });
  process.exitCode = 1;
}
