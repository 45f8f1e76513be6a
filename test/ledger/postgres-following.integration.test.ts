/** The Postgres engine between processes: notifications and the poll, and connections that are lost. */
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createPool } from '../../src/database/pool.ts';
import {
  openPostgresLedger,
  type PostgresLedger,
  readSharedClock,
} from '../../src/ledger/postgres-ledger.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { openTcpProxy } from '../support/tcp-proxy.ts';
import { readAll, storedEvents } from './contract-events.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());

const never = 3_600_000;

const connectListener = async (applicationName: string): Promise<pg.Client> => {
  const client = new pg.Client({ connectionString: database.url, application_name: applicationName });
  client.on('error', () => undefined);
  await client.connect();
  return client;
};

const connectionsOf = async (applicationName: string): Promise<number[]> => {
  const { rows } = await database.pool.query<{ pid: number }>(
    'select pid from pg_stat_activity where application_name = $1 order by pid',
    [applicationName],
  );
  return rows.map(({ pid }) => pid);
};

describe('following', () => {
  const grownTo = (log: PostgresLedger, ledger: string, revision: number) =>
    new Promise<void>((resolve) => {
      const following = log.follow(ledger, () => {
        void log.head(ledger).then((head) => {
          if (head.revision < revision) return;
          following.stop();
          resolve();
        });
      });
    });

  test('a notification tells of another server’s append, with its revision', async () => {
    const log = openPostgresLedger({
      pool: database.pool,
      connectListener: () => connectListener('notified'),
      pollMs: never,
    });
    const other = openPostgresLedger({ pool: database.pool, pollMs: never });
    const revisions: (number | undefined)[] = [];
    log.follow('a ledger: "ü"', (revision) => revisions.push(revision));
    // Once it listens, it wakes everybody without a revision.
    await expect.poll(() => revisions).toEqual([undefined]);
    await other.append('a ledger: "ü"', 0, storedEvents(1, 2));
    await expect.poll(() => revisions).toEqual([undefined, 2]);
    await other.append('a ledger: "ü"', 2, storedEvents(3, 1));
    await expect.poll(() => revisions).toEqual([undefined, 2, 3]);
    await log.stop();
    await other.stop();
  });

  test('the poll tells of it when no connection listens any more', async () => {
    let connections = 0;
    const log = openPostgresLedger({
      pool: database.pool,
      connectListener: () => {
        connections += 1;
        return connections === 1 ? connectListener('cut') : Promise.reject(new Error('no more'));
      },
      pollMs: 20,
    });
    const other = openPostgresLedger({ pool: database.pool, pollMs: never });
    const first = grownTo(log, 'polled', 1);
    await other.append('polled', 0, storedEvents(1, 1));
    await first;
    await expect.poll(() => connectionsOf('cut')).toHaveLength(1);
    await database.pool.query(
      `select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'cut'`,
    );
    await expect.poll(() => connections).toBeGreaterThan(1);
    const second = grownTo(log, 'polled', 2);
    await other.append('polled', 1, storedEvents(2, 1));
    await second;
    await log.stop();
    await other.stop();
  });

  test('one connection listens, however many follow; a lost one is made again, and none is left after stop', async () => {
    const log = openPostgresLedger({
      pool: database.pool,
      connectListener: () => connectListener('only-one'),
      pollMs: 20,
    });
    for (let n = 0; n < 10; n += 1) log.follow(`many-${n}`, () => undefined);
    await expect.poll(() => connectionsOf('only-one')).toHaveLength(1);
    const [lost] = await connectionsOf('only-one');
    await database.pool.query('select pg_terminate_backend($1)', [lost]);
    await expect
      .poll(async () => (await connectionsOf('only-one')).filter((pid) => pid !== lost))
      .toHaveLength(1);
    expect(await connectionsOf('only-one')).toHaveLength(1);
    await log.stop();
    await expect.poll(() => connectionsOf('only-one')).toEqual([]);
  });

  test('stop waits for a connection that is being made, and ends it', async () => {
    let release = (): void => undefined;
    const gate = new Promise<void>((resolve) => {
      release = resolve;
    });
    const log = openPostgresLedger({
      pool: database.pool,
      connectListener: async () => {
        await gate;
        return connectListener('late');
      },
      pollMs: never,
    });
    log.follow('late', () => undefined);
    const stopped = log.stop();
    release();
    await stopped;
    await expect.poll(() => connectionsOf('late')).toEqual([]);
  });
});

