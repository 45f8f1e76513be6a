/** Connections, transactions and roles on a real server. */

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  availableRoles,
  createPool,
  isUnavailable,
  toFailure,
  transaction,
} from '../../src/database/pool.ts';
import { Failure } from '../../src/failure.ts';
import type { TestDatabase } from '../support/database.ts';
import { createTestDatabase } from '../support/database.ts';

let database: TestDatabase;

beforeAll(async () => {
  database = await createTestDatabase();
  await database.pool.query('create table notes (id bigint primary key, text text)');
});
afterAll(() => database.drop());

/** What a promise is rejected with; fails the test when it is not. */
async function rejection(promise: Promise<unknown>): Promise<unknown> {
  return await promise.then(
    (value) => expect.fail(`expected a rejection, got ${JSON.stringify(value)}`),
    (error: unknown) => error,
  );
}

describe('columns', () => {
  test('int8 is a number, timestamptz epoch milliseconds, numeric a string, jsonb a value', async () => {
    const { rows } = await database.pool.query(`
      select 9007199254740991::bigint as large, array[1, null]::bigint[] as many, count(*) as counted,
             '2026-02-28 23:59:59.123999+00'::timestamptz as at, '2026-03-01 01:00:00+02'::timestamptz as shifted,
             'infinity'::timestamptz as never, '0044-03-15 00:00:00+00 BC'::timestamptz as ides,
             array['2026-01-01Z', null]::timestamptz[] as times,
             0.1::numeric as price, '{"a": [1]}'::jsonb as document, null::timestamptz as missing
      from (values (1)) as one (n)`);
    expect(rows).toEqual([
      {
        large: 9007199254740991,
        many: [1, null],
        counted: 1,
        at: Date.UTC(2026, 1, 28, 23, 59, 59, 123),
        shifted: Date.UTC(2026, 1, 28, 23),
        never: Number.POSITIVE_INFINITY,
        ides: new Date('-000043-03-15T00:00:00Z').getTime(),
        times: [Date.UTC(2026, 0, 1), null],
        price: '0.1',
        document: { a: [1] },
        missing: null,
      },
    ]);
  });

  test('a number beyond 2^53 is refused, not rounded, and the connection stays usable', async () => {
    const error = await rejection(database.pool.query('select 9007199254740993::bigint as n'));
    expect(error).toMatchObject({ code: 'corrupt', reason: 'number_too_large' });
    expect((await database.pool.query('select 1 as n')).rows).toEqual([{ n: 1 }]);
  });
});

describe('transactions', () => {
  test('commit what returns and roll back what throws', async () => {
    expect(
      await transaction(database.pool, (client) =>
        client.query('insert into notes values (1)').then(() => 'done'),
      ),
    ).toBe('done');
    const refusal = new Failure('refused', 'no');
    const error = await rejection(
      transaction(database.pool, async (client) => {
        await client.query('insert into notes values (2)');
        throw refusal;
      }),
    );
    expect(error).toBe(refusal);
    expect((await database.pool.query('select id from notes order by id')).rows).toEqual([{ id: 1 }]);
  });

  test('an error of the database comes out as it is', async () => {
    const error = await rejection(
      transaction(database.pool, (client) => client.query('insert into notes values (1)')),
    );
    expect(error).toMatchObject({ code: '23505' });
  });

  test('a swallowed error cannot become a silent rollback', async () => {
    const error = await rejection(
      transaction(database.pool, (client) => client.query('select 1 / 0').catch(() => undefined)),
    );
    expect(error).toMatchObject({ message: expect.stringContaining('swallowed') });
  });

  test('read only: one snapshot, no writes', async () => {
    const error = await rejection(
      transaction(database.pool, (client) => client.query('insert into notes values (3)'), {
        readOnly: true,
      }),
    );
    expect(error).toMatchObject({ code: '25006' });
    const seen = await transaction(
      database.pool,
      async (client) => {
        const count = async (): Promise<unknown> =>
          (await client.query('select count(*) as n from notes')).rows[0];
        const before = await count();
        await database.pool.query('insert into notes values (4)');
        return [before, await count()];
      },
      { readOnly: true },
    );
    expect(seen).toEqual([{ n: 1 }, { n: 1 }]);
  });
});

