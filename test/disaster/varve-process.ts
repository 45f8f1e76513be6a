/**
 * The real Varve as users start it: src/main.ts in a process of its own, with the embedded database.
 * In: a data folder and a port; out: a process that can be waited for, killed and stopped.
 * Its words go into a file, not a pipe, so that nothing of them is lost with it.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { resolveDataDir } from '../../src/database/data-folder.ts';
import { findPostmaster } from '../../src/database/postgres-process.ts';
import { findPostgresIn, type ProcessIdentity } from '../../src/database/processes.ts';

const checkout = fileURLToPath(new URL('../..', import.meta.url));

export interface VarvePlace {
  readonly dataDir: string;
  readonly port: number;
  readonly adminKey: string;
  /** What the server said, over all its lives. */
  readonly logFile: string;
  /** Somebody else's database; absent: the embedded one. */
  readonly databaseUrl?: string;
  /** Absent: the queue is in Postgres. */
  readonly redisUrl?: string;
}

export interface VarveEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface VarveProcess {
  readonly pid: number;
  /** Never rejects. */
  readonly ended: Promise<VarveEnd>;
  /** True when /readyz said 200; false when the process ended first or the limit passed. */
  ready(limitMs: number): Promise<boolean>;
  signal(signal: NodeJS.Signals): void;
}

/** Node runs it without a wrapper in between, so that SIGKILL meets the server itself. */
export function spawnVarve(place: VarvePlace): VarveProcess {
  const log = openSync(place.logFile, 'a');
  const child = spawn(
    process.execPath,
    ['--import', join(checkout, 'node_modules/tsx/dist/loader.mjs'), join(checkout, 'src/main.ts')],
    {
      cwd: checkout,
      env: {
        PATH: '/usr/bin:/bin',
        VARVE_DATA_DIR: place.dataDir,
        VARVE_PORT: String(place.port),
        VARVE_ADMIN_KEY: place.adminKey,
        VARVE_SEED: 'none',
        ...(place.databaseUrl === undefined ? {} : { DATABASE_URL: place.databaseUrl }),
        ...(place.redisUrl === undefined ? {} : { REDIS_URL: place.redisUrl }),
      },
      stdio: ['ignore', log, log],
    },
  );
  closeSync(log);
  // Whoever ends the harness must not leave the server behind; it takes its database along.
  const endWithUs = () => child.kill('SIGTERM');
  process.on('exit', endWithUs);
  const ended = new Promise<VarveEnd>((resolve) => {
    const settle = (end: VarveEnd) => {
      process.off('exit', endWithUs);
      resolve(end);
    };
    child.once('exit', (code, signal) => settle({ code, signal }));
    child.once('error', () => settle({ code: null, signal: null }));
  });
  return {
    pid: child.pid ?? 0,
    ended,
    ready: (limitMs) => becomesReady(child, place.port, limitMs),
    signal: (signal) => void child.kill(signal),
  };
}

async function becomesReady(child: ChildProcess, port: number, limitMs: number): Promise<boolean> {
  const until = performance.now() + limitMs;
  while (performance.now() < until && child.exitCode === null && child.signalCode === null) {
    const response = await fetch(`http://127.0.0.1:${port}/readyz`).catch(() => undefined);
    if (response?.ok === true) return true;
    await sleep(20);
  }
  return false;
}

/** Where the embedded database really is: as root the folder may have been moved. */
export function clusterOf({ dataDir }: Pick<VarvePlace, 'dataDir'>): string {
  return join(resolveDataDir(dataDir), 'postgres');
}

/** Kills the database's first process as `kill -9` does; false when none runs just now. */
export function killDatabase(place: Pick<VarvePlace, 'dataDir'>): boolean {
  const postmaster = findPostmaster(clusterOf(place));
  if (postmaster === undefined) return false;
  process.kill(postmaster.pid, 'SIGKILL');
  return true;
}

/** All processes of the database that run now. */
export function databaseProcesses(place: Pick<VarvePlace, 'dataDir'>): readonly ProcessIdentity[] {
  return findPostgresIn(clusterOf(place));
}

/** A port that nobody listens on just now. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('no port was given');
  return address.port;
}
