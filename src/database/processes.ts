/**
 * Which process is which: a process id alone is not enough, because ids are given again.
 * Comes in: process ids. Goes out: a start mark that no later process with the same id shares, and who lives in a folder.
 * Reads /proc where there is one and `ps` elsewhere. Must never signal a process that it has not identified.
 */

import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

/** A process that can be told from a later one with the same id. */
export interface ProcessIdentity {
  readonly pid: number;
  /** Opaque; equal only for one and the same process. */
  readonly startMark: string;
}

/** The process with this id, or undefined when there is none (a zombie is none: nothing of it runs). */
export function findProcess(pid: number): ProcessIdentity | undefined {
  const startMark = process.platform === 'linux' ? readStartMark(pid) : askStartMark(pid);
  return startMark === undefined ? undefined : { pid, startMark };
}

/** Whether exactly this process still runs. */
export function isRunning(identity: ProcessIdentity): boolean {
  return findProcess(identity.pid)?.startMark === identity.startMark;
}

/** Waits until the process is gone; false when it still runs after `timeoutMs`. */
export async function waitUntilGone(identity: ProcessIdentity, timeoutMs: number): Promise<boolean> {
  const stepMs = 10;
  for (let waitedMs = 0; waitedMs < timeoutMs; waitedMs += stepMs) {
    if (!isRunning(identity)) return true;
    await sleep(stepMs);
  }
  return !isRunning(identity);
}

/** Sends a signal; false when the process is already gone or belongs to somebody else. */
export function sendSignal(pid: number, signal: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, signal);
  } catch {
    return false;
  }
}

/**
 * The `postgres` processes whose working folder is `folder` (every server process sits in its cluster's folder).
 * Empty where the system has no /proc: there a server's leftovers end by themselves when they notice that it died.
 */
export function findPostgresIn(folder: string): readonly ProcessIdentity[] {
  if (process.platform !== 'linux') return [];
  return readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry))
    .filter(
      (entry) =>
        readLink(`/proc/${entry}/cwd`) === folder && readText(`/proc/${entry}/comm`) === 'postgres\n',
    )
    .map((entry) => findProcess(Number(entry)))
    .filter((found) => found !== undefined);
}

/** A process's program and arguments in one line; undefined when it cannot be had. A bare Linux has no `ps`. */
export function readCommand(pid: number): string | undefined {
  if (process.platform !== 'linux') return askPs(pid, 'command=');
  return readText(`/proc/${pid}/cmdline`)?.replace(/\0+$/, '').replaceAll('\0', ' ');
}

/** What tells this boot of this machine (and this process-id namespace) from any other. */
export function readProcessSpace(): { readonly boot: string; readonly namespace: string } {
  if (process.platform !== 'linux') return { boot: '', namespace: '' };
  return {
    boot: readText('/proc/sys/kernel/random/boot_id')?.trim() ?? '',
    namespace: readLink('/proc/self/ns/pid') ?? '',
  };
}

/** Field 22 of /proc/<pid>/stat: clock ticks since boot. The command before it may hold spaces and parentheses. */
function readStartMark(pid: number): string | undefined {
  const stat = readText(`/proc/${pid}/stat`);
  if (stat === undefined) return undefined;
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return fields[0] === 'Z' || fields[0] === 'X' ? undefined : fields[19];
}

function askStartMark(pid: number): string | undefined {
  const [state = '', ...start] = askPs(pid, 'stat=,lstart=')?.split(/\s+/) ?? [];
  return start.length === 0 || state.startsWith('Z') ? undefined : start.join(' ');
}

function askPs(pid: number, columns: string): string | undefined {
  try {
    return execFileSync('ps', ['-ww', '-o', columns, '-p', String(pid)], {
      encoding: 'utf8',
      env: { PATH: '/usr/bin:/bin', LC_ALL: 'C', TZ: 'UTC' },
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim();
  } catch {
    return undefined;
  }
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

function readLink(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined;
  }
}
