/**
 * Read models are disposable, and only the projector makes them: dropped under a server that rests, that runs or that
 * is written to, they come back with equal rows and equal answers; and a trigger sees who writes them.
 */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createPool } from '../../src/database/pool.ts';
import type { Comparison } from '../../src/domain/replay-questions.ts';
import { openPostgresLedger } from '../../src/ledger/postgres-ledger.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { readModelTables, rebuildFromElsewhere, rowsOfReadModels } from '../support/read-models.ts';
import { type Answer, startVarveOn, type VarveOn } from '../support/varve-on.ts';

const adminKey = `varve_admin_rebuild_${'r'.repeat(32)}`;
const key = 'limits.tokens';
const future = '2099-01-01T00:00:00.000Z';

let database: TestDatabase;
let varve: VarveOn;
beforeAll(async () => {
  database = await createTestDatabase();
  await watchWriters();
  varve = await startVarveOn(database.url, adminKey);
  await writeEverything();
});
afterAll(async () => {
  await varve.stop();
  await database.drop();
});

/** Notes for every statement on a read model in whose name it ran. */
async function watchWriters(): Promise<void> {
  await database.pool.query(`
    create table written_by (table_name text not null, role_name text not null, primary key (table_name, role_name));
    grant insert, select on written_by to public;
    create function note_writer() returns trigger language plpgsql as $$
    begin
      insert into written_by values (tg_table_name, current_user) on conflict do nothing;
      return null;
    end $$`);
  for (const table of [...readModelTables, 'projection_checkpoints']) {
    await database.pool.query(
      `create trigger note_writer after insert or update or delete or truncate on ${table}
       for each statement execute function note_writer()`,
    );
  }
}