describe('a lost connection', () => {
  test('while the append waits: the outcome is unknown, and nothing was appended', async () => {
    const pool = createPool(database.url, { max: 1, applicationName: 'doomed' });
    const log = openPostgresLedger({ pool, pollMs: never });
    await log.append('cut', 0, storedEvents(1, 1));
    const holder = await database.pool.connect();
    await holder.query('begin');
    await holder.query(`select revision from ledger_heads where ledger = 'cut' for update`);
    const appending = Promise.allSettled([log.append('cut', 1, storedEvents(2, 2))]);
    const waits = `select pid from pg_stat_activity where application_name = 'doomed' and wait_event_type = 'Lock'`;
    await expect.poll(async () => (await database.pool.query(waits)).rows.length).toBe(1);
    await database.pool.query(`select pg_terminate_backend(pid) from (${waits}) as waiting`);
    const failure = { code: 'unavailable', reason: 'outcome_unknown' };
    expect(await appending).toMatchObject([{ status: 'rejected', reason: failure }]);
    await holder.query('rollback');
    holder.release();
    expect(await log.head('cut')).toMatchObject({ revision: 1 });
    expect(await log.append('cut', 1, storedEvents(2, 2))).toEqual({ appended: true });
    await log.stop();
    await pool.end();
  });

  test('after the commit, before its answer: the outcome is unknown, and the log shows the events', async () => {
    const proxy = await openTcpProxy(database.url);
    const pool = createPool(proxy.url, { max: 1, applicationName: 'answer-lost' });
    const log = openPostgresLedger({ pool, pollMs: never });
    await log.append('answer-lost', 0, storedEvents(1, 1));
    proxy.loseAnswerTo('ledger-append');
    await expect(log.append('answer-lost', 1, storedEvents(2, 2))).rejects.toMatchObject({
      code: 'unavailable',
      reason: 'outcome_unknown',
    });
    expect(await readAll(log, 'answer-lost')).toEqual([...storedEvents(1, 1), ...storedEvents(2, 2)]);
    await log.stop();
    await pool.end();
    await proxy.close();
  });

  test('what the server itself gave up did not happen: the outcome is known', async () => {
    const pool = createPool(database.url, { max: 1, applicationName: 'slow', statementTimeoutMs: 100 });
    const log = openPostgresLedger({ pool, pollMs: never });
    await log.append('slow', 0, storedEvents(1, 1));
    const holder = await database.pool.connect();
    await holder.query('begin');
    await holder.query(`select revision from ledger_heads where ledger = 'slow' for update`);
    await expect(log.append('slow', 1, storedEvents(2, 1))).rejects.toMatchObject({
      code: 'unavailable',
      reason: 'database_unavailable',
    });
    await holder.query('rollback');
    holder.release();
    expect(await log.head('slow')).toMatchObject({ revision: 1 });
    await log.stop();
    await pool.end();
  });

  test('reads and the clock answer `unavailable`, not something else', async () => {
    const proxy = await openTcpProxy(database.url);
    const pool = createPool(proxy.url, { max: 1, applicationName: 'gone' });
    const log = openPostgresLedger({ pool, pollMs: never });
    expect(await log.head('gone')).toEqual({ revision: 0, recordedAt: 0 });
    await proxy.close();
    const unavailable = { code: 'unavailable', reason: 'database_unavailable', retryAfterSeconds: 1 };
    await expect(log.head('gone')).rejects.toMatchObject(unavailable);
    await expect(log.read('gone', 0, 10)).rejects.toMatchObject(unavailable);
    await expect(readSharedClock(pool)).rejects.toMatchObject(unavailable);
    await log.stop();
    await pool.end();
  });
});
