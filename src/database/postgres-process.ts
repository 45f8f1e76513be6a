/**
 * One run of the PostgreSQL server: start it, wait until it accepts connections, end it.
 * Comes in: programs, a cluster, a socket folder. Goes out: a running process and the promise of its end.
 * The server gets a session of its own, so that Ctrl-C reaches only us and our order of shutting down holds.
 */

import { spawn } from 'node:child_process';
import { closeSync, fstatSync, openSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { DataFolder } from './data-folder.ts';
import { socketName, unusable } from './data-folder.ts';
import type { PostgresBinaries } from './postgres-binaries.ts';
import { embeddedBroken, programEnvironment } from './postgres-cluster.ts';
import type { ProcessIdentity } from './processes.ts';
import { findPostgresIn, findProcess, readCommand, sendSignal, waitUntilGone } from './processes.ts';

/** How a server process ended: a code, or the signal that ended it. */
export interface PostgresEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface PostgresProcess {
  readonly identity: ProcessIdentity;
  /** Resolves when the process has ended, however it ended; never rejects. */
  readonly ended: Promise<PostgresEnd>;
}

export interface PostgresPlace {
  readonly data: DataFolder;
  readonly binaries: PostgresBinaries;
  readonly socketFolder: string;
}

const longestLogBytes = 16 * 1024 * 1024;

/** A durable server that is reachable by its socket only. Statements and details stay out of its log: they hold values. */
const serverSettings = [
  'listen_addresses=',
  'port=5432',
  'unix_socket_permissions=0700',
  'max_connections=200',
  'shared_buffers=256MB',
  // One runaway query must not fill the disk that the log of events lives on; beyond it: 53400.
  'temp_file_limit=4GB',
  'timezone=UTC',
  'log_timezone=UTC',
  'log_min_error_statement=panic',
  'log_error_verbosity=terse',
  'logging_collector=off',
  'fsync=on',
  'full_page_writes=on',
  'synchronous_commit=on',
  // After a crash the folder is synchronised with one call and not file by file: seconds less without an answer.
  ...(process.platform === 'linux' ? ['recovery_init_sync_method=syncfs'] : []),
] as const;

/**
 * Starts a server on a cluster that no server uses and waits until it is ready (crash recovery may take its time).
 * Failures: `unavailable`/`embedded_broken` with the server's own last word when it ends instead.
 */
export async function startPostgres(place: PostgresPlace): Promise<PostgresProcess> {
  const log = openLog(place.data);
  const logStart = fstatSync(log).size;
  const settings = [...serverSettings, `unix_socket_directories=${quoteListItem(place.socketFolder)}`];
  // The log is a file and no pipe: were we killed, writing to a pipe without a reader would harm the orphan.
  const child = spawn(
    place.binaries.postgres,
    ['-D', place.data.clusterDir, ...settings.flatMap((set) => ['-c', set])],
    {
      cwd: place.data.path,
      env: programEnvironment,
      detached: true,
      stdio: ['ignore', log, log],
      ...place.data.account,
    },
  );
  closeSync(log);
  let end: PostgresEnd | undefined;
  const ended = new Promise<PostgresEnd>((resolve) => {
    child.once('exit', (code, signal) => {
      end = { code, signal };
      resolve(end);
    });
  });
  const failed = new Promise<never>((_resolve, reject) => {
    child.once('error', (cause) => reject(embeddedBroken(cause.message, cause)));
  });
  const pid = child.pid;
  if (pid === undefined) return await failed;
  failed.catch(() => undefined);
  const identity = findProcess(pid) ?? { pid, startMark: '' };
  while (!isReady(place.data.clusterDir, pid)) {
    if (end !== undefined) throw embeddedBroken(lastWord(place.data.logFile, logStart), end);
    await sleep(5);
  }
  return { identity, ended };
}

/**
 * Ends a server, and what it leaves: politely, then without a checkpoint (the next start recovers), then by force.
 * Within 10 s, which is what a container is given. The polite way can hang: a request that arrives while the server
 * recovers from the crash of a session is forgotten (seen once in 290 tries). Safe when it is already gone.
 */
export async function endPostgres(
  identity: ProcessIdentity,
  data: DataFolder,
  socketFolder: string,
): Promise<void> {
  const steps = [
    ['SIGINT', 6_000],
    ['SIGQUIT', 2_000],
    ['SIGKILL', 2_000],
  ] as const;
  for (const [signal, patienceMs] of steps) {
    sendSignal(identity.pid, signal);
    if (await waitUntilGone(identity, patienceMs)) break;
  }
  await endLeftovers(data, socketFolder);
}

/**
 * Clears what a dead postmaster left: its other processes and its locks. The processes end by themselves when they notice,
 * but one that is busy may not for a while, and until then its shared memory keeps a new server from starting.
 * The locks would keep it from starting while the dead one is a zombie (a container's first process may never reap it).
 * Must only be called by the folder's owner, when no postmaster of this cluster lives.
 */
export async function endLeftovers({ clusterDir }: DataFolder, socketFolder: string): Promise<void> {
  if (findPostmaster(clusterDir) !== undefined) return;
  rmSync(join(clusterDir, 'postmaster.pid'), { force: true });
  rmSync(join(socketFolder, `${socketName}.lock`), { force: true });
  for (const [signal, patienceMs] of [
    ['SIGQUIT', 300],
    ['SIGKILL', 5_000],
  ] as const) {
    const leftovers = findPostgresIn(clusterDir);
    for (const leftover of leftovers) sendSignal(leftover.pid, signal);
    for (const leftover of leftovers) await waitUntilGone(leftover, patienceMs);
  }
}

/** The postmaster that postmaster.pid names, if that very process lives and works in this cluster. */
export function findPostmaster(clusterDir: string): ProcessIdentity | undefined {
  const pid = Number(readPidFile(clusterDir)[0]);
  if (!Number.isInteger(pid) || pid <= 1) return undefined;
  // The id may belong to anybody by now: a server names its cluster in its arguments, and it sits in that folder.
  if (process.platform === 'linux') return findPostgresIn(clusterDir).find((found) => found.pid === pid);
  return readCommand(pid)?.includes(`-D ${clusterDir}`) === true ? findProcess(pid) : undefined;
}

/** The last of the eight lines of postmaster.pid is the state; the first says whose it is. */
function isReady(clusterDir: string, pid: number): boolean {
  const lines = readPidFile(clusterDir);
  return lines[0] === String(pid) && lines[7]?.trim() === 'ready';
}

function readPidFile(clusterDir: string): readonly string[] {
  try {
    return readFileSync(join(clusterDir, 'postmaster.pid'), 'utf8').split('\n');
  } catch {
    return [];
  }
}

function openLog(data: DataFolder): number {
  try {
    const size = statSync(data.logFile, { throwIfNoEntry: false })?.size ?? 0;
    if (size > longestLogBytes) renameSync(data.logFile, `${data.logFile}.1`);
    return openSync(data.logFile, 'a', 0o600);
  } catch (cause) {
    throw unusable(data.path, cause);
  }
}

/** What the server wrote last that says why it ended. */
function lastWord(logFile: string, from: number): string {
  const lines = readFileSync(logFile)
    .subarray(from)
    .toString('utf8')
    .split('\n')
    .filter((line) => line.trim() !== '');
  const reason = lines.findLast((line) => /\b(FATAL|PANIC)\b/.test(line)) ?? lines.at(-1);
  return reason ?? `it ended without a word, see ${logFile}`;
}

/** The setting is a comma-separated list: a quoted item may hold commas and spaces. */
function quoteListItem(path: string): string {
  return `"${path.replaceAll('"', '""')}"`;
}