/** Something for every read model, through the doors of the API. */
async function writeEverything(): Promise<void> {
  const send = async (method: string, path: string, body: unknown) => {
    const answer = await varve.call(method, path, body);
    if (answer.status !== 201) throw new Error(`${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
    return answer;
  };
  const set = (scope: string, value: number, more = {}) => ({
    type: 'setOverride',
    key,
    scope,
    value,
    ...more,
  });
  await send('POST', '/v1/changesets', {
    reason: 'a little of everything',
    changes: [
      { type: 'defineKey', key, valueType: 'integer', fallback: 0 },
      { type: 'addModel', model: { id: 'acme/one', name: 'One', contextWindow: 1, pricing: { input: '1' } } },
      { type: 'addModel', model: { id: 'acme/two', name: 'Two', contextWindow: 2 } },
      set('global', 1),
      set('tier:1', 2, { effectiveFrom: future }),
      set('tenant:acme', 3, { effectiveUntil: future }),
    ],
  });
  await send('POST', '/v1/changesets', {
    reason: 'by name',
    changes: [{ type: 'tagRevision', name: 'first' }],
  });
  await send('POST', '/v1/models/acme%2Fone/prices', { pricing: { input: '2' }, reason: 'dearer' });
  await send('POST', '/v1/models/acme%2Fone/deprecate', { successor: 'acme/two', reason: 'old' });
  await send('DELETE', `/v1/overrides/${key}?scope=tenant:acme`, { reason: 'not any more' });
  await send('PUT', `/v1/overrides/${key}?scope=tier:1`, { value: 4, replaceScheduled: true, reason: 'now' });
  await send('POST', '/v1/api-keys', { name: 'ci', role: 'operator' });
  // No read model: what it costs must stay, whatever is dropped and made again.
  const at = new Date().toISOString();
  const records = [{ id: 'used', at, key, model: 'acme/one', tenant: 'acme', inputTokens: 3 }];
  await varve.call('POST', '/v1/usage', { records });
  await Promise.all(
    Array.from({ length: 40 }, (_, n) =>
      send('POST', '/v1/changesets', {
        reason: `one of many, ${n}`,
        changes: [set(`user:u${n}`, n), set('tier:2', n)],
      }),
    ),
  );
}

/** Answers that are made of tables, up to the head of now. */
async function answers(): Promise<readonly Pick<Answer, 'status' | 'body'>[]> {
  const { revision } = (await varve.call('GET', '/v1/status')).body;
  const paths = [
    '/v1/history?limit=1000',
    '/v1/models?limit=1000',
    '/v1/models/acme%2Fone/history',
    '/v1/models/acme%2Fone/prices',
    '/v1/keys?limit=1000',
    '/v1/tags',
    `/v1/costs?from=2020-01-01T00:00:00Z&to=${future}`,
    `/v1/resolve/${key}?user=u7&asOf=tag:first`,
    `/v1/explain/${key}?user=u7&tenant=acme&tier=1&asOf=${revision}`,
    `/v1/resolve/${key}?user=u7`,
  ];
  const all = await Promise.all(paths.map((path) => varve.call('GET', path)));
  return all.map(({ status, body }) => ({ status, body }));
}

async function expectAnswers(expected: Awaited<ReturnType<typeof answers>>): Promise<void> {
  expect(await answers()).toEqual(expected);
}

async function dropReadModels(): Promise<void> {
  await database.pool.query(`truncate ${[...readModelTables, 'projection_checkpoints'].join(', ')}`);
}

/** Looks until every projection is at the head; the time limit of the test ends it. */
async function projected(): Promise<void> {
  for (;;) {
    const { rows } = await database.pool.query<{ behind: boolean }>(
      `select count(*) < 7 or bool_or(c.revision < h.revision) as behind
         from projection_checkpoints c join ledger_heads h on h.ledger = c.ledger`,
    );
    if (rows[0]?.behind === false) return;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

test('under writes through every door only the projector has written read models', async () => {
  await projected();
  const { rows } = await database.pool.query<{ table_name: string; role_name: string }>(
    'select table_name, role_name from written_by order by table_name, role_name',
  );
  expect(new Set(rows.map(({ role_name }) => role_name))).toEqual(new Set(['varve_projector']));
  expect(rows.map(({ table_name }) => table_name).toSorted()).toEqual(
    [...new Set([...readModelTables, 'projection_checkpoints'])].toSorted(),
  );
});

test('dropped while the server was away they are made again at its start', async () => {
  await projected();
  const [rows, told] = [await rowsOfReadModels(database.pool), await answers()];
  expect(told.map(({ status }) => status)).toEqual(told.map(() => 200));
  await varve.stop();
  await dropReadModels();
  varve = await startVarveOn(database.url, adminKey);
  await expectAnswers(told);
  expect(await rowsOfReadModels(database.pool)).toEqual(rows);
});

test('made again from elsewhere beside a running server they are the same', async () => {
  await projected();
  const [rows, told] = [await rowsOfReadModels(database.pool), await answers()];
  await rebuildBeside();
  await projected();
  expect(await rowsOfReadModels(database.pool)).toEqual(rows);
  await expectAnswers(told);
});

test('dropped and made again under writes they hold what a replay holds', async () => {
  let written = 0;
  let isEnough = false;
  const writing = Array.from({ length: 4 }, async (_, writer) => {
    for (; !isEnough; written += 1) {
      const body = { value: written, reason: 'under way' };
      const { status } = await varve.call('PUT', `/v1/overrides/${key}?scope=user:w${writer}`, body);
      expect(status).toBeLessThan(300);
    }
  });
  await rebuildBeside();
  await dropReadModels();
  const before = written;
  while (written < before + 20) await new Promise((resolve) => setTimeout(resolve, 5));
  isEnough = true;
  await Promise.all(writing);
  await projected();
  const [rows, told] = [await rowsOfReadModels(database.pool), await answers()];
  expect(rows['history']).toHaveLength((await varve.call('GET', '/v1/status')).body.revision);
  await varve.stop();
  await dropReadModels();
  varve = await startVarveOn(database.url, adminKey);
  await expectAnswers(told);
  expect(await rowsOfReadModels(database.pool)).toEqual(rows);
});

async function rebuildBeside(): Promise<Comparison> {
  const pool = createPool(database.url, {
    role: 'varve_projector',
    max: 2,
    applicationName: 'varve-test-log',
  });
  const log = openPostgresLedger({
    pool,
    connectListener: () => Promise.reject(new Error('nothing is followed here')),
    pollMs: 1_000,
  });
  try {
    return await rebuildFromElsewhere(database, log);
  } finally {
    await log.stop();
    await pool.end();
  }
}
