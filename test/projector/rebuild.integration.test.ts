/**
 * Read models made again beside the ones that are read: what comes is what was there, wherever it is
 * interrupted and whatever is found on the way. Real database, a log in memory; every wait is for a state.
 */
import type pg from 'pg';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { projections } from '../../projections/index.ts';
import type { Ledger } from '../../src/ledger/ledger.ts';
import type { TestDatabase } from '../support/database.ts';
import {
  appendHistory,
  inBites,
  openProjected,
  readModelTables,
  rebuildFromElsewhere,
  rowsOfReadModels,
} from '../support/read-models.ts';
import { overridesOf, tagged } from '../support/told-events.ts';

let database: TestDatabase;
let pool: pg.Pool;
let log: Ledger;

const longWait = { timeout: 30_000, interval: 5 };

beforeEach(async () => {
  ({ database, pool, log } = await openProjected([...overridesOf(40, 4), tagged(41, 'v1')]));
});
afterEach(() => database.drop());

/** All that makes a table what it is, but its number. */
async function catalogueOf(): Promise<unknown> {
  const { rows } = await pool.query(
    `select c.relname, c.relowner::regrole::text as owner, c.relacl::text as grants, c.reloptions, c.relpersistence,
            obj_description(c.oid, 'pg_class') as said,
            (select json_agg(json_build_array(a.attname, a.attnum, format_type(a.atttypid, a.atttypmod), a.attnotnull,
                      a.attcollation::regcollation::text, a.attidentity, a.attgenerated, a.attstorage,
                      pg_get_expr(d.adbin, d.adrelid), col_description(c.oid, a.attnum)) order by a.attnum)
               from pg_attribute a left join pg_attrdef d on d.adrelid = c.oid and d.adnum = a.attnum
              where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped) as columns,
            (select json_agg(json_build_array(o.conname, pg_get_constraintdef(o.oid), obj_description(o.oid, 'pg_constraint'))
                      order by o.conname) from pg_constraint o where o.conrelid = c.oid) as constraints,
            (select json_agg(json_build_array(pg_get_indexdef(i.indexrelid), i.indisunique, i.indisprimary, i.indisvalid,
                      obj_description(i.indexrelid, 'pg_class')) order by pg_get_indexdef(i.indexrelid))
               from pg_index i where i.indrelid = c.oid) as indexes
       from pg_class c where c.relnamespace = 'public'::regnamespace and c.relkind = 'r' order by c.relname`,
  );
  return rows;
}

test('the new tables are the old ones in everything: columns, constraints, indexes, comments, grants, settings', async () => {
  await pool.query(`alter table history set (autovacuum_vacuum_scale_factor = 0.5)`);
  await pool.query(
    `create index somebodys_own on history (ledger, length(subject)); comment on index somebodys_own is 'ours'`,
  );
  const [before, oids] = [await catalogueOf(), await oidsOf()];
  await rebuildFromElsewhere(database, log);
  expect(await catalogueOf()).toEqual(before);
  for (const [table, oid] of Object.entries(await oidsOf()))
    expect([table, oid]).not.toEqual([table, oids[table]]);
  const left = await pool.query(
    `select relname from pg_class where relnamespace = 'varve_rebuild'::regnamespace`,
  );
  expect(left.rows).toEqual([]);
});

async function oidsOf(): Promise<Readonly<Record<string, number>>> {
  const { rows } = await pool.query<{ relname: string; oid: number }>(
    'select relname, oid from pg_class where relname = any ($1) order by relname',
    [readModelTables],
  );
  return Object.fromEntries(rows.map(({ relname, oid }) => [relname, oid]));
}

test('rows that differ are told by key and count, and the new ones are put in place', async () => {
  const rows = await rowsOfReadModels(pool);
  await pool.query(`update assertions set value = '"changed"' where revision in (2, 3)`);
  await pool.query('delete from history where revision = 7');
  await pool.query(`insert into tags values ('default', 'invented', 1, 1, now())`);
  const { tables, notCompared } = await rebuildFromElsewhere(database, log);
  const differing = tables.filter(({ examples }) => examples.length > 0);
  expect(notCompared).toEqual([]);
  expect(differing).toEqual([
    { table: 'tags', rows: 1, missing: 0, surplus: 1, changed: 0, examples: ['default invented'] },
    {
      table: 'assertions',
      rows: 40,
      missing: 0,
      surplus: 0,
      changed: 2,
      examples: ['default 2', 'default 3'],
    },
    { table: 'history', rows: 41, missing: 1, surplus: 0, changed: 0, examples: ['default 7'] },
  ]);
  expect(await rowsOfReadModels(pool)).toEqual(rows);
});

