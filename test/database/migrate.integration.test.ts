/** The migration runner: order, checksums, concurrent starts, and what it refuses. */

import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { migrate } from '../../src/database/migrate.ts';
import { availableRoles, createPool } from '../../src/database/pool.ts';
import type { TestDatabase } from '../support/database.ts';
import { createTestDatabase } from '../support/database.ts';
import type { ScratchFolder } from '../support/scratch-folder.ts';
import { makeScratchFolder } from '../support/scratch-folder.ts';

let database: TestDatabase;
let folder: ScratchFolder;

beforeEach(async () => {
  database = await createTestDatabase('nothing');
  folder = await makeScratchFolder();
});
afterEach(async () => {
  await database.drop();
  await folder.remove();
});

const write = (name: string, text: string): Promise<void> => writeFile(join(folder.path, name), text);

async function readTables(): Promise<readonly string[]> {
  const { rows } = await database.pool.query<{ name: string }>(
    `select tablename as name from pg_tables where schemaname = 'public' order by tablename limit 100`,
  );
  return rows.map(({ name }) => name);
}

describe('runs', () => {
  test('what is missing, in order, once, and only files named like migrations', async () => {
    await write('0002_b.sql', 'create table b as select count(*) as n from a');
    await write('0001_a.sql', 'create table a (id int); insert into a values (1), (2);');
    await write('README.md', 'no migration');
    const said: string[] = [];
    expect(await migrate(database.pool, folder.path, (line) => said.push(line))).toEqual([
      '0001_a.sql',
      '0002_b.sql',
    ]);
    expect(said).toEqual(['Migration 0001_a.sql applied', 'Migration 0002_b.sql applied']);
    expect((await database.pool.query('select n from b')).rows).toEqual([{ n: 2 }]);
    expect(await migrate(database.pool, folder.path)).toEqual([]);
    await write('0010_c.sql', 'create table c ()');
    expect(await migrate(database.pool, folder.path)).toEqual(['0010_c.sql']);
    expect(await readTables()).toEqual(['a', 'b', 'c', 'schema_migrations']);
  });

  test('once, when three servers start at the same moment', async () => {
    await write('0001_a.sql', 'create table a (id int); select pg_sleep(0.1);');
    await write('0002_b.sql', 'insert into a values (1)');
    const pools = [1, 2, 3].map((n) =>
      createPool(database.url, { max: 1, applicationName: `server-${n}`, statementTimeoutMs: 50 }),
    );
    try {
      const ran = await Promise.all(pools.map((pool) => migrate(pool, folder.path)));
      expect(ran.toSorted((left, right) => left.length - right.length)).toEqual([
        [],
        [],
        ['0001_a.sql', '0002_b.sql'],
      ]);
      expect((await database.pool.query('select id from a')).rows).toEqual([{ id: 1 }]);
    } finally {
      await Promise.all(pools.map((pool) => pool.end()));
    }
  });

  test('a file wholly or not at all, and goes on there the next time', async () => {
    await write('0001_a.sql', 'create table a ()');
    await write('0002_b.sql', 'create table b (); select 1 / 0;');
    await expect(migrate(database.pool, folder.path)).rejects.toMatchObject({
      message: 'migration 0002_b.sql failed',
      cause: { code: '22012' },
    });
    expect(await readTables()).toEqual(['a', 'schema_migrations']);
    await write('0002_b.sql', 'create table b ()');
    expect(await migrate(database.pool, folder.path)).toEqual(['0002_b.sql']);
  });
});

