/**
 * The Postgres engine: the contract of the port, and what only a database can promise: append-only by trigger and by
 * grant, and hashes.
 */
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createPool } from '../../src/database/pool.ts';
import { canonicalJson } from '../../src/domain/canonical-json.ts';
import { leafHash } from '../../src/ledger/leaf-hash.ts';
import {
  openPostgresLedger,
  type PostgresLedger,
  readSharedClock,
} from '../../src/ledger/postgres-ledger.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { readAll, storedEvents } from './contract-events.ts';
import { describeLedger } from './ledger-contract.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());

const never = 3_600_000;

/** A session in which ordinary triggers keep still. */
const replicaUrl = (): string => {
  const url = new URL(database.url);
  url.searchParams.set('options', '-c session_replication_role=replica');
  return url.href;
};

const connectListener = async (applicationName: string): Promise<pg.Client> => {
  const client = new pg.Client({ connectionString: database.url, application_name: applicationName });
  client.on('error', () => undefined);
  await client.connect();
  return client;
};

const codeOf = async (text: string, pool: pg.Pool = database.pool): Promise<unknown> =>
  pool.query(text).then(
    () => 'done',
    (error: unknown) => (error instanceof pg.DatabaseError ? error.code : error),
  );

describeLedger('postgres', async () => {
  const secondPool = createPool(database.url, { max: 4, applicationName: 'elsewhere' });
  const here = openPostgresLedger({
    pool: database.pool,
    connectListener: () => connectListener('contract-listen'),
    pollMs: 50,
  });
  const elsewhere = openPostgresLedger({ pool: secondPool, pollMs: never });
  return {
    here,
    elsewhere,
    async close() {
      await here.stop();
      await elsewhere.stop();
      await secondPool.end();
    },
  };
});

describe('append-only', () => {
  const ledger = 'kept';
  let log: PostgresLedger;
  beforeAll(async () => {
    log = openPostgresLedger({ pool: database.pool, pollMs: never });
    await log.append(ledger, 0, storedEvents(1, 3));
  });
  afterAll(() => log.stop());

  test.each([
    `update ledger_events set canonical = 'x' where ledger = '${ledger}'`,
    `update ledger_events set recorded_at = now() where ledger = 'nobody'`,
    `delete from ledger_events where ledger = '${ledger}'`,
    'delete from ledger_events where false',
    'truncate ledger_events',
    'truncate ledger_events, ledger_heads',
    `delete from ledger_heads where ledger = '${ledger}'`,
    'truncate ledger_heads',
    `update ledger_heads set revision = 2 where ledger = '${ledger}'`,
    `update ledger_heads set revision = revision where ledger = '${ledger}'`,
    `update ledger_heads set revision = 9, recorded_at = '2000-01-01' where ledger = '${ledger}'`,
    `update ledger_heads set revision = 9, ledger = 'renamed' where ledger = '${ledger}'`,
  ])('the owner too is refused: %s', async (statement) => {
    const before = await readAll(log, ledger);
    expect(await codeOf(statement)).toBe('23001');
    const asReplica = createPool(replicaUrl(), { max: 1, applicationName: 'replica' });
    expect(await codeOf(statement, asReplica)).toBe('23001');
    await asReplica.end();
    expect(await readAll(log, ledger)).toEqual(before);
    expect(await log.head(ledger)).toMatchObject({ revision: 3 });
  });

  test('a second event at a revision, and a generated hash of one’s own, are refused', async () => {
    const columns = 'ledger, revision, recorded_at, format_version, canonical';
    const row = `'${ledger}', 3, now(), 1, 'x'`;
    expect(await codeOf(`insert into ledger_events (${columns}) values (${row})`)).toBe('23505');
    expect(
      await codeOf(`insert into ledger_events (${columns}, leaf_hash) values ('h', 1, now(), 1, 'x', 'y')`),
    ).toBe('428C9');
  });

  test('an append whose lines and times do not match leaves nothing behind', async () => {
    const call = `select * from ledger_append('torn', 0, 1::smallint, E'{}\\n{}', array[now(), now(), now()])`;
    expect(await codeOf(call)).toBe('22000');
    expect(await log.head('torn')).toEqual({ revision: 0, recordedAt: 0 });
  });

  test('each row keeps the canonical bytes, their format and their RFC 6962 leaf hash', async () => {
    const events = storedEvents(1, 50, { text: 'a "b" \\ \n ü 😀' });
    await log.append('hashed', 0, events);
    const { rows } = await database.pool.query<{
      canonical: Buffer;
      leaf_hash: Buffer;
      format_version: number;
    }>(
      `select canonical, leaf_hash, format_version from ledger_events where ledger = 'hashed' order by revision`,
    );
    expect(rows).toHaveLength(50);
    for (const [place, row] of rows.entries()) {
      expect(row.canonical.toString()).toBe(events[place]?.bytes);
      expect(row.canonical.toString()).toBe(canonicalJson(JSON.parse(row.canonical.toString()) as object));
      expect(row.leaf_hash).toEqual(leafHash(row.canonical));
      expect(row.format_version).toBe(1);
    }
  });
});

