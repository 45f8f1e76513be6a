/** Turns of the Postgres log: they wait in line, hold everybody else up, and are lost by whoever dies or falls silent. */
import type pg from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { createPool } from '../../src/database/pool.ts';
import type { Turn } from '../../src/ledger/ledger.ts';
import { openPostgresLedger, type PostgresLedger } from '../../src/ledger/postgres-ledger.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { openTcpProxy } from '../support/tcp-proxy.ts';
import { readAll, storedEvents } from './contract-events.ts';

const silentMs = 300;

let database: TestDatabase;
const pools: pg.Pool[] = [];
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());

let name = '';
let made = 0;
let log: PostgresLedger;
beforeEach(async () => {
  made += 1;
  name = `turns-${made}`;
  log = openWith(database.url);
  await log.append(name, 0, storedEvents(1, 1));
});
afterEach(async () => {
  await log.stop();
  for (const pool of pools.splice(0)) await pool.end();
});

/** A log of a server of its own; its turns come from `turnUrl`. */
function openWith(turnUrl: string): PostgresLedger {
  const turnPool = createPool(turnUrl, {
    max: 4,
    applicationName: 'turns',
    idleInTransactionMs: silentMs,
  });
  pools.push(turnPool);
  return openPostgresLedger({ pool: database.pool, turnPool, pollMs: 3_600_000 });
}

async function turnOf(ledger: PostgresLedger): Promise<Turn> {
  const turn = await ledger.takeTurn?.(name);
  if (turn === undefined) throw new Error('this log has no turns');
  return turn;
}

test('while a turn lasts others wait, and then find what it appended', async () => {
  const turn = await turnOf(log);
  expect(turn.head.revision).toBe(1);
  const order: string[] = [];
  const outside = log.append(name, 1, storedEvents(2, 1, 'outside')).then((result) => {
    order.push('outside');
    return result;
  });
  const next = turnOf(log).then((inLine) => {
    order.push('next');
    return inLine;
  });
  // Both have asked before the turn goes on: each has a connection of its own that waits for the row.
  await waitingForHead(2);
  order.push('turn');
  expect(await turn.append(1, storedEvents(2, 2, 'in turn'))).toEqual({ appended: true });
  await turn.end();
  expect(await outside).toMatchObject({ appended: false, head: { revision: 3 } });
  const second = await next;
  expect(second.head.revision).toBe(3);
  expect(await second.append(3, storedEvents(4, 1))).toEqual({ appended: true });
  expect(order[0]).toBe('turn');
  expect(await readAll(log, name)).toHaveLength(4);
});

test('a turn compares the revision as well, and leaves nothing when it ends without an append', async () => {
  const turn = await turnOf(log);
  expect(await turn.append(0, storedEvents(1, 1))).toMatchObject({ appended: false, head: { revision: 1 } });
  await turn.end();
  await turn.end();
  await (await turnOf(log)).end();
  expect(await log.append(name, 1, storedEvents(2, 1))).toEqual({ appended: true });
});

test('who falls silent in its turn loses it: others go on, and its append comes too late', async () => {
  const turn = await turnOf(log);
  expect(await log.append(name, 1, storedEvents(2, 1, 'another'))).toEqual({ appended: true });
  await expect(turn.append(1, storedEvents(2, 1, 'late'))).rejects.toMatchObject({
    code: 'unavailable',
    reason: 'turn_over',
  });
  await turn.end();
  expect(await readAll(log, name)).toEqual([...storedEvents(1, 1), ...storedEvents(2, 1, 'another')]);
});

test.each([
  ['ledger-append', 'turn_over', 1],
  ['commit', 'outcome_unknown', 2],
])('when the answer to %s is lost it is %s', async (text, reason, revision) => {
  const proxy = await openTcpProxy(database.url);
  const far = openWith(proxy.url);
  const turn = await turnOf(far);
  proxy.loseAnswerTo(text);
  await expect(turn.append(1, storedEvents(2, 1))).rejects.toMatchObject({ code: 'unavailable', reason });
  await turn.end();
  // Whatever the cut session still does, it does before it lets go of the row.
  await (await turnOf(log)).end();
  expect((await log.head(name)).revision).toBe(revision);
  await far.stop();
  await proxy.close();
});

/** Resolves when so many sessions wait for a row. */
async function waitingForHead(count: number): Promise<void> {
  for (;;) {
    const { rows } = await database.pool.query<{ readonly waiting: number }>(
      `select count(*)::int as waiting from pg_stat_activity where datname = $1 and wait_event_type = 'Lock'`,
      [database.name],
    );
    if ((rows[0]?.waiting ?? 0) >= count) return;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
