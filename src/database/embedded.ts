/**
 * The embedded PostgreSQL: a real server as our child process, its files in the data folder, reached by a unix socket.
 * Comes in: the data folder. Goes out: a connection string that stays valid until `stop`, also over crashes of the server.
 * Must never run two servers on one folder: the folder is locked first, and a dead owner's server is ended before ours starts.
 */

import { rmSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { Failure } from '../failure.ts';
import { prepareDataFolder, prepareSocketFolder, realPathOf, socketName } from './data-folder.ts';
import type { OwnerLock } from './owner-lock.ts';
import { acquireOwnerLock } from './owner-lock.ts';
import { prepareBinaries } from './postgres-binaries.ts';
import { embeddedUser, ensureCluster } from './postgres-cluster.ts';
import type { PostgresPlace } from './postgres-process.ts';
import { endLeftovers, endPostgres, findPostmaster } from './postgres-process.ts';
import type { EndListener, PostgresSupervisor } from './postgres-supervisor.ts';
import { supervisePostgres } from './postgres-supervisor.ts';

export { resolveDataDir } from './data-folder.ts';

export interface EmbeddedOptions {
  /** Made when missing; as root it may be moved, see `resolveDataDir`. */
  readonly dataDir: string;
  /** One line for people: a move of the folder, a first start, a crash and the start after it. */
  readonly log?: (line: string) => void;
}

/** A running embedded server. It is started again whenever it dies, until `stop`. */
export interface EmbeddedPostgres {
  /** For `pg` and `psql`: a URL whose `host` parameter is the socket's folder; the superuser, no password. */
  readonly connectionString: string;
  /** The folder that is really used. */
  readonly dataDir: string;
  /** The server's process id; another one after a crash. */
  readonly pid: number;
  /** Ends the server cleanly and lets go of the folder. */
  stop(): Promise<void>;
  /** Called at each end of the server that nobody asked for; a new one is already being started. */
  onExit(listener: EndListener): void;
}

/**
 * Starts the server on `dataDir`, making the database at the first start (about 0.6 s; later starts about 0.05 s).
 * Failures: `conflict` with reason `data_folder_in_use` or `data_of_other_version`;
 * `unavailable` with reason `data_folder_unusable`, `embedded_unsupported` or `embedded_broken`. Each is one clear line.
 */
export async function startEmbeddedPostgres(options: EmbeddedOptions): Promise<EmbeddedPostgres> {
  const log = options.log ?? (() => undefined);
  const data = prepareDataFolder(options.dataDir);
  const socketFolder = prepareSocketFolder(data);
  if (data.path !== realPathOf(options.dataDir)) {
    log(
      `${options.dataDir} is closed to the account that PostgreSQL runs as; its data is kept in ${data.path}`,
    );
  }
  const lock = await acquireOwnerLock(data, join(socketFolder, socketName));
  try {
    const binaries = await prepareBinaries(data);
    await endOrphan({ data, socketFolder }, lock, log);
    if (await ensureCluster(data, binaries)) log(`A new database was made in ${data.path}`);
    const supervisor = await supervisePostgres({ data, binaries, socketFolder }, log);
    return await handOver({ data, binaries, socketFolder }, lock, supervisor);
  } catch (error) {
    lock.release();
    throw error;
  }
}

/** The server of an owner that was killed is ended, not adopted: only a parent is told when its child dies. */
async function endOrphan(
  { data, socketFolder }: Pick<PostgresPlace, 'data' | 'socketFolder'>,
  lock: OwnerLock,
  log: (line: string) => void,
): Promise<void> {
  const orphan = findPostmaster(data.clusterDir);
  if (orphan !== undefined && !lock.wasAbandoned) {
    throw new Failure(
      'conflict',
      `PostgreSQL (process ${orphan.pid}) already runs on ${data.clusterDir}; stop it first`,
      {
        reason: 'data_folder_in_use',
      },
    );
  }
  if (orphan !== undefined) {
    log(`Ending the PostgreSQL (process ${orphan.pid}) of an owner that is gone`);
    await endPostgres(orphan, data, socketFolder);
  } else if (lock.wasAbandoned) {
    await endLeftovers(data, socketFolder);
  }
}

async function handOver(
  place: PostgresPlace,
  lock: OwnerLock,
  supervisor: PostgresSupervisor,
): Promise<EmbeddedPostgres> {
  const { data, socketFolder } = place;
  const stop = async (): Promise<void> => {
    await supervisor.stop();
    rmSync(socketFolder, { recursive: true, force: true });
    lock.release();
  };
  try {
    await ensureDatabase(socketFolder);
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    connectionString: socketUrl(socketFolder, embeddedUser),
    dataDir: data.path,
    get pid() {
      return supervisor.pid;
    },
    stop,
    onExit: (listener) => supervisor.onExit(listener),
  };
}

/** initdb knows no database of our own: it is made at the first start, or at the second if we stop in between. */
async function ensureDatabase(socketFolder: string): Promise<void> {
  const client = new pg.Client({ connectionString: socketUrl(socketFolder, 'postgres') });
  await client.connect();
  try {
    const found = await client.query('select 1 from pg_database where datname = $1 limit 1', [embeddedUser]);
    if (found.rowCount === 0) await client.query(`create database ${embeddedUser}`);
  } finally {
    await client.end();
  }
}

/** Names the port and sslmode too, so that PGPORT and PGSSLMODE of the caller's environment change nothing. */
function socketUrl(socketFolder: string, database: string): string {
  return `postgresql://${embeddedUser}@localhost:5432/${database}?host=${encodeURIComponent(socketFolder)}&sslmode=disable`;
}
