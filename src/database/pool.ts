/**
 * Connections to Postgres and transactions on them, the same for the embedded server and for DATABASE_URL.
 * Comes in: a connection string and a role. Goes out: a pool whose lost connections never end the process.
 * Every statement has a time limit, kept by the server and by ourselves (connection-limits.ts), because a server that is
 * cut off keeps none; none is compiled (JIT), because short ones gain nothing and pay for it.
 * Must never set the driver's global state.
 */

import pg from 'pg';
import { Failure } from '../failure.ts';
import { columnTypes } from './column-types.ts';
import { type CheckoutLimits, keepAliveAfterMs, limitCheckouts, sessionLimits } from './connection-limits.ts';
import { isUnavailable, markConnectionLost, readCode, toFailure } from './database-failure.ts';

export { isUnavailable, toFailure } from './database-failure.ts';

/** The roles of migrations/0001_roles.sql: what the HTTP side may do, and what the projector may. */
export type DatabaseRole = 'varve_http' | 'varve_projector';

export interface PoolOptions {
  /** The sessions' role from their first statement on; absent: the user of the connection string. See `availableRoles`. */
  readonly role?: DatabaseRole;
  /** Most connections at once. */
  readonly max: number;
  /** Shown in pg_stat_activity. */
  readonly applicationName: string;
  /** A statement is cancelled after this (57014, `unavailable`); 30,000 when absent, 0: never. */
  readonly statementTimeoutMs?: number;
  /**
   * How long a connection may be away from the pool, for one statement or a whole transaction, before it is cut
   * (ETIMEDOUT, `unavailable`); as long as needed when absent. Longer than the statement's limit, which says more.
   */
  readonly checkoutLimitMs?: number;
  /** The longest wait for a connection, new or from the pool; 10,000 when absent. */
  readonly connectLimitMs?: number;
  /** After this idle inside a transaction the server ends the session and its locks; 60,000 when absent. */
  readonly idleInTransactionMs?: number;
  /** Where names without a schema are looked for; the database's own setting when absent. */
  readonly schema?: string;
  /** Commits do not wait for the disk: for what is found again after a crash. False when absent. */
  readonly mayForget?: boolean;
  /** How columns are read; column-types.ts when absent. */
  readonly columnTypes?: pg.CustomTypesConfig;
  /** Told when an idle connection is lost; the pool has already dropped it. */
  readonly onConnectionLost?: (error: Error) => void;
}

export interface TransactionOptions {
  /** One unchanging snapshot for all reads of the transaction; writes fail. Say then what it reads: `reading`. */
  readonly readOnly?: boolean;
  /**
   * Tables that a rebuild may swap, locked against that before the snapshot is taken: the rows of a table that comes
   * in its place afterwards are younger than the snapshot, which would see none of them.
   */
  readonly reading?: readonly string[];
}

const defaultStatementTimeoutMs = 30_000;
const defaultIdleInTransactionMs = 60_000;

/** How long the polite end of idle connections may take, and of work that nobody waited for. */
const endLimitMs = 2_000;

/** A pool whose every wait can be bounded. */
export interface Pool extends pg.Pool, CheckoutLimits {}

/** A pool that connects at the first query. Close it with `pool.end()`, which cuts what does not end in 2 s. */
export function createPool(connectionString: string, options: PoolOptions): Pool {
  const { text, sessionOptions } = takeSessionOptions(connectionString);
  const role = options.role === undefined ? [] : [`-c role=${options.role}`];
  const schema = options.schema === undefined ? [] : [`-c search_path=${options.schema}`];
  const commits = options.mayForget === true ? ['-c synchronous_commit=off'] : [];
  const config: pg.PoolConfig = {
    connectionString: text,
    options: [
      ...sessionLimits,
      ...sessionOptions,
      '-c timezone=UTC',
      '-c datestyle=ISO',
      '-c jit=off',
      ...role,
      ...schema,
      ...commits,
    ].join(' '),
    max: options.max,
    application_name: options.applicationName,
    statement_timeout: options.statementTimeoutMs ?? defaultStatementTimeoutMs,
    idle_in_transaction_session_timeout: options.idleInTransactionMs ?? defaultIdleInTransactionMs,
    connectionTimeoutMillis: options.connectLimitMs ?? 10_000,
    idleTimeoutMillis: 30_000,
    keepAlive: true,
    keepAliveInitialDelayMillis: keepAliveAfterMs,
    types: options.columnTypes ?? columnTypes,
  };
  const pool = new TellingPool(config, options.checkoutLimitMs);
  // Without a listener an 'error' event ends the process; the pool listens to idle clients only, so clients that
  // are checked out need one as well.
  pool.on('connect', (client) => client.on('error', markConnectionLost));
  pool.on('error', (error) => options.onConnectionLost?.(error));
  return pool;
}

