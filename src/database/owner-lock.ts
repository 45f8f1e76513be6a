/**
 * The lock of a data folder: a file that names the one process that owns the folder and the server in it.
 * Comes in: the data folder. Goes out: the lock, or a `conflict` that names the owner.
 * A dead owner's lock is taken over. Must never let two live processes own one folder; PostgreSQL's own
 * postmaster.pid stands behind it as the second guard.
 */

import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { Failure } from '../failure.ts';
import type { DataFolder } from './data-folder.ts';
import { unusable } from './data-folder.ts';
import { findProcess, isRunning, readProcessSpace } from './processes.ts';

const lockSchema = z.object({
  pid: z.number().int(),
  startMark: z.string(),
  boot: z.string(),
  namespace: z.string(),
  socketFile: z.string(),
});
type LockRecord = z.infer<typeof lockSchema>;

export interface OwnerLock {
  /** Whether an owner died without letting go: its server may still run. */
  readonly wasAbandoned: boolean;
  release(): void;
}

/** Starters that race each other decide in far less than a second. */
const rounds = 100;
const roundMs = 10;
let attempts = 0;

/**
 * Takes the folder for this process.
 * Failures: `conflict`/`data_folder_in_use` when a live process has it; `unavailable` when the folder cannot be written.
 */
export async function acquireOwnerLock(data: DataFolder, socketFile: string): Promise<OwnerLock> {
  const own = describeSelf(socketFile);
  attempts += 1;
  const draft = `${data.lockFile}.${process.pid}.${attempts}`;
  try {
    writeFileSync(draft, JSON.stringify(own), { mode: 0o600 });
    for (let round = 0; round < rounds; round += 1) {
      // link() makes the whole lock appear at once, or fails when there is one.
      if (tryLink(draft, data.lockFile)) return held(data.lockFile, own, false);
      const holder = readLock(data.lockFile);
      if (holder === undefined) continue;
      if (await isAlive(holder)) throw inUse(data.path, parseLock(holder)?.pid);
      if (await takeOver(data.lockFile, holder, draft, own)) return held(data.lockFile, own, true);
      await sleep(roundMs);
    }
    throw inUse(data.path, undefined);
  } catch (cause) {
    throw cause instanceof Failure ? cause : unusable(data.path, cause);
  } finally {
    rmSync(draft, { force: true });
  }
}

/**
 * Puts our lock in the place of a dead owner's, without a moment in which there is none: somebody who came then would
 * not know that an orphan may run. One process at a time may do so, and that right is a file as well; when its holder
 * dies with it (we stop here …), it is taken away by the next.
 */
async function takeOver(
  lockFile: string,
  abandoned: string,
  draft: string,
  own: LockRecord,
): Promise<boolean> {
  const right = `${lockFile}.takeover`;
  if (!tryLink(draft, right)) {
    const taker = readLock(right);
    if (taker !== undefined && !(await isAlive(taker))) rmSync(right, { force: true });
    return false;
  }
  if (readLock(lockFile) !== abandoned) {
    rmSync(right, { force: true });
    return false;
  }
  renameSync(right, lockFile);
  // Whoever took the right away from a dead taker may have caught ours instead; then nobody gets the folder this time.
  return readLock(lockFile) === JSON.stringify(own);
}

function held(lockFile: string, own: LockRecord, wasAbandoned: boolean): OwnerLock {
  return { wasAbandoned, release: () => release(lockFile, own) };
}

/**
 * Seen from another container the owner's process id means nothing; there its server's socket is asked instead,
 * which answers across containers as long as they share the folder and the machine.
 */
async function isAlive(text: string): Promise<boolean> {
  const holder = parseLock(text);
  if (holder === undefined) return false;
  const here = readProcessSpace();
  if (holder.boot !== here.boot) return false;
  if (holder.namespace !== here.namespace) return await accepts(holder.socketFile);
  return isRunning(holder);
}

function accepts(socketFile: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(socketFile);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}

function describeSelf(socketFile: string): LockRecord {
  const startMark = findProcess(process.pid)?.startMark ?? '';
  return { pid: process.pid, startMark, ...readProcessSpace(), socketFile };
}

function release(lockFile: string, own: LockRecord): void {
  if (readLock(lockFile) === JSON.stringify(own)) rmSync(lockFile, { force: true });
}

/** A lock that cannot be read as ours was cut short by a full disk or a crash of the machine: its owner is not alive. */
function parseLock(text: string): LockRecord | undefined {
  try {
    return lockSchema.parse(JSON.parse(text));
  } catch {
    return undefined;
  }
}

function readLock(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (isErrorCode(error, 'ENOENT')) return undefined;
    throw error;
  }
}

function tryLink(from: string, to: string): boolean {
  try {
    linkSync(from, to);
    return true;
  } catch (error) {
    if (isErrorCode(error, 'EEXIST')) return false;
    throw error;
  }
}

function isErrorCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}

function inUse(path: string, pid: number | undefined): Failure {
  const who = pid === undefined ? 'another process' : `process ${pid}`;
  return new Failure(
    'conflict',
    `The data folder ${path} is in use by ${who}; stop it or set VARVE_DATA_DIR to another folder`,
    {
      reason: 'data_folder_in_use',
    },
  );
}
