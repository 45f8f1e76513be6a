/** Background work on Postgres: the promises of chores-cases.ts, and a database that restarts its connections. */
import { afterAll, beforeAll, beforeEach, expect, onTestFinished, test } from 'vitest';
import { startChores } from '../../src/jobs/chores.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { wipePostgresQueues } from '../support/queue-places.ts';
import { type QueuePlace, testChores, until } from './chores-cases.ts';
import { openDyingPostgres } from './dying-postgres.ts';

let database: TestDatabase;
let place: QueuePlace;
beforeAll(async () => {
  database = await createTestDatabase();
  place = {
    connection: { kind: 'postgres', connectionString: database.url },
    wipe: () => wipePostgresQueues(database.pool),
    connections: async () => (await pidsOfOthers()).length,
  };
});
beforeEach(() => place.wipe());
afterAll(() => database.drop());

/** Everybody's connections to this database but the test's own. */
async function pidsOfOthers(): Promise<readonly number[]> {
  const { rows } = await database.pool.query<{ pid: number }>(
    'select pid from pg_stat_activity where datname = $1 and application_name <> $2 order by pid',
    [database.name, database.name],
  );
  return rows.map(({ pid }) => pid);
}

testChores(() => place);

test('after its schema was dropped the next start has everything again', async () => {
  let runs = 0;
  const chores = [{ name: 'dropped', everyMs: 3_600_000, run: async () => ++runs }];
  for (const expected of [1, 2]) {
    const running = await startChores({ connection: place.connection, chores, onTrouble: () => undefined });
    await until(() => runs === expected);
    await running.stop();
    expect(running.status()).toEqual([{ name: 'dropped', state: 'waiting', lastResult: expected }]);
    await database.pool.query('drop schema bullmq cascade');
  }
});

test('goes on by itself after all its connections were lost', async () => {
  let runs = 0;
  const troubles: unknown[] = [];
  const running = await startChores({
    connection: place.connection,
    chores: [{ name: 'lost', everyMs: 1_000, run: async () => ++runs }],
    onTrouble: (failure) => troubles.push(failure),
  });
  onTestFinished(() => running.stop());
  await until(() => runs > 0);
  for (const pid of await pidsOfOthers()) await database.pool.query('select pg_terminate_backend($1)', [pid]);
  const before = runs;
  await until(() => runs > before);
  expect(troubles.length).toBeGreaterThan(0);
});

test('goes on by itself when its connections die in the moment in which they stand', async () => {
  const postgres = await openDyingPostgres(database.url);
  onTestFinished(() => postgres.close());
  let runs = 0;
  let troubles = 0;
  const running = await startChores({
    connection: { kind: 'postgres', connectionString: postgres.url },
    chores: [{ name: 'dying', everyMs: 1_000, run: async () => ++runs }],
    onTrouble: () => {
      troubles += 1;
    },
  });
  onTestFinished(() => running.stop());
  await until(() => runs > 0);
  // An error that nobody listens to would end this process, and fail the run.
  postgres.isDeadly = true;
  for (const pid of await pidsOfOthers()) await database.pool.query('select pg_terminate_backend($1)', [pid]);
  await until(() => postgres.deaths() >= 5);
  postgres.isDeadly = false;
  const before = runs;
  await until(() => runs > before + 1);
  // It does not hold on to a connection that is dead.
  const told = { runs, troubles };
  await until(() => runs > told.runs + 1);
  expect(troubles).toBe(told.troubles);
});
