/**
 * A database that falls silent: packets vanish, connections stay open, and no limit of the server's is of any use. Every
 * wait has one of ours. The proxy holds what was sent and delivers it when the network heals.
 */
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { watchDatabase } from '../../src/database/database-watch.ts';
import { createPool, isUnavailable, type PoolOptions, transaction } from '../../src/database/pool.ts';
import { tryProjectorLock } from '../../src/projector/projector-lock.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { openTcpProxy } from '../support/tcp-proxy.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
  await database.pool.query('create table marks (id bigint primary key)');
});
afterAll(() => database.drop());

async function openLine(options: Partial<PoolOptions> = {}) {
  const proxy = await openTcpProxy(database.url);
  const pool = createPool(proxy.url, {
    max: 2,
    applicationName: 'silent',
    connectLimitMs: 300,
    checkoutLimitMs: 300,
    ...options,
  });
  onTestFinished(async () => {
    proxy.heal();
    await proxy.close();
  });
  return { proxy, pool };
}

async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await isSo())) await new Promise((resolve) => setTimeout(resolve, 20));
}

test('a statement, a transaction, a new connection: each fails in time as an outage, and the pool recovers', async () => {
  const { proxy, pool } = await openLine();
  await pool.query('select 1');
  proxy.swallow(['down']);
  const results = await Promise.allSettled([
    pool.query('select 1'),
    pool.query('select 1'),
    transaction(pool, (client) => client.query('insert into marks values (1)')),
  ]);
  for (const result of results)
    expect(result).toMatchObject({ status: 'rejected', reason: expect.toSatisfy(isUnavailable) });
  proxy.heal();
  await until(async () => (await pool.query('select 1').catch(() => undefined)) !== undefined);
  await pool.end();
});

test('a checkout in time is left alone, however many follow each other', async () => {
  const { pool } = await openLine({ checkoutLimitMs: 500 });
  const { rows } = await pool.query('select pg_backend_pid() as pid');
  for (let turn = 0; turn < 4; turn += 1) await pool.query('select pg_sleep(0.2)');
  expect((await pool.query('select pg_backend_pid() as pid')).rows).toEqual(rows);
  await pool.end();
});

test('ending a pool does not wait for the network', async () => {
  const { proxy, pool } = await openLine({ checkoutLimitMs: 60_000 });
  await pool.query('select 1');
  proxy.swallow(['up', 'down']);
  const hanging = pool.query('select 1').catch((error: unknown) => error);
  await pool.end();
  expect(isUnavailable(await hanging)).toBe(true);
});

test('the watch tells that the database is down, and that it is up again', async () => {
  const { proxy } = await openLine();
  let silences = 0;
  const watch = watchDatabase(
    proxy.url,
    () => {
      silences += 1;
    },
    300,
  );
  onTestFinished(() => watch.stop());
  expect(watch.health()).toEqual({ isUp: true, problem: undefined });
  proxy.swallow(['down']);
  await until(() => !watch.health().isUp);
  expect(watch.health().problem).toMatch(/^(ETIMEDOUT|CONNECTION_LOST)$/);
  expect(silences).toBeGreaterThan(0);
  proxy.heal();
  await until(() => watch.health().isUp);
});

test('a holder of the lock that is cut off gives up, and the database gives the lock to another', async () => {
  const { proxy, pool } = await openLine({ checkoutLimitMs: 60_000 });
  const limits = { signEveryMs: 100, signLimitMs: 200, silentMs: 1_000 };
  const lock = await tryProjectorLock(pool, 'project', limits);
  expect(lock?.isHeld()).toBe(true);
  expect(await tryProjectorLock(database.pool)).toBeUndefined();
  proxy.swallow(['up', 'down']);
  await until(() => lock?.isHeld() === false);
  await lock?.release();
  let next: Awaited<ReturnType<typeof tryProjectorLock>>;
  await until(async () => {
    next = await tryProjectorLock(database.pool);
    return next !== undefined;
  });
  await next?.release();
  await pool.end();
});
