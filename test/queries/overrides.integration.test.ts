/**
 * Overrides and layers as known at a revision and about a time. Asked as the role of the HTTP side.
 */
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createPool } from '../../src/database/pool.ts';
import type { AnyChange } from '../../src/domain/change.ts';
import { formatInstant } from '../../src/domain/instant.ts';
import type { OverrideFilter, OverrideRecord } from '../../src/domain/questions.ts';
import type { Reads } from '../../src/domain/reads.ts';
import type { Scope } from '../../src/domain/scope.ts';
import { bindReads } from '../../src/queries/reads.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { allPages } from './all-pages.ts';
import { markScheduled, project, tell } from './ledger-story.ts';

const start = Date.UTC(2026, 0, 1);
const later = (seconds: number): string => formatInstant(start + seconds * 1000);

let database: TestDatabase;
let pool: pg.Pool;
let reads: Reads;
beforeAll(async () => {
  database = await createTestDatabase();
  pool = createPool(database.url, { role: 'varve_http', max: 4, applicationName: 'lists' });
  reads = bindReads(pool, { waitTimeoutMs: 1000 });
});
afterAll(async () => {
  await pool.end();
  await database.drop();
});

const define = (key: string, fallback = 0): AnyChange => ({
  type: 'defineKey',
  key,
  valueType: 'number',
  fallback,
});

