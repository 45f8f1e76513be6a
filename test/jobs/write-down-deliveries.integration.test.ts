/**
 * Deliveries as rows: written down once whoever looks and however often, claimed by one, fenced, forgotten in time.
 */
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { AnyChange } from '../../src/domain/change.ts';
import { deliverNotice } from '../../src/jobs/deliver-notice.ts';
import { writeDownDeliveries } from '../../src/jobs/write-down-deliveries.ts';
import { listDeliveries } from '../../src/queries/list-deliveries.ts';
import {
  claimDelivery,
  dueDeliveries,
  finishDelivery,
  forgetDeliveries,
  insertDeliveries,
} from '../../src/queries/webhook-deliveries.ts';
import { insertWebhookSecret, webhookSecrets } from '../../src/queries/webhook-secrets.ts';
import { project, type Step, tell } from '../queries/ledger-story.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());

const hour = 3_600_000;
const start = Date.UTC(2026, 0, 1);
const iso = (ms: number) => new Date(ms).toISOString();
const hook = (id: string, types: readonly ('*' | 'activation' | 'KeyDefined')[]): AnyChange => ({
  type: 'createWebhook',
  id,
  url: 'https://hooks.invalid/',
  types,
});
const define = (key: string): AnyChange => ({ type: 'defineKey', key, valueType: 'integer', fallback: 0 });
const set = (value: number, from: number): AnyChange => ({
  type: 'setOverride',
  key: 'k',
  scope: 'global',
  value,
  effectiveFrom: iso(from),
});

/** Writes the rows of the steps, as far as the read models have come: the first `known` of them. */
async function projectTo(ledger: string, steps: readonly Step[], known: number): Promise<void> {
  const events = tell(ledger, steps).filter(({ changesetId }) => Number(changesetId.slice(-12)) <= known);
  for (const table of [
    'projection_checkpoints',
    'history',
    'subjects',
    'changesets',
    'assertions',
    'key_definitions',
    'tags',
  ]) {
    await database.pool.query(`delete from ${table} where ledger = $1`, [ledger]);
  }
  await project(database.pool, events);
}

const told = async (ledger: string, webhook: string) =>
  (await listDeliveries(database.pool, ledger, webhook, {}, { limit: 1_000 })).items
    .map(({ type, revision, activation }) =>
      activation === null ? `${type} ${revision}` : `${activation.turn.kind} ${activation.at}`,
    )
    .sort();

test('each event once for each webhook that asks for it, also when several look at once and rows vanish in between', async () => {
  const ledger = 'once';
  const steps = [
    { at: start, changes: [define('before'), hook('all', ['*']), hook('keys', ['KeyDefined'])] },
    { at: start + 1_000, changes: [define('k'), { type: 'tagRevision', name: 't' } as const] },
    { at: start + 2_000, changes: [define('l')] },
  ];
  const options = { pool: database.pool };
  await projectTo(ledger, steps, 2);
  expect(await writeDownDeliveries(options, ledger)).toBe(4);
  expect(await writeDownDeliveries(options, ledger)).toBe(0);
  await projectTo(ledger, steps, 3);
  const counts = await Promise.all(Array.from({ length: 6 }, () => writeDownDeliveries(options, ledger)));
  expect(counts.reduce((sum, count) => sum + count, 0)).toBe(2);
  expect(await told(ledger, 'all')).toEqual([
    'KeyDefined 4',
    'KeyDefined 6',
    'RevisionTagged 5',
    'WebhookCreated 3',
  ]);
  expect(await told(ledger, 'keys')).toEqual(['KeyDefined 4', 'KeyDefined 6']);
  // Read models that are made again: what is not there yet is waited for, what was told is not told again.
  await projectTo(ledger, steps, 1);
  expect(await writeDownDeliveries(options, ledger)).toBe(0);
  await projectTo(ledger, steps, 3);
  expect(await writeDownDeliveries(options, ledger)).toBe(0);
});

