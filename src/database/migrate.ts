/**
 * The migration runner: plain SQL files, numbered, forward only, each in a transaction of its own, recorded by checksum.
 * Comes in: a pool whose user may create tables, and a folder of `NNNN_name.sql`. Goes out: a schema that matches the files.
 * Several servers may start at once: one runs, the others wait and find nothing to do. Must never edit what was applied.
 */

import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type pg from 'pg';
import { Failure } from '../failure.ts';
import { toFailure } from './database-failure.ts';

/** One file of the folder; `checksum` is SHA-256 in hex over its text with LF line ends. */
interface Migration {
  readonly number: number;
  readonly name: string;
  readonly text: string;
  readonly checksum: string;
}

interface AppliedMigration {
  readonly name: string;
  readonly checksum: string;
}

/** Any number, the same in every Varve: whoever holds this advisory lock migrates. */
const lockKey = 4_270_001;
const oldestServerVersion = 15;
const mostMigrations = 9_999;

/**
 * Applies what is missing, in order; returns the names of what ran.
 * Failures: `corrupt` when an applied file was changed, removed or overtaken, or two share a number; `conflict` when the database
 * has migrations newer than ours; `unavailable` when the server is older than 15 (reason `database_too_old`) or away.
 */
export async function migrate(
  pool: pg.Pool,
  folder: string,
  log: (line: string) => void = () => undefined,
): Promise<readonly string[]> {
  const migrations = await readMigrations(folder);
  const client = await pool.connect().catch((error: unknown) => {
    throw toFailure(error);
  });
  try {
    await checkServerVersion(client);
    // Waiting for another server's long migration is no reason to fail.
    await client.query('set statement_timeout = 0');
    await client.query('select pg_advisory_lock($1)', [lockKey]);
    return await applyMissing(client, migrations, log);
  } catch (error) {
    throw toFailure(error);
  } finally {
    // The connection is closed, not returned: that frees the lock whatever happened, and its settings go with it.
    client.release(true);
  }
}

async function applyMissing(
  client: pg.PoolClient,
  migrations: readonly Migration[],
  log: (line: string) => void,
): Promise<readonly string[]> {
  await createRecord(client);
  const applied = await readApplied(client);
  checkApplied(migrations, applied);
  const missing = migrations.slice(applied.length);
  for (const migration of missing) {
    await apply(client, migration);
    log(`Migration ${migration.name} applied`);
  }
  // A table that was never analyzed made temporal updates 11 times slower.
  if (missing.length > 0) await client.query('analyze');
  return missing.map(({ name }) => name);
}

/** The file and its record stand or fall together: if we stop in between, the next start runs the whole file again. */
async function apply(client: pg.PoolClient, migration: Migration): Promise<void> {
  await client.query('begin');
  try {
    await client.query(migration.text);
    await client.query('insert into schema_migrations (name, checksum) values ($1, $2)', [
      migration.name,
      migration.checksum,
    ]);
    await client.query('commit');
  } catch (cause) {
    await client.query('rollback').catch(() => undefined);
    if (toFailure(cause) !== cause) throw cause;
    throw new Error(`migration ${migration.name} failed`, { cause });
  }
}

/** `applied` must be the beginning of `migrations`, byte for byte. */
function checkApplied(migrations: readonly Migration[], applied: readonly AppliedMigration[]): void {
  const newest = migrations.at(-1)?.name ?? '';
  for (const [index, record] of applied.entries()) {
    const file = migrations[index];
    if (file?.name === record.name && file.checksum === record.checksum) continue;
    if (file?.name === record.name)
      throw corrupt(`migration ${record.name} was changed after it had been applied`);
    if (record.name > newest && index >= migrations.length) {
      throw new Failure(
        'conflict',
        `The database is newer than this Varve: it has migration ${record.name}`,
        {
          reason: 'database_newer',
        },
      );
    }
    if (file !== undefined && file.name < record.name) {
      throw corrupt(`migration ${file.name} is new, but ${record.name} behind it is already applied`);
    }
    throw corrupt(`migration ${record.name} was applied, but its file is gone`);
  }
}

async function readMigrations(folder: string): Promise<readonly Migration[]> {
  const names = (await readdir(folder)).filter((name) => /^\d{4}_[a-z0-9_]+\.sql$/.test(name)).sort();
  const migrations = await Promise.all(
    names.map(async (name) => {
      const text = (await readFile(join(folder, name), 'utf8')).replaceAll('\r\n', '\n');
      return {
        number: Number(name.slice(0, 4)),
        name,
        text,
        checksum: createHash('sha256').update(text).digest('hex'),
      };
    }),
  );
  const twin = migrations.find((migration, index) => migrations[index - 1]?.number === migration.number);
  if (twin !== undefined) throw corrupt(`two migrations have the number of ${twin.name}`);
  return migrations;
}

async function checkServerVersion(client: pg.PoolClient): Promise<void> {
  const answer = await client.query<{ number: number; name: string }>(
    `select current_setting('server_version_num')::int as number, current_setting('server_version') as name`,
  );
  const version = answer.rows[0];
  if (version === undefined || version.number >= oldestServerVersion * 10_000) return;
  const message = `The database is PostgreSQL ${version.name}; Varve needs ${oldestServerVersion} or newer`;
  throw new Failure('unavailable', message, { reason: 'database_too_old' });
}

/** The one table that no migration makes, because it tells which of them ran. */
async function createRecord(client: pg.PoolClient): Promise<void> {
  await client.query(`
    create table if not exists schema_migrations (
      name       text        not null,
      checksum   text        not null,
      applied_at timestamptz not null default now(),
      constraint schema_migrations_pk primary key (name)
    )`);
  await client.query(
    `comment on table schema_migrations is 'Which files of migrations/ ran here; written by the runner alone'`,
  );
}

async function readApplied(client: pg.PoolClient): Promise<readonly AppliedMigration[]> {
  const answer = await client.query<AppliedMigration>(
    'select name, checksum from schema_migrations order by name collate "C" limit $1',
    [mostMigrations],
  );
  return answer.rows;
}

function corrupt(message: string): Failure {
  return new Failure('corrupt', `The migrations do not match the database: ${message}`, {
    reason: 'migrations_mismatch',
  });
}
