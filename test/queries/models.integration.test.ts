/**
 * Models and prices as known at a revision and about a time. Asked as the role of the HTTP side.
 */
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createPool } from '../../src/database/pool.ts';
import type { AnyChange } from '../../src/domain/change.ts';
import { formatInstant } from '../../src/domain/instant.ts';
import type { ModelFilter, ModelRecord } from '../../src/domain/questions.ts';
import type { Reads } from '../../src/domain/reads.ts';
import { bindReads } from '../../src/queries/reads.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { allPages } from './all-pages.ts';
import { project, tell } from './ledger-story.ts';

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

describe('models', () => {
  const add = (id: string, more: object = {}): AnyChange => ({
    type: 'addModel',
    model: { id, name: `Name of ${id}`, contextWindow: 1000, ...more },
  });
  const ledger = 'models';

  beforeAll(() =>
    project(
      database.pool,
      tell(ledger, [
        // 1–4
        {
          at: start,
          changes: [
            add('acme/one', { capabilities: ['vision', 'tools'], pricing: { input: '1', output: '2' } }),
            add('acme/two', { family: 'Zephyr', status: 'beta' }),
            add('beta-labs/three', { capabilities: ['vision'] }),
            add('beta-labs/four'),
          ],
        },
        // 5, 6
        {
          at: start + 10_000,
          changes: [
            { type: 'changePrice', id: 'acme/one', pricing: { input: '3' }, source: 'their page' },
            { type: 'deprecateModel', id: 'acme/two', successor: 'acme/one', sunsetAt: later(60) },
          ],
        },
        // 7, 8
        {
          at: start + 20_000,
          changes: [
            { type: 'correctPrice', id: 'acme/one', pricing: { input: '0.5' }, effectiveFrom: later(0) },
            { type: 'removeModel', id: 'beta-labs/four' },
          ],
        },
        // 9
        { at: start + 30_000, changes: [{ type: 'updateModel', id: 'acme/one', updates: { name: 'Uno' } }] },
      ]),
    ),
  );

  const list = async (asOf: number, seconds: number, filter: ModelFilter, limit = 50) => {
    const moment = { asOf, at: start + seconds * 1000 };
    return (await allPages((page) => reads.models(ledger, moment, filter, page), limit)).map(short);
  };
  const short = ({ state, pricing }: ModelRecord) =>
    `${state.id} ${state.status}${pricing === null ? '' : ` ${pricing.input}/${pricing.output}`}`;

  test.each([1, 2, 50])(
    'are listed by provider and id in pages of %i, removed ones left out',
    async (limit) => {
      expect(await list(4, 5, {}, limit)).toEqual([
        'acme/one active 1/2',
        'acme/two beta',
        'beta-labs/four active',
        'beta-labs/three active',
      ]);
      expect(await list(9, 50, {}, limit)).toEqual([
        'acme/one active 3/2',
        'acme/two deprecated',
        'beta-labs/three active',
      ]);
      expect(await list(1, 50, {}, limit)).toEqual(['acme/one active 1/2']);
    },
  );

  test('have a status of the moment: from its sunset on a deprecated one is retired', async () => {
    expect(await list(9, 59, { status: 'deprecated' })).toEqual(['acme/two deprecated']);
    expect(await list(9, 59, { status: 'retired' })).toEqual([]);
    expect(await list(9, 60, { status: 'deprecated' })).toEqual([]);
    expect(await list(9, 60, { status: 'retired' })).toEqual(['acme/two deprecated']);
    expect(await list(4, 60, { status: 'beta' })).toEqual(['acme/two beta']);
    expect(await list(9, 60, { status: 'removed' })).toEqual(['beta-labs/four removed']);
  });

  test('are filtered by provider, capability and words, alone and together', async () => {
    expect(await list(9, 50, { provider: 'beta-labs' })).toEqual(['beta-labs/three active']);
    expect(await list(9, 50, { capability: 'vision' })).toEqual([
      'acme/one active 3/2',
      'beta-labs/three active',
    ]);
    expect(await list(9, 50, { capability: 'vis' })).toEqual([]);
    expect(await list(9, 50, { q: 'zeph' })).toEqual(['acme/two deprecated']);
    expect(await list(9, 50, { q: 'UNO' })).toEqual(['acme/one active 3/2']);
    expect(await list(8, 50, { q: 'uno' })).toEqual([]);
    expect(await list(9, 50, { q: '%' })).toEqual([]);
    expect(await list(9, 50, { q: '' })).toHaveLength(3);
    const both = { capability: 'vision', provider: 'acme', status: 'active', q: 'acme/' };
    expect(await list(9, 50, both, 1)).toEqual(['acme/one active 3/2']);
  });

  test('have the price of both clocks', async () => {
    const price = async (asOf: number, seconds: number) =>
      (await reads.model(ledger, { asOf, at: start + seconds * 1000 }, 'acme/one'))?.pricing;
    expect(await price(4, 5)).toEqual({ input: '1', output: '2' });
    expect(await price(7, 5)).toEqual({ input: '0.5', output: '2' });
    expect(await price(6, 5)).toEqual({ input: '1', output: '2' });
    expect(await price(9, 15)).toEqual({ input: '3', output: '2' });
    expect(await price(9, -1)).toBeNull();
  });

  test('are found one by one, removed ones too', async () => {
    const moment = { asOf: 9, at: start + 30_000 };
    expect((await reads.model(ledger, moment, 'acme/one'))?.state).toEqual({
      id: 'acme/one',
      provider: 'acme',
      model: 'one',
      name: 'Uno',
      contextWindow: 1000,
      capabilities: ['vision', 'tools'],
      status: 'active',
      version: 4,
      revision: 9,
    });
    expect((await reads.model(ledger, moment, 'beta-labs/four'))?.state.status).toBe('removed');
    expect(await reads.model(ledger, moment, 'acme/none')).toBeUndefined();
    expect(await reads.model(ledger, { ...moment, asOf: 0 }, 'acme/one')).toBeUndefined();
  });

  test('have all their prices with both clocks, newest start first', async () => {
    const prices = await reads.prices(ledger, 9, 'acme/one');
    expect(prices).toEqual([
      {
        revision: 5,
        kind: 'changed',
        pricing: { input: '3', output: '2' },
        effectiveFrom: start + 10_000,
        effectiveUntil: null,
        recordedAt: start + 10_000,
        source: 'their page',
        corrects: null,
      },
      expect.objectContaining({ revision: 7, kind: 'corrected', corrects: 1, recordedAt: start + 20_000 }),
      expect.objectContaining({ revision: 1, kind: 'added', recordedAt: start }),
    ]);
    expect(await reads.prices(ledger, 4, 'acme/one')).toHaveLength(1);
    expect(await reads.prices(ledger, 9, 'acme/none')).toEqual([]);
  });
});
