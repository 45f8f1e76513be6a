/**
 * The account that the embedded PostgreSQL runs under, and which folders that account may enter.
 * PostgreSQL refuses to run as root: as root it becomes the owner of an existing cluster, otherwise `nobody`.
 * Must never change anything on disk.
 */

import type { Stats } from 'node:fs';
import { readFileSync, statSync } from 'node:fs';
import { dirname } from 'node:path';

/** A user and group that a child process is switched to. */
export interface Account {
  readonly uid: number;
  readonly gid: number;
}

/** `read` 4, `enter` (or execute) 1: one permission digit of a mode. */
export type Permission = 'read' | 'enter';

/** Whether this process runs as root; false on systems without user ids. */
export function isRoot(): boolean {
  return process.getuid?.() === 0;
}

/**
 * The account to switch to, or undefined when the server simply runs as we do (we are not root).
 * As root, a cluster that belongs to an ordinary user is run by that user (somebody tried `sudo`); else it is `nobody`.
 */
export function chooseAccount(clusterDir: string): Account | undefined {
  if (!isRoot()) return undefined;
  const owner = readStats(clusterDir);
  return owner !== undefined && owner.uid !== 0 ? { uid: owner.uid, gid: owner.gid } : findNobody();
}

/**
 * Whether `account` may enter the folder and all above it. Parts that do not exist yet are ours to make, and what is no
 * folder at all is for whoever uses the path to complain about: neither counts.
 */
export function mayEnter(account: Account, folder: string): boolean {
  for (let path = folder; ; path = dirname(path)) {
    const stats = readStats(path);
    if (stats?.isDirectory() === true && !permits(account, stats, 'enter')) return false;
    if (path === dirname(path)) return true;
  }
}

/** Whether the mode of one file or folder lets `account` use it so. */
export function permits(account: Account, stats: Stats, permission: Permission): boolean {
  const digit = permission === 'read' ? 4 : 1;
  const shift = stats.uid === account.uid ? 6 : stats.gid === account.gid ? 3 : 0;
  return ((stats.mode >> shift) & digit) !== 0;
}

/** stat, or undefined when nothing is there (or it may not be looked at). */
export function readStats(path: string): Stats | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch {
    return undefined;
  }
}

/** `nobody` of this machine; 65534 where the list of users does not name it, as on very small images. */
function findNobody(): Account {
  const conventional = { uid: 65534, gid: 65534 };
  try {
    const line = /^nobody:[^:]*:(\d+):(\d+):/m.exec(readFileSync('/etc/passwd', 'utf8'));
    return line === null ? conventional : { uid: Number(line[1]), gid: Number(line[2]) };
  } catch {
    return conventional;
  }
}