test('a hole in the history stops the cursor before it', async () => {
  const ledger = 'hole';
  await projectTo(
    ledger,
    [{ at: start, changes: [hook('w', ['KeyDefined']), define('a'), define('b'), define('c')] }],
    1,
  );
  await database.pool.query('update history set ledger = $2 where ledger = $1 and revision = 3', [
    ledger,
    'away',
  ]);
  await writeDownDeliveries({ pool: database.pool }, ledger);
  expect(await told(ledger, 'w')).toEqual(['KeyDefined 2']);
  await database.pool.query('update history set ledger = $1 where ledger = $2', [ledger, 'away']);
  await writeDownDeliveries({ pool: database.pool }, ledger);
  expect(await told(ledger, 'w')).toEqual(['KeyDefined 2', 'KeyDefined 3', 'KeyDefined 4']);
});

test('a receiver that is away stops its cursor; nothing is lost when it comes back', async () => {
  const ledger = 'away';
  await projectTo(
    ledger,
    [{ at: start, changes: [hook('w', ['KeyDefined']), ...['a', 'b', 'c'].map(define)] }],
    1,
  );
  const options = { pool: database.pool, maxPending: 1 };
  await insertDeliveries(database.pool, ledger, 'w', [
    { id: '00000000-0000-8000-8000-000000000001', type: 'KeyDefined', revision: 1 },
  ]);
  expect(await writeDownDeliveries(options, ledger)).toBe(0);
  await database.pool.query(
    `update webhook_deliveries set state = 'delivered', finished_at = now() where ledger = $1`,
    [ledger],
  );
  expect(await writeDownDeliveries(options, ledger)).toBe(3);
});

test('what was foretold and has begun before it was known is told all the same, once', async () => {
  const ledger = 'late';
  const steps = [
    { at: start, changes: [define('k'), hook('w', ['activation'])] },
    { at: start + 1_000, changes: [set(1, start + hour)] },
    // Recorded before the look below, and known to the read models only after it.
    { at: start + 2_000, changes: [set(2, start + 2 * hour)] },
  ];
  await projectTo(ledger, steps, 2);
  await writeDownDeliveries({ pool: database.pool }, ledger);
  expect(await told(ledger, 'w')).toEqual([`activation ${iso(start + hour)}`]);
  await projectTo(ledger, steps, 3);
  await writeDownDeliveries({ pool: database.pool }, ledger);
  const all = [`activation ${iso(start + hour)}`, `activation ${iso(start + 2 * hour)}`];
  expect(await told(ledger, 'w')).toEqual(all);
  await writeDownDeliveries({ pool: database.pool }, ledger);
  expect(await told(ledger, 'w')).toEqual(all);
});

test('a removed webhook: what waits is given up, its secrets go, its cursor stays closed', async () => {
  const ledger = 'removed';
  const steps = [
    { at: start, changes: [hook('w', ['KeyDefined']), define('a')] },
    { at: start + 1_000, changes: [{ type: 'removeWebhook', id: 'w' } as const, define('b')] },
  ];
  await insertWebhookSecret(database.pool, ledger, 'w', Buffer.alloc(24));
  await projectTo(ledger, steps, 1);
  await writeDownDeliveries({ pool: database.pool }, ledger);
  await projectTo(ledger, steps, 2);
  await writeDownDeliveries({ pool: database.pool }, ledger);
  const { items } = await listDeliveries(database.pool, ledger, 'w', {}, { limit: 10 });
  expect(items).toMatchObject([{ revision: 2, state: 'given_up', lastError: 'webhook_removed' }]);
  expect(await webhookSecrets(database.pool, ledger, 'w')).toEqual([]);
  expect(await writeDownDeliveries({ pool: database.pool }, ledger)).toBe(0);
});