describe('lost connections', () => {
  const kill = (pid: number): Promise<unknown> =>
    database.pool.query('select pg_terminate_backend($1)', [pid]);

  test('inside a transaction are an outage, also for the query after it, and the pool goes on', async () => {
    const pool = createPool(database.url, { max: 1, applicationName: 'victim' });
    try {
      const error = await rejection(
        transaction(pool, async (client) => {
          const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid');
          const closed = new Promise((resolve) => client.once('end', resolve));
          await kill(rows[0]?.pid ?? 0);
          await closed;
          await client.query('select 1');
        }),
      );
      expect(error).toMatchObject({ code: 'unavailable', reason: 'database_unavailable' });
      expect((await pool.query('select 1 as n')).rows).toEqual([{ n: 1 }]);
    } finally {
      await pool.end();
    }
  });

  test('of idle or busy clients do not end the process and are recognised', async () => {
    const lost: Error[] = [];
    const pool = createPool(database.url, {
      max: 2,
      applicationName: 'victim',
      onConnectionLost: (error) => lost.push(error),
    });
    try {
      const { rows } = await pool.query<{ pid: number }>('select pg_backend_pid() as pid');
      const removed = new Promise((resolve) => pool.once('remove', resolve));
      await kill(rows[0]?.pid ?? 0);
      await removed;
      expect(lost.map(isUnavailable)).toEqual([true]);

      const client = await pool.connect();
      const { rows: own } = await client.query<{ pid: number }>('select pg_backend_pid() as pid');
      const sleeping = rejection(client.query('select pg_sleep(600)'));
      await kill(own[0]?.pid ?? 0);
      expect(isUnavailable(await sleeping)).toBe(true);
      client.release(true);
    } finally {
      await pool.end();
    }
  });

  test('a commit cut off has an unknown outcome', async () => {
    await database.pool.query(`
      create function sleep_at_commit() returns trigger language plpgsql as $$ begin perform pg_sleep(600); return null; end $$;
      create table slow (id int);
      create constraint trigger slow_at_commit after insert on slow deferrable initially deferred
        for each row execute function sleep_at_commit()`);
    const error = await rejection(
      transaction(database.pool, async (client) => {
        const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid');
        await client.query('insert into slow values (1)');
        void killWhenCommitting(rows[0]?.pid ?? 0);
      }),
    );
    expect(error).toMatchObject({ code: 'unavailable', reason: 'outcome_unknown' });
  });

  async function killWhenCommitting(pid: number): Promise<void> {
    const isCommitting = `select from pg_stat_activity where pid = $1 and query = 'commit' and wait_event = 'PgSleep'`;
    while ((await database.pool.query(isCommitting, [pid])).rowCount === 0);
    await kill(pid);
  }

  test('no server, no free connection, a closed pool and a time limit are outages', async () => {
    const nowhere = createPool('postgresql://u@localhost:5432/d?host=%2Fnonexistent', {
      max: 1,
      applicationName: 'x',
    });
    const refused = createPool('postgresql://u@127.0.0.1:1/d', { max: 1, applicationName: 'x' });
    const impatient = createPool(database.url, { max: 1, applicationName: 'x', statementTimeoutMs: 20 });
    const failures = [
      await rejection(nowhere.query('select 1')),
      await rejection(transaction(refused, async () => undefined)),
      await rejection(impatient.query('select pg_sleep(600)')),
      await impatient.end().then(() => rejection(impatient.query('select 1'))),
    ];
    await Promise.all([nowhere.end(), refused.end()]);
    expect(failures.map((error) => toFailure(error))).toEqual(
      failures.map(() => expect.objectContaining({ code: 'unavailable', reason: 'database_unavailable' })),
    );
  });
});

describe('roles', () => {
  test('are taken from the first statement on and limit what a session may do', async () => {
    expect(await availableRoles(database.pool)).toEqual(new Set(['varve_http', 'varve_projector']));
    const url = new URL(database.url);
    url.searchParams.set('options', '-c work_mem=5MB');
    const pool = createPool(url.href, { role: 'varve_http', max: 1, applicationName: 'reader' });
    try {
      const session = `select current_user as role, current_setting('work_mem') as memory, current_setting('TimeZone') as zone`;
      expect((await pool.query(session)).rows).toEqual([{ role: 'varve_http', memory: '5MB', zone: 'UTC' }]);
      await database.pool.query(
        `select varve_grant('select', 'notes', 'varve_http'), varve_grant('select', 'notes', 'no_such_role')`,
      );
      await pool.query('select id from notes order by id limit 1');
      const error = await rejection(pool.query('insert into notes values (9)'));
      expect(error).toMatchObject({ code: '42501' });
      expect(toFailure(error)).toBe(error);
    } finally {
      await pool.end();
    }
  });
});
