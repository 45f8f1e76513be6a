/**
 * Global set-up of the tests on Redis: the server of REDIS_URL, otherwise a redis-server of this machine,
 * started on a free port with its files in a scratch folder and ended after the last test.
 * Goes out to the test files by vitest's `inject('redisUrl')`. Without either the run fails and says what to install.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createConnection, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { TestProject } from 'vitest/node';

declare module 'vitest' {
  export interface ProvidedContext {
    /** The Redis server of this run, `redis://…`. */
    readonly redisUrl: string;
  }
}

/** Called by vitest before the first test file; what it returns is called after the last. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const given = process.env['REDIS_URL'];
  if (given !== undefined && given !== '') {
    project.provide('redisUrl', given);
    return async () => undefined;
  }
  const folder = await mkdtemp(join(tmpdir(), 'varve-redis-'));
  const port = await findFreePort();
  const server = spawn('redis-server', serverArguments(port, folder), { stdio: 'ignore' });
  const stop = async (): Promise<void> => {
    await endServer(server);
    await rm(folder, { recursive: true, force: true });
  };
  try {
    await untilReady(server, port);
  } catch (error) {
    await stop();
    throw error;
  }
  project.provide('redisUrl', `redis://127.0.0.1:${port}`);
  return stop;
}

function serverArguments(port: number, folder: string): readonly string[] {
  const settings = {
    port,
    bind: '127.0.0.1',
    dir: folder,
    save: '',
    appendonly: 'no',
    'maxmemory-policy': 'noeviction',
  };
  return Object.entries(settings).flatMap(([name, value]) => [`--${name}`, String(value)]);
}

async function findFreePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('no port was given');
  return address.port;
}

async function untilReady(server: ChildProcess, port: number): Promise<void> {
  const failed = once(server, 'error').then(([error]) => {
    throw new Error('redis-server does not start: install it (Debian: redis-server) or set REDIS_URL', {
      cause: error,
    });
  });
  await Promise.race([failed, untilListening(server, port)]);
}

async function untilListening(server: ChildProcess, port: number): Promise<void> {
  for (let attempt = 0; attempt < 100; attempt++) {
    if (server.exitCode !== null) throw new Error(`redis-server ended with code ${server.exitCode}`);
    if (await accepts(port)) return;
    await pause(50);
  }
  throw new Error('redis-server does not listen after 5 s');
}

async function accepts(port: number): Promise<boolean> {
  const socket = createConnection({ port, host: '127.0.0.1' });
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

async function endServer(server: ChildProcess): Promise<void> {
  if (server.pid === undefined || server.exitCode !== null || server.signalCode !== null) return;
  const ended = once(server, 'exit');
  server.kill('SIGTERM');
  await ended;
}