test('a delivery is claimed by one; a dead one is replaced after its lease, and cannot undo what the other marks', async () => {
  const { pool } = database;
  const id = '00000000-0000-8000-8000-00000000000a';
  await insertDeliveries(pool, 'claims', 'w', [{ id, type: 'KeyDefined', revision: 1 }]);
  const claims = await Promise.all(Array.from({ length: 8 }, () => claimDelivery(pool, id, 60_000)));
  const [dead, ...others] = claims.filter((claim) => claim !== undefined);
  expect(others).toEqual([]);
  if (dead === undefined) throw new Error('nobody got it');
  await pool.query(
    'update webhook_deliveries set leased_until = now() - make_interval(secs => 1) where id = $1',
    [id],
  );
  const second = await claimDelivery(pool, id, 60_000);
  expect(second).toMatchObject({ attempts: 2 });
  const failed = { state: 'given_up', status: 500, error: 'not_acknowledged', waitMs: 0 } as const;
  await finishDelivery(pool, dead, failed);
  const stateNow = async () => (await listDeliveries(pool, 'claims', 'w', {}, { limit: 1 })).items[0]?.state;
  expect(await stateNow()).toBe('pending');
  await finishDelivery(pool, dead, { state: 'delivered', status: 200, error: null, waitMs: 0 });
  expect(await stateNow()).toBe('delivered');
  if (second !== undefined) await finishDelivery(pool, second, failed);
  expect(await stateNow()).toBe('delivered');
});

test('what cannot be sent fails visibly: no secret, a forbidden address', async () => {
  const { pool } = database;
  const ledger = 'visible';
  await projectTo(ledger, [{ at: start, changes: [hook('w', ['KeyDefined']), define('a')] }], 1);
  await writeDownDeliveries({ pool }, ledger);
  const [delivery] = (await listDeliveries(pool, ledger, 'w', {}, { limit: 1 })).items;
  const post = {
    resolve: (_name: string, done: (error: null, found: { address: string; family: number }[]) => void) =>
      done(null, [{ address: '169.254.169.254', family: 4 }]),
    mayBePrivate: false,
  };
  const options = { pool, post, now: () => Date.now(), random: () => 0.5, retry: { firstWaitMs: 0 } };
  const attempt = async () => (await deliverNotice(options, delivery?.id ?? ''))?.outcome;
  expect(await attempt()).toMatchObject({ state: 'pending', status: null, error: 'no_secret' });
  await insertWebhookSecret(pool, ledger, 'w', Buffer.alloc(24));
  expect(await attempt()).toMatchObject({ state: 'pending', status: null, error: 'forbidden_address' });
});

test('pages hold each delivery once; of old ones only the delivered are forgotten', async () => {
  const { pool } = database;
  const ids = Array.from(
    { length: 25 },
    (_, n) => `00000000-0000-8000-8000-0000000001${String(n).padStart(2, '0')}`,
  );
  await insertDeliveries(
    pool,
    'pages',
    'w',
    ids.map((id, n) => ({ id, type: 'KeyDefined', revision: n + 1 })),
  );
  const seen: string[] = [];
  for (let cursor: string | null | undefined; cursor !== null; ) {
    const page = await listDeliveries(
      pool,
      'pages',
      'w',
      {},
      { limit: 10, ...(cursor === undefined ? {} : { cursor }) },
    );
    seen.push(...page.items.map(({ id }) => id));
    cursor = page.nextCursor;
  }
  expect(seen.toSorted()).toEqual(ids);
  const old = `finished_at = now() - make_interval(days => 31)`;
  await pool.query(
    `update webhook_deliveries set state = 'delivered', ${old} where ledger = 'pages' and revision <= 10`,
  );
  await pool.query(
    `update webhook_deliveries set state = 'given_up', ${old} where ledger = 'pages' and revision > 20`,
  );
  expect(await forgetDeliveries(pool, 30)).toBe(10);
  const { items } = await listDeliveries(pool, 'pages', 'w', {}, { limit: 100 });
  expect(items).toHaveLength(15);
  // Nobody has a cursor for it here, so nothing of it is due.
  expect((await dueDeliveries(pool, 8)).filter((id) => ids.includes(id))).toEqual([]);
});
