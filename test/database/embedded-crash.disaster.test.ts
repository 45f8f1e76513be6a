/** What kill -9 does to the embedded server and to its owner: nothing that lasts. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { EmbeddedPostgres } from '../../src/database/embedded.ts';
import { startEmbeddedPostgres } from '../../src/database/embedded.ts';
import { createPool, isUnavailable } from '../../src/database/pool.ts';
import { findPostgresIn, findProcess, isRunning, waitUntilGone } from '../../src/database/processes.ts';
import { serverOf, startOwner } from '../support/owner-process.ts';
import type { ScratchFolder } from '../support/scratch-folder.ts';
import { makeScratchFolder } from '../support/scratch-folder.ts';

let scratch: ScratchFolder;
let dataDir: string;

beforeEach(async () => {
  scratch = await makeScratchFolder();
  dataDir = join(scratch.path, 'data');
});
afterEach(() => scratch.remove());

/** A statement that never waits, so that it does not notice the death of its server; it needs no memory and no disk. */
const busyQuery = 'do $$ begin loop null; end loop; end $$';

/** Starts the busy statement and returns when the server runs it; its end is an error. */
async function keepBusy(pool: pg.Pool): Promise<{ readonly error: Promise<unknown> }> {
  const error = pool.query(busyQuery).catch((caught: unknown) => caught);
  const isBusy = `select from pg_stat_activity where query = $1 and state = 'active' and pid <> pg_backend_pid()`;
  while ((await pool.query(isBusy, [busyQuery])).rowCount === 0) await sleep(10);
  return { error };
}

/** Asks until the server answers again; every error before that must be an outage. */
async function askUntilAnswered(pool: pg.Pool, sql: string): Promise<readonly unknown[]> {
  for (;;) {
    try {
      return (await pool.query<Record<string, unknown>>(sql)).rows;
    } catch (error) {
      if (!isUnavailable(error)) throw error;
      await sleep(10);
    }
  }
}

/** The servers on the folder: those of its processes that are not the child of another one. */
function postmasters(): readonly number[] {
  const pids = findPostgresIn(join(dataDir, 'postgres')).map(({ pid }) => pid);
  return pids.filter((pid) => {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return !pids.includes(Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]));
  });
}

describe('the server is killed', () => {
  let server: EmbeddedPostgres;
  let pool: pg.Pool;

  beforeEach(async () => {
    server = await startEmbeddedPostgres({ dataDir });
    pool = createPool(server.connectionString, { max: 4, applicationName: 'test', statementTimeoutMs: 0 });
    await pool.query('create table kept (n int primary key)');
  });
  afterEach(async () => {
    await pool.end();
    await server.stop();
  });

  /** Returns when the owner was told; until its sessions notice, the dead server may still answer a query. */
  async function killServer(): Promise<void> {
    const others = findPostgresIn(join(dataDir, 'postgres')).filter(({ pid }) => pid !== server.pid);
    const told = new Promise((resolve) => server.onExit(resolve));
    process.kill(server.pid, 'SIGKILL');
    await told;
    for (const other of others) await waitUntilGone(other, 20_000);
  }

  test('again and again: the owner is told, and the same pool finds every committed row', async () => {
    const ends: unknown[] = [];
    server.onExit((end) => ends.push(end));
    const pids = new Set([server.pid]);
    for (const n of [1, 2, 3]) {
      await askUntilAnswered(pool, `insert into kept values (${n}) on conflict do nothing`);
      await killServer();
      const rows = await askUntilAnswered(pool, 'select n from kept order by n limit 10');
      expect(rows).toEqual(Array.from({ length: n }, (_, index) => ({ n: index + 1 })));
      pids.add(server.pid);
    }
    expect(ends).toEqual([1, 2, 3].map(() => ({ code: null, signal: 'SIGKILL' })));
    expect(pids.size).toBe(4);
  });

  test('while a session is too busy to notice: it is ended and does not keep the next one from starting', async () => {
    const busy = await keepBusy(pool);
    const before = findPostgresIn(join(dataDir, 'postgres'));
    await killServer();
    expect(await askUntilAnswered(pool, 'select count(*) as n from kept')).toEqual([{ n: 0 }]);
    expect(before.filter(isRunning)).toEqual([]);
    expect(isUnavailable(await busy.error)).toBe(true);
  });

  test('one session only: the server recovers by itself, no new process', async () => {
    const { pid } = server;
    const busy = await keepBusy(pool);
    const { rows } = await pool.query<{ pid: number }>(
      'select pid from pg_stat_activity where query = $1 limit 1',
      [busyQuery],
    );
    process.kill(rows[0]?.pid ?? 0, 'SIGKILL');
    expect(isUnavailable(await busy.error)).toBe(true);
    expect(await askUntilAnswered(pool, 'select count(*) as n from kept')).toEqual([{ n: 0 }]);
    expect(server.pid).toBe(pid);
  });

  test('and stopped at once: nothing is started again', async () => {
    await killServer();
    await server.stop();
    expect(findPostgresIn(join(dataDir, 'postgres'))).toEqual([]);
    expect(isUnavailable(await pool.query('select 1').catch((error: unknown) => error))).toBe(true);
  });
});