describe('overrides', () => {
  const set = (key: string, scope: Scope, value: number, from?: number, until?: number): AnyChange => ({
    type: 'setOverride',
    key,
    scope,
    value,
    ...(from === undefined ? {} : { effectiveFrom: later(from) }),
    ...(until === undefined ? {} : { effectiveUntil: later(until) }),
  });
  const users = Array.from({ length: 300 }, (_, index): Scope => `user:${String(index).padStart(3, '0')}`);

  beforeAll(async () => {
    const ledger = 'overrides';
    const steps = [
      // Revisions 1–3: `a_b` sorts before `a` as a subject's name, whichever way the database sorts.
      { at: start, changes: [define('a'), define('a_b'), define('z')] },
      // 4–8
      {
        at: start,
        changes: [
          set('a', 'global', 1),
          set('a', 'tier:1', 2, 0, 100),
          set('a', 'tenant:t', 3, 50),
          set('a', 'tenant:t', 4, 60),
          set('a_b', 'global', 5),
        ],
      },
      // 9–308
      { at: start + 1000, changes: users.map((scope, index) => set('z', scope, index, undefined, 200)) },
      // 309, 310, 311
      { at: start + 2000, changes: [{ type: 'clearOverride', key: 'a_b', scope: 'global' } as const] },
      {
        at: start + 3000,
        changes: [{ type: 'clearOverride', key: 'a', scope: 'global', effectiveUntil: later(500) } as const],
      },
      { at: start + 4000, changes: [{ type: 'withdrawOverride', revision: 7 } as const] },
    ];
    await project(database.pool, tell(ledger, steps));
    await markScheduled(database.pool, ledger);
  });

  const short = ({ key, scope, assertion, state, version }: OverrideRecord) =>
    `${key}@${scope} ${assertion.kind === 'cleared' ? 'cleared' : JSON.stringify(assertion.value)} ${state} v${version}`;
  const list = async (asOf: number, seconds: number, filter: OverrideFilter, limit = 1000) => {
    const moment = { asOf, at: start + seconds * 1000 };
    return (await allPages((page) => reads.overrides('overrides', moment, filter, page), limit)).map(short);
  };

  test('tell what is in force and what is scheduled', async () => {
    // With the versions of that revision, not of today: an If-Match must not cover what the answer does not show.
    expect(await list(8, 0, {})).toEqual([
      'a@global 1 in_force v1',
      'a@tenant:t 3 scheduled v2',
      'a@tenant:t 4 scheduled v2',
      'a@tier:1 2 in_force v1',
      'a_b@global 5 in_force v1',
    ]);
    expect(await list(8, 70, { key: 'a' })).toEqual([
      'a@global 1 in_force v1',
      'a@tenant:t 4 in_force v2',
      'a@tier:1 2 in_force v1',
    ]);
  });

  test('leave out what is over, taken back or cleared for good, and show a clear that will end', async () => {
    expect(await list(311, 70, { key: 'a' })).toEqual([
      'a@global cleared in_force v2',
      'a@tenant:t 3 in_force v3',
      'a@tier:1 2 in_force v1',
    ]);
    expect(await list(311, 600, { key: 'a' })).toEqual([
      'a@global 1 in_force v2',
      'a@tenant:t 3 in_force v3',
    ]);
    expect(await list(311, 70, { key: 'a_b' })).toEqual([]);
    expect(await list(311, 201, { key: 'z' })).toEqual([]);
    expect(await list(310, 70, { key: 'a', scope: 'tenant:t' })).toEqual(['a@tenant:t 4 in_force v2']);
  });

  const filters: readonly OverrideFilter[] = [
    {},
    { key: 'a' },
    { key: 'z' },
    { scope: 'global' },
    { scope: 'user:007' },
    { kind: 'tenant' },
    { kind: 'user' },
    { kind: 'global' },
    { key: 'a', kind: 'tier' },
    { key: 'a', scope: 'tier:1' },
    { key: 'z', scope: 'user:1' },
    { kind: 'user', scope: 'global' },
  ];
  test.each(filters)('are filtered by %j, in pages of any size', async (filter) => {
    const scopeBegins = filter.scope ?? filter.kind ?? '';
    const all = await list(310, 10, {});
    const expected = all.filter((text) => {
      const [, key = '', scope = ''] = /^(\S+)@(\S+)/.exec(text) ?? [];
      const kindFits = filter.kind === undefined || scope.split(':')[0] === filter.kind;
      const scopeFits = filter.scope === undefined || scope === filter.scope;
      return (filter.key ?? key) === key && kindFits && scopeFits && scope.startsWith(scopeBegins);
    });
    for (const limit of [1, 3, 100, 1000]) {
      expect((await list(310, 10, filter, limit)).sort()).toEqual(expected.toSorted());
    }
    expect(all).toHaveLength(304);
  });

  test('layers tell all that was ever said, newest start first, without what was taken back', async () => {
    const scopes = ['tenant:t', 'global', 'user:nobody'] as const;
    const said = async (asOf: number) =>
      [...(await reads.layersAt('overrides', asOf, 'a', scopes))].map(([scope, assertions]) => [
        scope,
        assertions.map(({ revision }) => revision),
      ]);
    expect(await said(310)).toEqual([
      ['tenant:t', [7, 6]],
      ['global', [310, 4]],
      ['user:nobody', []],
    ]);
    expect(await said(311)).toEqual([
      ['tenant:t', [6]],
      ['global', [310, 4]],
      ['user:nobody', []],
    ]);
    expect(await said(5)).toEqual([
      ['tenant:t', []],
      ['global', [4]],
      ['user:nobody', []],
    ]);
  });

  test('the layers of a busy scope are its newest hundred', async () => {
    const steps = Array.from({ length: 150 }, (_, index) => ({
      at: start + index,
      changes: index === 0 ? [define('k')] : [set('k', 'global', index)],
    }));
    await project(database.pool, tell('busy', steps));
    const layers = await reads.layersAt('busy', 140, 'k', ['global']);
    const revisions = layers.get('global')?.map(({ revision }) => revision);
    expect(revisions).toEqual(Array.from({ length: 100 }, (_, index) => 140 - index));
  });

  test.each(['x', Buffer.from('{"key":"a","scope":"nowhere","from":0,"revision":1}').toString('base64url')])(
    'refuse the cursor %s',
    async (cursor) => {
      const asked = reads.overrides('overrides', { asOf: 1, at: start }, {}, { limit: 1, cursor });
      await expect(asked).rejects.toMatchObject({ code: 'invalid', details: [{ path: 'query.cursor' }] });
    },
  );
});
