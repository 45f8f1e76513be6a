/**
 * Opens the database: the embedded one, or the one of DATABASE_URL; migrated, with a pool for each role.
 * In: settings; out: pools and how to let go of them. The HTTP side's role has no write grant on read models.
 */
import { join } from 'node:path';
import pg from 'pg';
import { connectLimitMs, keepAliveAfterMs } from '../database/connection-limits.ts';
import { type DatabaseWatch, watchDatabase } from '../database/database-watch.ts';
import { type EmbeddedPostgres, startEmbeddedPostgres } from '../database/embedded.ts';
import { migrate } from '../database/migrate.ts';
import {
  availableRoles,
  createPool,
  currentSchema,
  type DatabaseRole,
  type Pool,
  type PoolOptions,
} from '../database/pool.ts';
import { withTimeLimit } from '../ledger/time-limit.ts';
import { shadowSearchPath } from '../projector/shadow.ts';
import type { ServerSettings } from '../settings.ts';
import { rootFolder } from './root-folder.ts';

/** Long enough to decide the largest group, short enough that others hardly notice a server that was paused in its turn. */
const silentTurnMs = 2_000;
/** A projector that was paused within a batch must not keep the rows from the one that takes over. */
const silentBatchMs = 15_000;
const poolsLimitMs = 3_000;

export interface OpenDatabase {
  readonly connectionString: string;
  /** The HTTP side: reads everything, writes the log and the operational tables. */
  readonly http: pg.Pool;
  /** One connection for appends, so that no read ever stands in their way. */
  readonly append: pg.Pool;
  /** For turns of writers: the database ends a session that holds one and says nothing for two seconds. */
  readonly turns: pg.Pool;
  /** The projector: writes read models. */
  readonly projector: pg.Pool;
  /** The projector where read models are made again: names mean the tables of varve_rebuild. To be ended by who asks. */
  readonly openShadow: () => pg.Pool;
  readonly connectListener: () => Promise<pg.Client>;
  /** Whether the database answers just now. */
  readonly watch: DatabaseWatch;
  /** Where the embedded database's files are; undefined when the database is somebody else's. */
  readonly dataDir: string | undefined;
  stop(): Promise<void>;
}

export async function openDatabase(
  settings: Pick<ServerSettings, 'databaseUrl' | 'dataDir'>,
  log: (line: string) => void,
): Promise<OpenDatabase> {
  const embedded: EmbeddedPostgres | undefined =
    settings.databaseUrl === undefined
      ? await startEmbeddedPostgres({ dataDir: settings.dataDir, log })
      : undefined;
  try {
    return await openPools(settings.databaseUrl ?? embedded?.connectionString ?? '', embedded, log);
  } catch (error) {
    await embedded?.stop();
    throw error;
  }
}

async function openPools(
  connectionString: string,
  embedded: EmbeddedPostgres | undefined,
  log: (line: string) => void,
): Promise<OpenDatabase> {
  const owner = createPool(connectionString, {
    max: 1,
    applicationName: 'varve-migrate',
    statementTimeoutMs: 0,
  });
  let roles: ReadonlySet<DatabaseRole>;
  let schema: string;
  try {
    await migrate(owner, join(rootFolder, 'migrations'), log);
    roles = await availableRoles(owner);
    schema = await currentSchema(owner);
  } finally {
    await owner.end();
  }
  if (roles.size < 2) log('the database user may make no roles: read models are guarded by code alone');
  const pool = (role: DatabaseRole, options: PoolOptions) =>
    createPool(connectionString, { connectLimitMs, ...options, ...(roles.has(role) ? { role } : {}) });
  const http = pool('varve_http', {
    max: 10,
    applicationName: 'varve-http',
    statementTimeoutMs: 15_000,
    checkoutLimitMs: 17_000,
  });
  const append = pool('varve_http', {
    max: 2,
    applicationName: 'varve-append',
    statementTimeoutMs: 9_000,
    checkoutLimitMs: 10_000,
  });
  const turns = pool('varve_http', {
    max: 4,
    applicationName: 'varve-turns',
    statementTimeoutMs: 15_000,
    checkoutLimitMs: 17_000,
    idleInTransactionMs: silentTurnMs,
  });
  // A rebuild may take as long as it needs: it is given up when the database falls silent, and not by the clock.
  const projector = pool('varve_projector', {
    max: 6,
    applicationName: 'varve-projector',
    statementTimeoutMs: 300_000,
    // Rows that a cut-off holder has locked keep the next one waiting no longer than this.
    idleInTransactionMs: silentBatchMs,
  });
  const shadows = new Set<Pool>();
  const watch = watchDatabase(connectionString, () => {
    projector.abandon();
    for (const shadow of shadows) {
      if (shadow.ended) shadows.delete(shadow);
      else shadow.abandon();
    }
  });
  return {
    connectionString,
    http,
    append,
    turns,
    projector,
    openShadow: () => {
      const shadow = pool('varve_projector', {
        max: 3,
        applicationName: 'varve-rebuild',
        statementTimeoutMs: 300_000,
        schema: shadowSearchPath(schema),
      });
      shadows.add(shadow);
      return shadow;
    },
    watch,
    dataDir: embedded?.dataDir,
    async connectListener() {
      const client = new pg.Client({
        connectionString,
        application_name: 'varve-listen',
        connectionTimeoutMillis: connectLimitMs,
        keepAlive: true,
        keepAliveInitialDelayMillis: keepAliveAfterMs,
      });
      // A lost connection is told by 'error'; without a listener it would end the process.
      client.on('error', () => undefined);
      await client.connect();
      return client;
    },
    async stop() {
      await endInTime([watch.stop(), http.end(), append.end(), turns.end(), projector.end()]);
      await embedded?.stop();
    },
  };
}

/** A pool cuts in 2 s what does not end; what is still connecting to a silent database would hold up a stop for longer. */
async function endInTime(ends: readonly Promise<unknown>[]): Promise<void> {
  await withTimeLimit<unknown>(Promise.all(ends), poolsLimitMs, () => undefined);
}