describe('refuses', () => {
  beforeEach(async () => {
    await write('0001_a.sql', 'create table a ()');
    await write('0003_c.sql', 'create table c ();\n');
    await migrate(database.pool, folder.path);
  });

  test('a changed file, but not other line ends', async () => {
    await write('0003_c.sql', 'create table c ();\r\n');
    expect(await migrate(database.pool, folder.path)).toEqual([]);
    await write('0003_c.sql', 'create table c (id int);\n');
    await expect(migrate(database.pool, folder.path)).rejects.toMatchObject({
      code: 'corrupt',
      reason: 'migrations_mismatch',
      message: expect.stringContaining('0003_c.sql was changed'),
    });
  });

  test('a file that is gone', async () => {
    await rm(join(folder.path, '0001_a.sql'));
    await expect(migrate(database.pool, folder.path)).rejects.toMatchObject({
      code: 'corrupt',
      message: expect.stringContaining('0001_a.sql was applied, but its file is gone'),
    });
  });

  test('a file that comes too late', async () => {
    await write('0002_b.sql', 'create table b ()');
    await expect(migrate(database.pool, folder.path)).rejects.toMatchObject({
      code: 'corrupt',
      message: expect.stringContaining('0002_b.sql is new, but 0003_c.sql behind it'),
    });
  });

  test('two files with one number', async () => {
    await write('0003_d.sql', 'select 1');
    await expect(migrate(database.pool, folder.path)).rejects.toMatchObject({
      code: 'corrupt',
      message: expect.stringContaining('two migrations have the number of 0003_d.sql'),
    });
  });

  test('a database that is newer than the files', async () => {
    await rm(join(folder.path, '0003_c.sql'));
    await expect(migrate(database.pool, folder.path)).rejects.toMatchObject({
      code: 'conflict',
      reason: 'database_newer',
      message: expect.stringContaining('0003_c.sql'),
    });
  });
});

describe('the roles of 0001', () => {
  const rolesFile = fileURLToPath(new URL('../../migrations/0001_roles.sql', import.meta.url));

  /** Runs the file as a user who owns the database and may do no more than `attributes`; roles under names of this test. */
  async function migrateAs(
    attributes: string,
  ): Promise<{ made: readonly string[]; canTake: readonly boolean[] }> {
    const user = `owner_${database.name}`;
    const roles = [`${user}_http`, `${user}_projector`];
    await database.pool.query(`create role ${user} ${attributes}; alter schema public owner to ${user}`);
    const url = new URL(database.url);
    url.searchParams.set('options', `-c role=${user}`);
    const pool = createPool(url.href, { max: 1, applicationName: 'managed' });
    try {
      const text = await readFile(rolesFile, 'utf8');
      await write(
        '0001_roles.sql',
        text.replaceAll('varve_http', roles[0] ?? '').replaceAll('varve_projector', roles[1] ?? ''),
      );
      await migrate(pool, folder.path);
      const { rows } = await pool.query<{ name: string; can_take: boolean }>(
        `select rolname as name, pg_has_role(oid, case when current_setting('server_version_num')::int >= 160000
                                                       then 'SET' else 'MEMBER' end) as can_take
           from pg_roles where rolname = any ($1) order by rolname limit 2`,
        [roles],
      );
      return {
        made: rows.map((row) => row.name.replace(user, '')),
        canTake: rows.map((row) => row.can_take),
      };
    } finally {
      await pool.end();
      await database.pool.query(`reassign owned by ${user} to current_user; drop owned by ${user}`);
      for (const role of roles) {
        const { rowCount } = await database.pool.query('select from pg_roles where rolname = $1', [role]);
        if (rowCount === 1) await database.pool.query(`drop owned by ${role}; drop role ${role}`);
      }
      await database.pool.query(`drop role ${user}`);
    }
  }

  test('are gone without where the user may not make roles', async () => {
    expect(await migrateAs('nologin')).toEqual({ made: [], canTake: [] });
  });

  test('are made and can be taken where the user may make roles', async () => {
    expect(await migrateAs('nologin createrole')).toEqual({
      made: ['_http', '_projector'],
      canTake: [true, true],
    });
  });

  test('exist here, and making them again in another database changes nothing', async () => {
    await write('0001_roles.sql', await readFile(rolesFile, 'utf8'));
    await migrate(database.pool, folder.path);
    expect(await availableRoles(database.pool)).toEqual(new Set(['varve_http', 'varve_projector']));
  });
});
