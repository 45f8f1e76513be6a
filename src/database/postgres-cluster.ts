/**
 * The files of the embedded database: made once by initdb, checked at every start.
 * Comes in: a locked data folder and programs that run. Goes out: a cluster that this version can open.
 * Must never touch a cluster that already exists, nor leave half of one under the real name.
 */

import { spawn } from 'node:child_process';
import {
  chownSync,
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
} from 'node:fs';
import { join } from 'node:path';
import { Failure } from '../failure.ts';
import type { Account } from './account.ts';
import { readStats } from './account.ts';
import type { DataFolder } from './data-folder.ts';
import { unusable } from './data-folder.ts';
import type { PostgresBinaries } from './postgres-binaries.ts';

/** The database's superuser and the name of the one database in it. */
export const embeddedUser = 'varve';

/**
 * What the programs see of our environment: nothing. PGDATA, PGPORT and their kin would change what they do,
 * and the locale must not depend on what the machine has installed.
 */
export const programEnvironment: Readonly<Record<string, string>> = {
  PATH: '/usr/bin:/bin',
  LC_ALL: 'C',
  TZ: 'UTC',
};

/**
 * Makes the cluster when there is none; returns whether it was made.
 * Failures: `conflict`/`data_of_other_version`; `unavailable`/`embedded_broken` when initdb does not run here.
 */
export async function ensureCluster(data: DataFolder, binaries: PostgresBinaries): Promise<boolean> {
  if (readStats(data.clusterDir) !== undefined) {
    checkVersion(data, binaries);
    return false;
  }
  const draft = `${data.clusterDir}.partial`;
  try {
    rmSync(draft, { recursive: true, force: true });
    mkdirSync(draft, { mode: 0o700 });
    if (data.account !== undefined) chownSync(draft, data.account.uid, data.account.gid);
  } catch (cause) {
    throw unusable(data.path, cause);
  }
  await runInitdb(binaries, draft, data.account);
  // If we stop here, the next start throws the draft away and begins anew; after the rename the cluster is whole.
  renameSync(draft, data.clusterDir);
  syncFolder(data.path);
  return true;
}

/** Code-point order and UTF-8 from the builtin provider: the same on every machine, no locale needs to be installed. */
async function runInitdb(
  binaries: PostgresBinaries,
  folder: string,
  account: Account | undefined,
): Promise<void> {
  const flags = ['--encoding=UTF8', '--locale=C', '--locale-provider=builtin', '--builtin-locale=C.UTF-8'];
  const args = [
    '-D',
    folder,
    '-U',
    embeddedUser,
    '--auth-local=trust',
    '--auth-host=reject',
    '--no-instructions',
    ...flags,
  ];
  const child = spawn(binaries.initdb, args, {
    cwd: folder,
    env: programEnvironment,
    stdio: ['ignore', 'ignore', 'pipe'],
    ...account,
  });
  let complaint = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    complaint += text;
  });
  const outcome = await new Promise<number | string | Error>((resolve) => {
    child.once('error', resolve);
    child.once('close', (code, signal) => resolve(code ?? signal ?? 'an unknown end'));
  });
  if (outcome === 0) return;
  const lines = complaint.split('\n').filter((line) => line.trim() !== '');
  const said =
    outcome instanceof Error ? outcome.message : (lines.find((line) => line.includes('error')) ?? lines[0]);
  throw embeddedBroken(`initdb ended with ${said ?? String(outcome)}`, outcome);
}

/** The one line for programs that do not run on this machine, or a server that ends while it starts. */
export function embeddedBroken(what: string, cause: unknown): Failure {
  return new Failure(
    'unavailable',
    `The embedded PostgreSQL did not start: ${what}; DATABASE_URL can name another server`,
    {
      reason: 'embedded_broken',
      cause,
    },
  );
}

function checkVersion(data: DataFolder, binaries: PostgresBinaries): void {
  const expected = binaries.version.split('.')[0];
  let found: string;
  try {
    found = readFileSync(join(data.clusterDir, 'PG_VERSION'), 'utf8').trim();
  } catch (cause) {
    throw unusable(data.path, cause);
  }
  if (found === expected) return;
  throw new Failure(
    'conflict',
    `The database in ${data.clusterDir} is of PostgreSQL ${found}, and this Varve brings ${expected}; dump it with the old one first`,
    { reason: 'data_of_other_version' },
  );
}

function syncFolder(path: string): void {
  const folder = openSync(path, 'r');
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}
