/** The queue in Postgres wiped with a thousand deliveries waiting. */
import { afterAll, beforeAll } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { wipePostgresQueues } from '../support/queue-places.ts';
import { testWipes } from './notices-cases.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());

testWipes(
  () => ({
    database,
    connection: { kind: 'postgres', connectionString: database.url },
    wipe: () => wipePostgresQueues(database.pool),
  }),
  1_000,
);
