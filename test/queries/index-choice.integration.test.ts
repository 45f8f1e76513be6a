/**
 * The index by scope is taken by whoever steps from key to key of a scope, and never by a question about a key and a
 * scope: to the planner both look alike where nearly every pair has one assertion, and of a pair that has 50,000 it would
 * read them all (migrations/0008_assertions_by_scope.sql).
 */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
  await database.pool.query(
    `insert into assertions (ledger, revision, key, scope, kind, value, effective_from, scheduled)
     select 'default', n, 'k.' || n % 7, 'user:u-' || n, 'value', '1', to_timestamp(n), false
     from generate_series(1, 20000) as n`,
  );
  await database.pool.query('analyze assertions');
});
afterAll(() => database.drop());

const planOf = async (condition: string): Promise<string> => {
  const { rows } = await database.pool.query<{ 'QUERY PLAN': string }>(
    `explain select a.revision from assertions a where a.ledger = 'default' and ${condition} limit 1`,
  );
  return rows.map((row) => row['QUERY PLAN']).join('\n');
};

test('the last endless assertion of a key and scope is found by the index that ends there', async () => {
  const plan = await planOf(
    `a.key = 'k.1' and a.scope = 'user:u-1' and a.effective_until is null and a.effective_from <= now()
      order by a.effective_from desc, a.revision desc`,
  );
  expect(plan).toContain('assertions_endless');
  expect(plan).not.toContain('assertions_by_scope');
});

test('the next key of a scope is found by the index by scope', async () => {
  const plan = await planOf(`a.scope collate "C" = 'user:u-1' and a.key > 'k.0' order by a.key`);
  expect(plan).toContain('assertions_by_scope');
});
