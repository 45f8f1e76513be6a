/**
 * Global set-up of the integration tests: one server for the whole run, and in it a template with all migrations.
 * Uses the server of DATABASE_URL when it is set, otherwise an embedded one in a scratch folder (with real fsync).
 * Goes out to the test files by vitest's `inject`: the server's URL and the template's name. Takes everything down again.
 */

import { existsSync } from 'node:fs';
import { readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { TestProject } from 'vitest/node';
import { startEmbeddedPostgres } from '../../src/database/embedded.ts';
import { migrate } from '../../src/database/migrate.ts';
import { createPool } from '../../src/database/pool.ts';
import { withDatabase } from './database.ts';
import { makeScratchFolder, scratchPrefix } from './scratch-folder.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    /** A URL of the test server whose user may create databases. */
    readonly databaseUrl: string;
    /** The database that `createTestDatabase` copies. */
    readonly templateDatabase: string;
  }
}

interface TestServer {
  readonly url: string;
  stop(): Promise<void>;
}

const migrationsFolder = fileURLToPath(new URL('../../migrations', import.meta.url));

/** Called by vitest before the first test file; what it returns is called after the last. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const server = await openServer(process.env['DATABASE_URL']);
  const template = `varve_template_${process.pid}`;
  try {
    await runSql(server.url, `drop database if exists ${template}`, `create database ${template}`);
    const pool = createPool(withDatabase(server.url, template), {
      max: 1,
      applicationName: 'varve-test-setup',
    });
    try {
      await migrate(pool, migrationsFolder);
    } finally {
      await pool.end();
    }
  } catch (error) {
    await server.stop();
    throw error;
  }
  project.provide('databaseUrl', server.url);
  project.provide('templateDatabase', template);
  return async () => {
    await runSql(server.url, `drop database if exists ${template} with (force)`);
    await server.stop();
  };
}

async function openServer(url: string | undefined): Promise<TestServer> {
  if (url !== undefined && url !== '') return { url, stop: async () => undefined };
  await sweepAbandoned();
  const scratch = await makeScratchFolder();
  try {
    const embedded = await startEmbeddedPostgres({ dataDir: join(scratch.path, 'data') });
    const stop = async (): Promise<void> => {
      await embedded.stop();
      await scratch.remove();
    };
    return { url: embedded.connectionString, stop };
  } catch (error) {
    await scratch.remove();
    throw error;
  }
}

/**
 * A run that was killed leaves a running server behind. Starting on its folder ends that server (and is refused
 * while the run is alive), so this is also a small exercise of the take-over.
 */
async function sweepAbandoned(): Promise<void> {
  for (const name of await readdir(tmpdir())) {
    const dataDir = join(tmpdir(), name, 'data');
    if (!name.startsWith(scratchPrefix) || !existsSync(join(dataDir, 'owner.lock'))) continue;
    try {
      await (await startEmbeddedPostgres({ dataDir })).stop();
      await rm(join(tmpdir(), name), { recursive: true, force: true });
    } catch {
      // In use by another run, or somebody else's: not ours to clean.
    }
  }
}

async function runSql(url: string, ...statements: readonly string[]): Promise<void> {
  const pool = createPool(url, { max: 1, applicationName: 'varve-test-setup' });
  try {
    for (const statement of statements) await pool.query(statement);
  } finally {
    await pool.end();
  }
}
