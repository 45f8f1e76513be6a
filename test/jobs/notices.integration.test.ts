/** Notices with the queue in Postgres: the promises of notices-cases.ts. */
import { afterAll, beforeAll, beforeEach } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { wipePostgresQueues } from '../support/queue-places.ts';
import { testNotices, testWipes } from './notices-cases.ts';
import type { NoticesPlace } from './notices-stand.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
beforeEach(() => wipePostgresQueues(database.pool));
afterAll(() => database.drop());

const place = (): NoticesPlace => ({
  database,
  connection: { kind: 'postgres', connectionString: database.url },
  wipe: () => wipePostgresQueues(database.pool),
});

testWipes(place, 100);
testNotices(place);
