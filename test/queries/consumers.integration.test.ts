/**
 * Consumers and active contexts in their tables, as the role of the HTTP side: the cases of every store, writers at once, pages
 * of contexts, and what is forgotten.
 */
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createPool } from '../../src/database/pool.ts';
import { activeContexts } from '../../src/queries/active-contexts.ts';
import { contextsSeen, forgetContexts, noteContexts } from '../../src/queries/contexts-seen.ts';
import { forgetConsumers, keepHeartbeats } from '../../src/queries/keep-heartbeats.ts';
import { leastRevision, listConsumers } from '../../src/queries/list-consumers.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { type ArrivalStore, describeConsumers, heartbeat } from './consumers-cases.ts';
import { project, tell } from './ledger-story.ts';

let database: TestDatabase;
let pool: pg.Pool;
let store: ArrivalStore;
beforeAll(async () => {
  database = await createTestDatabase();
  pool = createPool(database.url, { role: 'varve_http', max: 10, applicationName: 'consumers' });
  store = {
    keep: (ledger, heartbeats) => keepHeartbeats(pool, ledger, heartbeats),
    noteContexts: (ledger, seen) => noteContexts(pool, ledger, 'consumer', seen),
    reads: {
      consumers: (...question) => listConsumers(pool, ...question),
      leastRevision: (...question) => leastRevision(pool, ...question),
      activeContexts: (...question) => activeContexts(pool, ...question),
    },
  };
});
afterAll(async () => {
  await pool.end();
  await database.drop();
});

describe('kept in the table', () => {
  describeConsumers(() => store);
});

test('many servers at once: nobody waits for one that waits for it, and the newest word stands', async () => {
  const names = Array.from({ length: 60 }, (_, n) => `c${n}`);
  const rounds = Array.from({ length: 12 }, (_, round) => {
    const batch = names.map((name) => heartbeat(name, round, 1_000 + round));
    return store.keep('at-once', round % 2 === 0 ? batch : batch.toReversed());
  });
  expect((await Promise.all(rounds)).flat()).toEqual([]);
  // Whoever came in as the row was made may have said it late: the next word sets it right.
  await store.keep(
    'at-once',
    names.map((name) => heartbeat(name, 99, 2_000)),
  );
  expect(await store.reads.consumers('at-once', undefined, 1_000)).toHaveLength(60);
  expect(await store.reads.leastRevision('at-once', 0)).toBe(99);
});

test('consumers are forgotten after a day of silence', async () => {
  const now = Date.now();
  const hour = 3_600_000;
  await store.keep('old', [
    heartbeat('yesterday', 1, now - 25 * hour),
    heartbeat('lately', 1, now - 23 * hour),
  ]);
  expect(await forgetConsumers(pool, 24)).toBeGreaterThanOrEqual(1);
  expect(await store.reads.consumers('old', undefined, 10)).toMatchObject([{ client: 'lately' }]);
  expect(await forgetConsumers(pool, 24)).toBe(0);
});

describe('contexts', () => {
  const hour = 3_600_000;

  test('active users come in pages, last seen first, each once', async () => {
    const users = Array.from({ length: 7 }, (_, n) => ({
      user: `u${n}`,
      ...(n % 2 === 0 ? { tenant: 'acme' } : { tier: '3' }),
      at: 10 * hour + (n % 3) * 100_000,
    }));
    await store.noteContexts('pages', [
      ...users,
      { tenant: 'nobody', at: 11 * hour },
      { user: 'before', at: 9 * hour },
    ]);
    await noteContexts(pool, 'pages', 'usage', [{ user: 'u1', tier: '3', at: 11 * hour }]);
    const seen: unknown[] = [];
    let cursor: string | null = '';
    do {
      const page = await activeContexts(pool, 'pages', 10 * hour, {
        limit: 2,
        ...(cursor === '' ? {} : { cursor }),
      });
      seen.push(...page.items);
      cursor = page.nextCursor;
    } while (cursor !== null);
    const item = (n: number, minutes: number) => ({
      context: { user: `u${n}`, ...(n % 2 === 0 ? { tenant: 'acme' } : { tier: '3' }) },
      lastSeenAt: 10 * hour + minutes * 100_000,
      how: 'consumer',
    });
    expect(seen).toEqual([
      { ...item(1, 36), how: 'usage' },
      item(2, 2),
      item(5, 2),
      item(4, 1),
      item(0, 0),
      item(3, 0),
      item(6, 0),
    ]);
  });

  test('what nobody asked for in months is forgotten, in every ledger that is read', async () => {
    await project(
      database.pool,
      tell('default', [
        { at: 1000, changes: [{ type: 'defineKey', key: 'a', valueType: 'number', fallback: 0 }] },
      ]),
    );
    const now = Date.now();
    const old = Array.from({ length: 1_200 }, (_, n) => ({ user: `u${n}`, at: now - 91 * 24 * hour }));
    await store.noteContexts('default', [...old, { user: 'lately', at: now - 89 * 24 * hour }]);
    expect(await forgetContexts(pool, 2_160)).toBe(1_200);
    expect(await contextsSeen(pool, 'default', 10)).toEqual([{ user: 'lately' }]);
  });
});
