/**
 * Servers under test, each a process of its own: Varve as users start it (src/main.ts, the embedded database, its own
 * data folder), and the bare Fastify that it is compared with. A start goes in; address, process id and stop come out.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { open, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import type { LoadTarget } from './load.ts';

export interface RunningServer extends LoadTarget {
  stop(): Promise<void>;
}

export type BareKind = 'get' | 'post';

const root = join(import.meta.dirname, '..', '..');
const adminKey = `varve_admin_bench_${'b'.repeat(40)}`;
const startLimitMs = 60_000;

const headers = { authorization: `Bearer ${adminKey}`, 'content-type': 'application/json' };

/** Where a Varve in this folder keeps its database. */
export const varveDataDir = (folder: string): string => join(folder, 'varve');

/**
 * Starts Varve with its catalogue on the database in the folder, a fresh one where there is none; `more` of its settings,
 * another database for example.
 */
export async function startVarve(
  folder: string,
  more: Readonly<Record<string, string>> = {},
): Promise<RunningServer> {
  const environment = environmentOf({ VARVE_DATA_DIR: varveDataDir(folder), ...more });
  return start('varve', folder, ['src/main.ts'], environment);
}

/** Starts the API alone (`npm run server`) on a database that others may use as well. */
export async function startVarveOn(
  databaseUrl: string,
  folder: string,
  name: string,
): Promise<RunningServer> {
  return start(name, folder, ['src/main.ts', 'server'], environmentOf({ DATABASE_URL: databaseUrl }));
}

function environmentOf(place: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return { VARVE_PORT: '0', VARVE_SEED: 'catalogue', VARVE_ADMIN_KEY: adminKey, ...place };
}

/** Starts a bare Fastify that answers every request with a body. */
export async function startBare(folder: string, kind: BareKind, body: string): Promise<RunningServer> {
  const file = join(folder, `${kind}-answer.json`);
  await writeFile(file, body);
  return start(`bare-${kind}`, folder, ['test/bench/bare-server.ts', kind, file], {});
}

/** What is written on standard output goes to a file, as a person would keep it, and costs this process nothing. */
async function start(
  name: string,
  folder: string,
  words: readonly string[],
  environment: Readonly<Record<string, string>>,
): Promise<RunningServer> {
  const logFile = join(folder, `${name}.log`);
  const log = await open(logFile, 'w');
  // `node --cpu-prof --import tsx scripts/bench.ts …` profiles the servers too.
  const flags = process.execArgv.filter((flag) => flag.startsWith('--cpu-prof'));
  const child = spawn(process.execPath, [...flags, '--import', 'tsx', ...words], {
    cwd: root,
    env: { PATH: process.env['PATH'] ?? '', ...environment },
    stdio: ['ignore', log.fd, log.fd],
  });
  await log.close();
  const ended = new Promise<void>((resolve) => {
    child.on('exit', () => resolve());
  });
  const url = await addressOf(child, logFile);
  return {
    url,
    pid: child.pid ?? 0,
    headers,
    async stop() {
      child.kill('SIGTERM');
      await ended;
    },
  };
}

async function addressOf(child: ChildProcess, logFile: string): Promise<string> {
  for (const end = Date.now() + startLimitMs; Date.now() < end; await wait(50)) {
    const text = await readFile(logFile, 'utf8');
    const url = /is ready at (http:\S+)/.exec(text)?.[1];
    if (url !== undefined) return url;
    if (child.exitCode !== null) throw new Error(`the server ended before it was ready:\n${text}`);
  }
  child.kill('SIGKILL');
  throw new Error(`the server was not ready within ${startLimitMs / 1000} s`);
}