describe('the role of the HTTP side', () => {
  let http: pg.Pool;
  beforeAll(() => {
    http = createPool(database.url, { max: 2, applicationName: 'http', role: 'varve_http' });
  });
  afterAll(() => http.end());

  test('appends and reads', async () => {
    const log = openPostgresLedger({ pool: http, pollMs: never });
    expect(await log.append('by-http', 0, storedEvents(1, 2))).toEqual({ appended: true });
    expect(await log.append('by-http', 2, storedEvents(3, 2))).toEqual({ appended: true });
    expect(await readAll(log, 'by-http')).toHaveLength(4);
    expect(await log.names()).toContain('by-http');
    await log.stop();
  });

  test.each([
    `update ledger_events set canonical = 'x'`,
    'delete from ledger_events',
    'truncate ledger_events',
    'delete from ledger_heads',
    'truncate ledger_heads',
    'drop table ledger_events',
    'alter table ledger_events disable trigger all',
  ])('may not: %s', async (statement) => {
    expect(await codeOf(statement, http)).toBe('42501');
  });

  test('writes no read model', async () => {
    const operational = [
      'ledger_heads',
      'ledger_events',
      'api_key_verifiers',
      'remembered_answers',
      'usage_records',
      'contexts_seen',
      'consumers',
      'webhook_secrets',
      'webhook_cursors',
      'webhook_deliveries',
      'imports',
      'import_changesets',
      'replays',
    ];
    const { rows } = await database.pool.query<{ name: string }>(
      `select tablename as name from pg_tables where schemaname = current_schema() and tablename <> all ($1) order by tablename`,
      [operational],
    );
    const names = rows.map(({ name }) => name);
    expect(names).toEqual(
      expect.arrayContaining(['assertions', 'history', 'changesets', 'projection_checkpoints']),
    );
    for (const name of names) {
      expect([name, await codeOf(`insert into ${name} select * from ${name} where false`, http)]).toEqual([
        name,
        '42501',
      ]);
      expect([name, await codeOf(`delete from ${name}`, http)]).toEqual([name, '42501']);
    }
  });

  test('the projector’s role writes no log', async () => {
    const projector = createPool(database.url, {
      max: 1,
      applicationName: 'projector',
      role: 'varve_projector',
    });
    const log = openPostgresLedger({ pool: projector, pollMs: never });
    await expect(log.append('by-projector', 0, storedEvents(1, 1))).rejects.toMatchObject({ code: '42501' });
    await log.stop();
    await projector.end();
  });
});

test('the shared clock is the database’s, in whole milliseconds', async () => {
  const before = await readSharedClock(database.pool);
  const { rows } = await database.pool.query<{ now: number }>('select clock_timestamp() as now');
  const after = await readSharedClock(database.pool);
  expect(Number.isInteger(before)).toBe(true);
  expect(before).toBeLessThanOrEqual(rows[0]?.now ?? 0);
  expect(after).toBeGreaterThanOrEqual(Math.floor(rows[0]?.now ?? Number.NaN));
});
