/**
 * One of several servers on one database: `src/main.ts server` in a process of its own, behind a proxy of its own.
 * In: a place; out: a server that can be killed and started again on the same port, paused, and cut off.
 * Each life has a name, because what a server promises about its own answers it promises until it dies.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { openTcpProxy, type TcpProxy } from '../support/tcp-proxy.ts';

const checkout = fileURLToPath(new URL('../..', import.meta.url));
const startLimitMs = 60_000;
const stopLimitMs = 20_000;

export interface RacePlace {
  readonly name: string;
  readonly databaseUrl: string;
  readonly port: number;
  readonly adminKey: string;
  /** What it said, over all its lives. */
  readonly logFile: string;
  /** A module that is loaded before everything else: another clock, for example. */
  readonly preload?: string;
}

export interface RaceServer {
  readonly name: string;
  readonly url: string;
  readonly proxy: TcpProxy;
  /** The name of this life. */
  life(): string;
  /** kill -9, and a new life that is ready. */
  killAndRestart(): Promise<void>;
  /** Ends for good, as `kill -9` does. */
  kill(): Promise<void>;
  pause(): void;
  resume(): void;
  /** Asks it to end; answers its exit code or signal, `hung` when it had to be killed. */
  stop(): Promise<number | string>;
  /** Whether it runs, as far as nobody ended it. */
  isAlive(): boolean;
}

export async function startRaceServer(place: RacePlace): Promise<RaceServer> {
  const proxy = await openTcpProxy(place.databaseUrl);
  const url = `http://127.0.0.1:${place.port}`;
  let lives = 1;
  let child = spawnServer(place, proxy.url);
  const endWithUs = (): void => {
    child.kill('SIGKILL');
  };
  process.on('exit', endWithUs);
  const kill = async (): Promise<void> => {
    const ended = endOf(child);
    child.kill('SIGKILL');
    await ended;
  };
  try {
    await becomeReady(child, place);
  } catch (error) {
    await kill();
    await proxy.close();
    throw error;
  }
  return {
    name: place.name,
    url,
    proxy,
    life: () => `${place.name}.${lives}`,
    async killAndRestart() {
      await kill();
      lives++;
      child = spawnServer(place, proxy.url);
      await becomeReady(child, place);
    },
    kill,
    pause: () => void child.kill('SIGSTOP'),
    resume: () => void child.kill('SIGCONT'),
    async stop() {
      child.kill('SIGCONT');
      child.kill('SIGTERM');
      const end = await Promise.race([endOf(child), sleep(stopLimitMs, 'hung', { ref: false })]);
      if (end === 'hung') await kill();
      process.off('exit', endWithUs);
      await proxy.close();
      return end;
    },
    isAlive: () => child.exitCode === null && child.signalCode === null,
  };
}

/** Node runs it without a wrapper in between, so that signals meet the server itself. */
function spawnServer(place: RacePlace, databaseUrl: string): ChildProcess {
  const log = openSync(place.logFile, 'a');
  const preload = place.preload === undefined ? [] : ['--import', place.preload];
  const child = spawn(
    process.execPath,
    [
      ...preload,
      '--import',
      join(checkout, 'node_modules/tsx/dist/loader.mjs'),
      join(checkout, 'src/main.ts'),
      'server',
    ],
    {
      cwd: checkout,
      env: {
        PATH: '/usr/bin:/bin',
        DATABASE_URL: databaseUrl,
        VARVE_PORT: String(place.port),
        VARVE_ADMIN_KEY: place.adminKey,
        VARVE_SEED: 'none',
        VARVE_LOG_LEVEL: 'warn',
      },
      stdio: ['ignore', log, log],
    },
  );
  closeSync(log);
  return child;
}

function endOf(child: ChildProcess): Promise<number | string> {
  if (child.exitCode !== null || child.signalCode !== null) {
    return Promise.resolve(child.exitCode ?? child.signalCode ?? 0);
  }
  return new Promise((resolve) => {
    child.once('exit', (code, signal) => resolve(code ?? signal ?? 0));
  });
}

async function becomeReady(child: ChildProcess, { port, name, logFile }: RacePlace): Promise<void> {
  const until = performance.now() + startLimitMs;
  while (performance.now() < until && child.exitCode === null && child.signalCode === null) {
    const response = await fetch(`http://127.0.0.1:${port}/readyz`).catch(() => undefined);
    await response?.body?.cancel();
    if (response?.ok === true) return;
    await sleep(20);
  }
  throw new Error(`server ${name} was not ready in ${startLimitMs} ms, see ${logFile}`);
}