test('what is read stays while it is made again; interrupted anywhere it is gone on with', async () => {
  const rows = await rowsOfReadModels(pool);
  const read: number[] = [];
  let end = new AbortController();
  const watched: Ledger = {
    ...inBites(log, 4),
    read: async (ledger, after, limit) => {
      read.push(after);
      if (read.length % 3 === 0) end.abort();
      return log.read(ledger, after, Math.min(limit, 4));
    },
  };
  let interruptions = 0;
  for (;;) {
    end = new AbortController();
    try {
      await rebuildFromElsewhere(database, watched, { purpose: 'one', signal: end.signal });
      break;
    } catch (error) {
      expect(error).toMatchObject({ reason: 'interrupted' });
      interruptions += 1;
      expect(await rowsOfReadModels(pool)).toEqual(rows);
    }
  }
  expect(interruptions).toBeGreaterThan(2);
  // From the beginning it was read once only.
  expect(read.filter((after) => after === 0)).toHaveLength(1);
  expect(await rowsOfReadModels(pool)).toEqual(rows);
});

test.each([
  ['for another purpose', { purpose: 'two' }],
  ['by newer code', { purpose: 'one', projections: projections.map((one) => ({ ...one, version: 2 })) }],
])('what was begun is not gone on with %s', async (_, more) => {
  const end = new AbortController();
  const interrupting: Ledger = {
    ...log,
    read: async (ledger, after, limit) => {
      if (after > 0) end.abort();
      return log.read(ledger, after, Math.min(limit, 4));
    },
  };
  const begun = rebuildFromElsewhere(database, interrupting, { purpose: 'one', signal: end.signal });
  await expect(begun).rejects.toMatchObject({ reason: 'interrupted' });
  const read: number[] = [];
  const watched: Ledger = {
    ...log,
    read: async (ledger, after, limit) => {
      read.push(after);
      return log.read(ledger, after, limit);
    },
  };
  await rebuildFromElsewhere(database, watched, more);
  expect(read[0]).toBe(0);
});

test('a migration in between begins it anew, and its tables are not swapped away', async () => {
  const end = new AbortController();
  const interrupting: Ledger = {
    ...log,
    read: async (...page) => {
      end.abort();
      return log.read(...page);
    },
  };
  await rebuildFromElsewhere(database, inBites(interrupting, 4), {
    purpose: 'one',
    signal: end.signal,
  }).catch(() => undefined);
  await pool.query(`insert into schema_migrations (name, checksum) values ('9998_later.sql', '')`);
  await pool.query('alter table tags add column later text');
  const reachedSwap = rebuildFromElsewhere(database, log, { purpose: 'one' });
  await reachedSwap;
  expect((await pool.query('select later from tags')).rows).toEqual([{ later: null }]);
});

test('interrupted while an index is built it ends at once, and is gone on with', async () => {
  const rows = await rowsOfReadModels(pool);
  // An index that is never done.
  await pool.query(`create function slowly(text) returns text language plpgsql immutable as
    $$ begin if current_setting('application_name') = 'test-rebuild' then perform pg_sleep(600); end if; return $1; end $$;
    create index slow on tags (slowly(name))`);
  const end = new AbortController();
  const rebuilding = rebuildFromElsewhere(database, log, { purpose: 'one', signal: end.signal });
  await vi.waitFor(async () => {
    const { rowCount } = await pool.query(
      `select 1 from pg_stat_activity where wait_event = 'PgSleep' and datname = current_database()`,
    );
    expect(rowCount).toBe(1);
  }, longWait);
  end.abort();
  await expect(rebuilding).rejects.toMatchObject({ code: 'unavailable' });
  await pool.query('drop index slow');
  await rebuildFromElsewhere(database, log, { purpose: 'one' });
  expect(await rowsOfReadModels(pool)).toEqual(rows);
});

test('an event that cannot be taken ends it, says where, and leaves what is read', async () => {
  await appendHistory(log, [tagged(42, 'v2'), tagged(43, 'v1', 1, 2)]);
  const rows = await rowsOfReadModels(pool);
  await expect(rebuildFromElsewhere(database, log)).rejects.toMatchObject({
    code: 'corrupt',
    reason: 'projection_stopped',
    message: expect.stringContaining('tags: RevisionTagged in the changeset at revision 43: SQLSTATE 23505'),
  });
  expect(await rowsOfReadModels(pool)).toEqual(rows);
});
