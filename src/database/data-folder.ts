/**
 * Where the embedded database keeps its files, and the folder of its socket.
 * Comes in: the folder that the settings ask for. Goes out: folders that exist, with the modes the server needs.
 * Must never fall back to another folder while a cluster lies in the one asked for: that would look like lost data.
 */

import { createHash } from 'node:crypto';
import { chmodSync, chownSync, lstatSync, mkdirSync, realpathSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import { Failure } from '../failure.ts';
import type { Account } from './account.ts';
import { chooseAccount, mayEnter, readStats } from './account.ts';

/** Where root keeps data whose asked-for folder is closed to the server's account. */
const rootsDataFolder = '/var/lib/varve';
/** sockaddr_un holds 108 bytes with the closing NUL on Linux, 104 on macOS; the smaller one serves both. */
const longestSocketPathBytes = 103;
/** What the server calls its socket; the number is its port setting. */
export const socketName = '.s.PGSQL.5432';

/** The parts of one data folder. */
export interface DataFolder {
  readonly path: string;
  readonly clusterDir: string;
  readonly lockFile: string;
  readonly logFile: string;
  /** The account to run the server as; undefined: as we run. */
  readonly account: Account | undefined;
}

/**
 * The folder that is really used for a requested one: absolute, symlinks resolved.
 * The same folder, unless we are root and the server's account may not enter it: then `/var/lib/varve/<hash of the path>`,
 * one folder for each clone. Applying it twice changes nothing. A folder that already holds a cluster is never left.
 */
export function resolveDataDir(requested: string): string {
  const path = realPathOf(requested);
  const clusterDir = join(path, 'postgres');
  const account = chooseAccount(clusterDir);
  if (account === undefined || readStats(clusterDir) !== undefined || mayEnter(account, path)) return path;
  return join(rootsDataFolder, shortHash(path));
}

/** Makes the data folder where it is missing. Failures: `unavailable`/`data_folder_unusable` with one clear line. */
export function prepareDataFolder(requested: string): DataFolder {
  const path = resolveDataDir(requested);
  const clusterDir = join(path, 'postgres');
  const account = chooseAccount(clusterDir);
  try {
    // Root's folders may be passed through by the server's account, but not listed; an ordinary user's are his own.
    const mode = account === undefined ? 0o700 : 0o711;
    const firstMade = mkdirSync(path, { recursive: true, mode });
    if (firstMade !== undefined) openDownTo(firstMade, path, mode);
  } catch (cause) {
    throw unusable(path, cause);
  }
  if (account !== undefined && !mayEnter(account, path)) {
    const why = `user ${account.uid}, whom the database belongs to, may not enter it`;
    throw new Failure(
      'unavailable',
      `The data folder ${path} cannot be used: ${why}; open the folder or move it`,
      {
        reason: 'data_folder_unusable',
      },
    );
  }
  return {
    path,
    clusterDir,
    lockFile: join(path, 'owner.lock'),
    logFile: join(path, 'postgres.log'),
    account,
  };
}

/**
 * The folder of the server's socket, private to the server's account (root may enter it anyway).
 * It lies in the data folder, or in the system's temporary folder where that path is too long for a socket.
 * Because it is private, connections need no password: whoever may enter it may read the database's files as well.
 */
export function prepareSocketFolder(data: DataFolder): string {
  const near = join(data.path, 'socket');
  const name = `varve-${process.getuid?.() ?? 0}-${shortHash(data.path)}`;
  const candidates = [near, join(tmpdir(), name), join('/tmp', name)];
  const folder = candidates.find(
    (path) => Buffer.byteLength(join(path, socketName)) <= longestSocketPathBytes,
  );
  if (folder === undefined)
    throw unusable(near, new Error('no folder with a path short enough for a socket'));
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const found = lstatSync(folder);
    const owners = [process.getuid?.() ?? found.uid, data.account?.uid];
    // In a shared /tmp somebody else may have made it first and would see every query.
    if (!found.isDirectory() || !owners.includes(found.uid))
      throw new Error(`${folder} belongs to somebody else`);
    chmodSync(folder, 0o700);
    if (data.account !== undefined) chownSync(folder, data.account.uid, data.account.gid);
  } catch (cause) {
    throw unusable(folder, cause);
  }
  return folder;
}

/** A `Failure` for a folder that cannot be made, written or locked, with the system's word for it. */
export function unusable(path: string, cause: unknown): Failure {
  const detail =
    cause instanceof Error
      ? ('code' in cause ? `${String(cause.code)}: ` : '') + cause.message
      : String(cause);
  return new Failure(
    'unavailable',
    `The data folder ${path} cannot be used (${detail}); set VARVE_DATA_DIR to a writable one`,
    {
      reason: 'data_folder_unusable',
      cause,
    },
  );
}

/** mkdir's mode is cut by the umask, so a strict umask would close root's new folders to the server. */
function openDownTo(firstMade: string, path: string, mode: number): void {
  for (let made = path; made.length >= firstMade.length; made = dirname(made)) chmodSync(made, mode);
}

/** Absolute, with the symlinks resolved in the part that exists. */
export function realPathOf(requested: string): string {
  const path = resolve(requested);
  if (readStats(path) === undefined && path !== dirname(path))
    return join(realPathOf(dirname(path)), basename(path));
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}

function shortHash(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 16);
}
