/** The HTTP side cannot change a read model, whatever its code says: its database role has no grant for it. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { projections } from '../../projections/index.ts';
import { createPool } from '../../src/database/pool.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());

test('writing any read model as varve_http fails with SQLSTATE 42501', async () => {
  const pool = createPool(database.url, { role: 'varve_http', max: 1, applicationName: 'varve-test' });
  const tables = [...projections.flatMap((projection) => projection.tables), 'projection_checkpoints'];
  expect(tables.length).toBeGreaterThan(7);
  try {
    for (const table of tables) {
      await expect(pool.query(`insert into ${table} default values`), table).rejects.toMatchObject({
        code: '42501',
      });
      await expect(pool.query(`delete from ${table}`), table).rejects.toMatchObject({ code: '42501' });
      await expect(pool.query(`truncate ${table}`), table).rejects.toMatchObject({ code: '42501' });
    }
    await expect(pool.query('delete from ledger_events')).rejects.toMatchObject({ code: '42501' });
  } finally {
    await pool.end();
  }
});
