/** The embedded server as it is meant to be used: starts, second starts, folders of every kind, and refusals. */

import { existsSync } from 'node:fs';
import { chmod, mkdir, readdir, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { EmbeddedPostgres } from '../../src/database/embedded.ts';
import { startEmbeddedPostgres } from '../../src/database/embedded.ts';
import { createPool } from '../../src/database/pool.ts';
import { findPostgresIn, findProcess } from '../../src/database/processes.ts';
import { serverOf, startOwner } from '../support/owner-process.ts';
import type { ScratchFolder } from '../support/scratch-folder.ts';
import { makeScratchFolder } from '../support/scratch-folder.ts';

let scratch: ScratchFolder;
let running: EmbeddedPostgres[];

beforeEach(async () => {
  scratch = await makeScratchFolder();
  running = [];
});
afterEach(async () => {
  await Promise.all(running.map((server) => server.stop()));
  await scratch.remove();
});

async function start(
  dataDir: string,
  log: (line: string) => void = () => undefined,
): Promise<EmbeddedPostgres> {
  const server = await startEmbeddedPostgres({ dataDir, log });
  running.push(server);
  return server;
}

async function ask(server: EmbeddedPostgres, sql: string): Promise<readonly unknown[]> {
  const pool = createPool(server.connectionString, { max: 1, applicationName: 'test' });
  try {
    return (await pool.query<Record<string, unknown>>(sql)).rows;
  } finally {
    await pool.end();
  }
}

describe('starts', () => {
  test('as PostgreSQL 18, durable, in UTF-8 with code-point order, and deaf to the network', async () => {
    const server = await start(join(scratch.path, 'data'));
    const settings = [
      'fsync',
      'full_page_writes',
      'synchronous_commit',
      'listen_addresses',
      'server_encoding',
      'data_checksums',
    ];
    const shown = settings.map((name) => `current_setting('${name}') as ${name}`).join(', ');
    expect(
      await ask(
        server,
        `select ${shown}, current_setting('server_version_num')::int / 10000 as version, 'Z' < 'a' as order`,
      ),
    ).toEqual([
      {
        fsync: 'on',
        full_page_writes: 'on',
        synchronous_commit: 'on',
        listen_addresses: '',
        server_encoding: 'UTF8',
        data_checksums: 'on',
        version: 18,
        order: true,
      },
    ]);
    expect(await ask(server, `select upper('straße é') as text`)).toEqual([
      { text: 'STRASSE É'.replace('SS', 'ß') },
    ]);
  });

  test('a second time on what is there, after a clean stop that leaves nothing running and nothing locked', async () => {
    const dataDir = join(scratch.path, 'data');
    const said: string[] = [];
    const first = await start(dataDir, (line) => said.push(line));
    await ask(first, 'create table kept as select 7 as n');
    await Promise.all([first.stop(), first.stop()]);
    expect(findProcess(first.pid)).toBeUndefined();
    expect(findPostgresIn(join(dataDir, 'postgres'))).toEqual([]);
    // Beside them the binaries, where the clone is closed to the account that PostgreSQL runs as.
    const left = (await readdir(dataDir)).filter((name) => !name.startsWith('postgresql-'));
    expect(left.sort()).toEqual(['postgres', 'postgres.log']);
    const second = await start(dataDir, (line) => said.push(line));
    expect(await ask(second, 'select n from kept')).toEqual([{ n: 7 }]);
    expect(said).toEqual([`A new database was made in ${dataDir}`]);
  });

  test('anew where a first start was killed half-way', async () => {
    const dataDir = join(scratch.path, 'data');
    await mkdir(join(dataDir, 'postgres.partial', 'base'), { recursive: true });
    await chmod(dataDir, 0o711);
    expect(await ask(await start(dataDir), 'select 1 as n')).toEqual([{ n: 1 }]);
    expect(existsSync(join(dataDir, 'postgres.partial'))).toBe(false);
  });

  test('in a folder whose path is too long for a socket, with spaces and signs, and reached by a link', async () => {
    const long = join(scratch.path, `Ωmega, 'quoted' 100% ${'long-'.repeat(24)}`);
    const link = join(scratch.path, 'link');
    await mkdir(long);
    await chmod(long, 0o711);
    await symlink(long, link);
    const server = await start(join(link, 'data'));
    expect(await ask(server, 'select 1 as n')).toEqual([{ n: 1 }]);
    const socketFolder = new URL(server.connectionString).searchParams.get('host') ?? '';
    expect(Buffer.byteLength(`${socketFolder}/.s.PGSQL.5432`)).toBeLessThanOrEqual(107);
    expect((await stat(socketFolder)).mode & 0o777).toBe(0o700);
    await server.stop();
    expect(existsSync(socketFolder)).toBe(false);
  });

  test('two clones beside each other', async () => {
    const [one, two] = await Promise.all([
      start(join(scratch.path, 'a/data')),
      start(join(scratch.path, 'b/data')),
    ]);
    await ask(one, 'create table mine (id int)');
    expect(await ask(two, `select to_regclass('mine') as found`)).toEqual([{ found: null }]);
    expect(one.pid).not.toBe(two.pid);
  });
});

describe('refuses with one clear line', () => {
  test('a second start on one folder, from this process or another', async () => {
    const dataDir = join(scratch.path, 'data');
    const server = await start(dataDir);
    const line = `The data folder ${dataDir} is in use by process ${process.pid}; stop it or set VARVE_DATA_DIR to another folder`;
    await expect(startEmbeddedPostgres({ dataDir })).rejects.toMatchObject({
      code: 'conflict',
      reason: 'data_folder_in_use',
      message: line,
    });
    const other = await startOwner(dataDir);
    expect(other.said).toEqual({
      failure: { code: 'conflict', reason: 'data_folder_in_use', message: line },
    });
    expect(await ask(server, 'select 1 as n')).toEqual([{ n: 1 }]);
  });

  test('all but one of several that start at the same moment', async () => {
    const dataDir = join(scratch.path, 'data');
    const owners = await Promise.all([1, 2, 3].map(() => startOwner(dataDir)));
    const winners = owners.filter((owner) => !('failure' in owner.said));
    const refusals = owners.flatMap((owner) => ('failure' in owner.said ? [owner.said.failure.reason] : []));
    expect(refusals).toEqual(['data_folder_in_use', 'data_folder_in_use']);
    expect(winners).toHaveLength(1);
    expect(await Promise.all(winners.map((owner) => owner.end('SIGTERM')))).toEqual([0]);
  });

  test('a folder that is a file, or lies in one', async () => {
    const file = join(scratch.path, 'file');
    await writeFile(file, '');
    for (const dataDir of [file, join(file, 'data')]) {
      await expect(startEmbeddedPostgres({ dataDir })).rejects.toMatchObject({
        code: 'unavailable',
        reason: 'data_folder_unusable',
        message: expect.stringMatching(
          /^The data folder .*file.* cannot be used \((EEXIST|ENOTDIR): [^\n]*set VARVE_DATA_DIR/,
        ),
      });
    }
  });

  test('the files of another version', async () => {
    const dataDir = join(scratch.path, 'data');
    await (await start(dataDir)).stop();
    await writeFile(join(dataDir, 'postgres/PG_VERSION'), '17\n');
    await expect(startEmbeddedPostgres({ dataDir })).rejects.toMatchObject({
      code: 'conflict',
      reason: 'data_of_other_version',
      message: expect.stringContaining('is of PostgreSQL 17, and this Varve brings 18'),
    });
  });

  test('a server that cannot start, with its own word for it, and frees the folder', async () => {
    const dataDir = join(scratch.path, 'data');
    await (await start(dataDir)).stop();
    const settings = join(dataDir, 'postgres/postgresql.auto.conf');
    await writeFile(settings, 'no_such_setting = 1\n');
    await expect(startEmbeddedPostgres({ dataDir })).rejects.toMatchObject({
      code: 'unavailable',
      reason: 'embedded_broken',
      message: expect.stringMatching(/^The embedded PostgreSQL did not start: [^\n]*FATAL[^\n]*$/),
    });
    await writeFile(settings, '');
    expect(await ask(await start(dataDir), 'select 1 as n')).toEqual([{ n: 1 }]);
  });
});

describe('the owner', () => {
  test('may be told to end by Ctrl-C, which reaches its whole group but not the server', async () => {
    const owner = await startOwner(join(scratch.path, 'data'), { ownGroup: true });
    process.kill(-(owner.child.pid ?? 0), 'SIGINT');
    expect(await owner.laterLines).toEqual(['{"rows":[{"answer":1}]}']);
    expect(findProcess(serverOf(owner).pid)).toBeUndefined();
  });
});