describe('the owner is killed', () => {
  test('its server lives on, and the next start ends it before its own begins', async () => {
    const owner = await startOwner(dataDir);
    const orphan = findProcess(serverOf(owner).pid);
    const pool = createPool(serverOf(owner).connectionString, { max: 1, applicationName: 'test' });
    await pool.query('create table kept as select 1 as n');
    await owner.end('SIGKILL');
    await pool.query('insert into kept values (2)');

    const said: string[] = [];
    const next = await startEmbeddedPostgres({ dataDir, log: (line) => said.push(line) });
    try {
      expect(said).toEqual([`Ending the PostgreSQL (process ${orphan?.pid}) of an owner that is gone`]);
      expect(orphan !== undefined && isRunning(orphan)).toBe(false);
      expect(postmasters()).toEqual([next.pid]);
      expect(await askUntilAnswered(pool, 'select n from kept order by n limit 10')).toEqual([
        { n: 1 },
        { n: 2 },
      ]);
    } finally {
      await pool.end();
      await next.stop();
    }
  });

  test('together with its server, under a busy session', async () => {
    const owner = await startOwner(dataDir);
    const { pid, connectionString } = serverOf(owner);
    const pool = createPool(connectionString, { max: 2, applicationName: 'test', statementTimeoutMs: 0 });
    await pool.query('create table kept as select 1 as n');
    const busy = await keepBusy(pool);
    await owner.end('SIGKILL');
    const postmaster = findProcess(pid);
    process.kill(pid, 'SIGKILL');
    expect(postmaster === undefined || (await waitUntilGone(postmaster, 5_000))).toBe(true);

    const next = await startEmbeddedPostgres({ dataDir });
    try {
      expect(await askUntilAnswered(pool, 'select n from kept')).toEqual([{ n: 1 }]);
      expect(isUnavailable(await busy.error)).toBe(true);
    } finally {
      await pool.end();
      await next.stop();
    }
  });

  test('and several start in its place: exactly one takes over', async () => {
    await (await startOwner(dataDir)).end('SIGKILL');
    const owners = await Promise.all([1, 2, 3, 4].map(() => startOwner(dataDir)));
    const winners = owners.filter((owner) => !('failure' in owner.said));
    const refusals = owners.flatMap((owner) => ('failure' in owner.said ? [owner.said.failure.reason] : []));
    expect(refusals).toEqual(['data_folder_in_use', 'data_folder_in_use', 'data_folder_in_use']);
    expect(postmasters()).toEqual(winners.map((owner) => serverOf(owner).pid));
    expect(await Promise.all(winners.map((owner) => owner.end('SIGTERM')))).toEqual([0]);
    expect(findPostgresIn(join(dataDir, 'postgres'))).toEqual([]);
  });

  test('not, but exits without stopping: the server ends with it', async () => {
    const owner = await startOwner(dataDir);
    const server = findProcess(serverOf(owner).pid);
    expect(await owner.end('SIGUSR2')).toBe(3);
    expect(server !== undefined && (await waitUntilGone(server, 20_000))).toBe(true);
  });
});
