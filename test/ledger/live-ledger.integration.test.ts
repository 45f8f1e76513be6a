/** Live ledgers on Postgres: racing servers, and appends whose answer is lost on the way. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createPool } from '../../src/database/pool.ts';
import { LiveState } from '../../src/domain/live-state.ts';
import { IdempotencyTail } from '../../src/ledger/idempotency.ts';
import { openLiveLedger, type RunningLedger } from '../../src/ledger/live-ledger.ts';
import { openPostgresLedger, readSharedClock } from '../../src/ledger/postgres-ledger.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { openTcpProxy } from '../support/tcp-proxy.ts';
import { contentOf, defineKey, request, set } from './writer-stand.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());

interface Server {
  readonly ledger: RunningLedger;
  readonly counts: { lostRaces: number };
  close(): Promise<void>;
}

/** A server of its own: pool, log, live ledger. `appendUrl` may lead through a proxy. */
async function startServer(name: string, server: string, appendUrl = database.url): Promise<Server> {
  const pool = createPool(appendUrl, { max: 2, applicationName: server });
  const log = openPostgresLedger({ pool, pollMs: 50 });
  const counts = { lostRaces: 0 };
  let ids = 0;
  const ledger = await openLiveLedger({
    name,
    log,
    state: new LiveState(),
    idempotency: new IdempotencyTail(0),
    now: () => 0,
    clock: () => readSharedClock(pool),
    newId: () => {
      ids += 1;
      return `${server}-${ids}`;
    },
    findAnswers: async (wanted) => ({ answers: wanted.map(() => undefined), checkpoint: 0 }),
    rememberNoChange: async () => true,
    replay: async () => [],
    observe: {
      grouped: () => undefined,
      appending: () => () => undefined,
      lostRace: () => {
        counts.lostRaces += 1;
      },
      changed: () => undefined,
    },
    maxQueue: 10_000,
    onStopped: (failure) => {
      throw failure;
    },
    onTrouble: () => undefined,
    delay: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
  });
  return {
    ledger,
    counts,
    async close() {
      await ledger.stop();
      await log.stop();
      await pool.end();
    },
  };
}

test('racing servers append everything once, without a gap, and hold the same state', async () => {
  const servers = await Promise.all(['one', 'two', 'three'].map((server) => startServer('race', server)));
  await servers[0]?.ledger.submit(request([defineKey]));
  const results = await Promise.all(
    servers.flatMap(({ ledger }, place) =>
      Array.from({ length: 20 }, async (_, n) => {
        await ledger.reached(1);
        let revision = 0;
        for (let turn = 0; turn < 5; turn += 1) {
          revision = (
            await ledger.submit(
              request([set(`${place}-${n}`, turn), set('all', place * 1_000 + n * 10 + turn)]),
            )
          ).revision;
        }
        return revision;
      }),
    ),
  );
  const head = Math.max(...results);
  expect(head).toBe(1 + 3 * 20 * 5 * 2);
  await Promise.all(servers.map(({ ledger }) => ledger.reached(head)));
  const [first, ...others] = servers.map(({ ledger }) => contentOf(ledger.state));
  for (const other of others) expect(other).toEqual(first);
  expect(servers.reduce((sum, { counts }) => sum + counts.lostRaces, 0)).toBeGreaterThan(0);
  const logged = await servers[0]?.ledger.readLog(0, 10_000);
  expect(logged?.map((event) => event.revision)).toEqual(Array.from({ length: head }, (_, n) => n + 1));
  const times = (logged ?? []).map((event) => event.recordedAt);
  expect(times).toEqual(times.toSorted());
  await Promise.all(servers.map((server) => server.close()));
});

test('answers that are lost after the commit are found by looking at the log', async () => {
  const proxy = await openTcpProxy(database.url);
  const server = await startServer('lost-answer', 'lossy', proxy.url);
  await server.ledger.submit(request([defineKey]));
  const told: number[] = [];
  server.ledger.onChangeset((events) => told.push(...events.map((event) => event.revision)));
  for (let n = 0; n < 10; n += 1) {
    proxy.loseAnswerTo('ledger-append');
    const result = await server.ledger.submit(request([set('a', n + 1), set('b', n + 1)]));
    expect(result.events.map((event) => event.revision)).toEqual([n * 2 + 2, n * 2 + 3]);
  }
  const logged = await server.ledger.readLog(0, 1_000);
  expect(told).toEqual(logged.slice(1).map((event) => event.revision));
  const replay = new LiveState();
  for (const event of logged) replay.apply(event);
  expect(replay.revision).toBe(21);
  expect(contentOf(server.ledger.state)).toEqual(contentOf(replay));
  await server.close();
  await proxy.close();
});

test('a question that is lost before the append fails the request, and nothing is appended', async () => {
  const proxy = await openTcpProxy(database.url);
  const server = await startServer('lost-clock', 'clockless', proxy.url);
  await server.ledger.submit(request([defineKey]));
  proxy.loseAnswerTo('shared-clock');
  await expect(server.ledger.submit(request([set('a', 1)]))).rejects.toMatchObject({
    code: 'unavailable',
    reason: 'database_unavailable',
  });
  expect((await server.ledger.submit(request([set('a', 1)]))).revision).toBe(2);
  await server.close();
  await proxy.close();
});