/**
 * Runs `work` in one transaction: committed when it returns, rolled back when it throws.
 * Failures: what `work` throws; an outage as `unavailable`, with reason `outcome_unknown` when the connection was lost
 * while committing: the changes may or may not be there.
 */
export async function transaction<Result>(
  pool: pg.Pool,
  work: (client: pg.PoolClient) => Promise<Result>,
  options: TransactionOptions = {},
): Promise<Result> {
  const client = await pool.connect().catch((error: unknown) => {
    throw toFailure(error);
  });
  let lost: Error | undefined;
  const onLost = (error: Error): void => {
    lost = error;
  };
  client.on('error', onLost);
  try {
    await client.query(
      options.readOnly === true ? 'begin isolation level repeatable read read only' : 'begin',
    );
    if (options.reading !== undefined)
      await client.query(`lock table ${options.reading.join(', ')} in access share mode`);
    const result = await work(client);
    await commit(client);
    return result;
  } catch (error) {
    if (lost === undefined) await client.query('rollback').catch(onLost);
    // A client that lost its connection refuses further queries with an error that has no code.
    const isNameless = lost !== undefined && !(error instanceof Failure) && readCode(error) === undefined;
    throw toFailure(
      isNameless ? markConnectionLost(new Error('The connection was lost', { cause: error })) : error,
    );
  } finally {
    client.off('error', onLost);
    client.release(lost);
  }
}

/** Which of our roles exist and may be taken by this pool's user; a managed server may forbid making roles. */
export async function availableRoles(pool: pg.Pool): Promise<ReadonlySet<DatabaseRole>> {
  const known: readonly DatabaseRole[] = ['varve_http', 'varve_projector'];
  // From version 16 on being a member does not include the right to take the role.
  const found = await pool.query<{ rolname: DatabaseRole }>(
    `select rolname from pg_roles
      where rolname = any ($1)
        and pg_has_role(rolname, case when current_setting('server_version_num')::int >= 160000 then 'SET' else 'MEMBER' end)
      order by rolname
      limit 2`,
    [known],
  );
  return new Set(found.rows.map((row) => row.rolname));
}

/** The schema that names without one mean, for this pool's user. */
export async function currentSchema(pool: pg.Pool): Promise<string> {
  const found = await pool.query<{ name: string }>('select quote_ident(current_schema()) as name');
  return found.rows[0]?.name ?? 'public';
}

async function commit(client: pg.PoolClient): Promise<void> {
  let answer: pg.QueryResult;
  try {
    answer = await client.query('commit');
  } catch (cause) {
    if (!isUnavailable(cause)) throw cause;
    throw new Failure(
      'unavailable',
      'The connection was lost while committing; the changes may or may not be there',
      {
        reason: 'outcome_unknown',
        retryAfterSeconds: 1,
        cause,
      },
    );
  }
  // The server answers a commit after a failed statement with a rollback and no error.
  if (answer.command !== 'COMMIT')
    throw new Error('a statement failed in this transaction and its error was swallowed');
}

/** The driver lets `options` of the URL replace ours silently: they are taken out and put before ours. */
function takeSessionOptions(connectionString: string): { text: string; sessionOptions: readonly string[] } {
  if (!URL.canParse(connectionString)) return { text: connectionString, sessionOptions: [] };
  const url = new URL(connectionString);
  const found = url.searchParams.get('options');
  if (found === null) return { text: connectionString, sessionOptions: [] };
  url.searchParams.delete('options');
  return { text: url.href, sessionOptions: [found] };
}

/** The pool's own errors (no connection in time, pool closed) have no code; whatever connecting fails with means the same. */
class TellingPool extends pg.Pool implements Pool {
  readonly #limits: CheckoutLimits;

  constructor(config: pg.PoolConfig, checkoutLimitMs: number | undefined) {
    super(config);
    this.#limits = limitCheckouts(this, checkoutLimitMs);
  }

  abandon(): void {
    this.#limits.abandon();
  }

  /** What has not ended politely by then would hold up a stop for as long as the network likes. */
  override end(): Promise<void>;
  override end(callback: () => void): void;
  override end(callback?: () => void): Promise<void> | undefined {
    const timer = setTimeout(() => this.abandon(), endLimitMs);
    timer.unref();
    if (callback === undefined) return super.end();
    super.end(callback);
    return undefined;
  }

  override connect(): Promise<pg.PoolClient>;
  override connect(callback: ConnectCallback): void;
  override connect(callback?: ConnectCallback): Promise<pg.PoolClient> | undefined {
    if (callback === undefined) {
      return super.connect().catch((error: unknown) => {
        throw error instanceof Error ? markConnectionLost(error) : error;
      });
    }
    super.connect((error, client, done) => callback(error && markConnectionLost(error), client, done));
    return undefined;
  }
}

type ConnectCallback = (
  error: Error | undefined,
  client: pg.PoolClient | undefined,
  done: (release?: unknown) => void,
) => void;
