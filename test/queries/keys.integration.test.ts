/**
 * Keys as known at a revision, by pages and one by one. Asked as the role of the HTTP side.
 */
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createPool } from '../../src/database/pool.ts';
import type { AnyChange } from '../../src/domain/change.ts';
import type { Reads } from '../../src/domain/reads.ts';
import { bindReads } from '../../src/queries/reads.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { allPages } from './all-pages.ts';
import { project, tell } from './ledger-story.ts';

const start = Date.UTC(2026, 0, 1);

let database: TestDatabase;
let pool: pg.Pool;
let reads: Reads;
beforeAll(async () => {
  database = await createTestDatabase();
  pool = createPool(database.url, { role: 'varve_http', max: 4, applicationName: 'lists' });
  reads = bindReads(pool, { waitTimeoutMs: 1000 });
});
afterAll(async () => {
  await pool.end();
  await database.drop();
});

const define = (key: string, fallback = 0): AnyChange => ({
  type: 'defineKey',
  key,
  valueType: 'number',
  fallback,
});

describe('keys', () => {
  beforeAll(() =>
    project(
      database.pool,
      tell('keys', [
        { at: start, changes: [define('b'), define('a'), define('c.d')] },
        { at: start + 1, changes: [define('b', 7)] },
        { at: start + 2, changes: [{ type: 'retireKey', key: 'a' }] },
      ]),
    ),
  );

  test.each([1, 2, 50])('are listed by name in pages of %i, as they were then', async (limit) => {
    const namesAt = async (asOf: number) =>
      (await allPages((page) => reads.keys('keys', asOf, page), limit)).map(
        ({ key, version, revision, fallback, retired }) => [key, version, revision, fallback, retired],
      );
    expect(await namesAt(0)).toEqual([]);
    expect(await namesAt(2)).toEqual([
      ['a', 1, 2, 0, false],
      ['b', 1, 1, 0, false],
    ]);
    expect(await namesAt(5)).toEqual([
      ['a', 2, 2, 0, true],
      ['b', 2, 4, 7, false],
      ['c.d', 1, 3, 0, false],
    ]);
  });

  test('one is found by name', async () => {
    expect(await reads.key('keys', 3, 'b')).toEqual({
      key: 'b',
      valueType: 'number',
      fallback: 0,
      version: 1,
      revision: 1,
      retired: false,
    });
    expect(await reads.key('keys', 4, 'b')).toMatchObject({ fallback: 7, version: 2 });
    expect(await reads.key('keys', 0, 'b')).toBeUndefined();
    expect(await reads.key('keys', 9, 'nobody')).toBeUndefined();
  });
});
