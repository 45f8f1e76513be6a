/**
 * Idempotent requests found again, remembered answers and API-key verifiers: as the role of the HTTP side.
 */
import type pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createPool } from '../../src/database/pool.ts';
import { deleteVerifier, findVerifier, insertVerifier } from '../../src/queries/api-key-verifiers.ts';
import { findIdempotent } from '../../src/queries/find-idempotent.ts';
import { forgetAnswers, remember } from '../../src/queries/remembered-answers.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { changesetIdOf, project, tell } from './ledger-story.ts';

let database: TestDatabase;
let pool: pg.Pool;
beforeAll(async () => {
  database = await createTestDatabase();
  pool = createPool(database.url, { role: 'varve_http', max: 4, applicationName: 'operational' });
});
afterAll(async () => {
  await pool.end();
  await database.drop();
});

const define = (key: string) => ({ type: 'defineKey', key, valueType: 'number', fallback: 0 }) as const;

test('findIdempotent answers a group in its order, with the checkpoint of the same snapshot', async () => {
  const events = tell('default', [
    { at: 1000, changes: [define('a'), define('b')], idempotency: { key: 'k1', bodyHash: 'h1' } },
    { at: 2000, changes: [define('c')] },
    { at: 3000, actor: 'bob', changes: [define('d')], idempotency: { key: 'k1', bodyHash: 'h2' } },
  ]);
  await project(database.pool, events);
  await remember(pool, 'default', { actor: 'ann', key: 'k2' }, 'h3', { warnings: [1, null] });
  const found = await findIdempotent(pool, 'default', [
    { actor: 'ann', key: 'k2' },
    { actor: 'cleo', key: 'k1' },
    { actor: 'bob', key: 'k1' },
    { actor: 'ann', key: 'k1' },
    { actor: 'ann', key: 'k1' },
  ]);
  const first = { kind: 'changeset', changesetId: changesetIdOf(1), first: 1, last: 2, bodyHash: 'h1' };
  expect(found).toEqual({
    answers: [
      { kind: 'no_change', answer: { warnings: [1, null] }, bodyHash: 'h3' },
      undefined,
      { kind: 'changeset', changesetId: changesetIdOf(3), first: 4, last: 4, bodyHash: 'h2' },
      first,
      first,
    ],
    checkpoint: 4,
  });
  expect(await findIdempotent(pool, 'default', [])).toEqual({ answers: [], checkpoint: 4 });
  expect(await findIdempotent(pool, 'other', [{ actor: 'ann', key: 'k1' }])).toEqual({
    answers: [undefined],
    checkpoint: 0,
  });
});

test('an answer is remembered once, and forgotten when it is old', async () => {
  const id = { actor: 'dan', key: 'k' };
  expect(await remember(pool, 'default', id, 'first', 1)).toBe(true);
  expect(await remember(pool, 'default', id, 'second', 2)).toBe(false);
  const { answers } = await findIdempotent(pool, 'default', [id]);
  expect(answers).toEqual([{ kind: 'no_change', answer: 1, bodyHash: 'first' }]);
  await database.pool.query(
    `insert into remembered_answers (ledger, actor, idempotency_key, body_hash, answer, created_at)
     select 'default', 'old', n::text, 'h', 'null', now() - interval '31 days' from generate_series(1, 2300) as n`,
  );
  expect(await forgetAnswers(pool, 30)).toBe(2300);
  expect(await forgetAnswers(pool, 30)).toBe(0);
  const still = await findIdempotent(pool, 'default', [id, { actor: 'old', key: '1' }]);
  expect(still.answers.map((answer) => answer?.bodyHash)).toEqual(['first', undefined]);
});

test('a verifier is kept until it is taken away', async () => {
  const verifier = { id: 'k1', ledger: 'default', hash: Buffer.from([0, 1, 255]) };
  expect(await insertVerifier(pool, verifier)).toBe(true);
  expect(await insertVerifier(pool, { ...verifier, hash: Buffer.from([9]) })).toBe(false);
  expect(await findVerifier(pool, 'k1')).toEqual(verifier);
  expect(await findVerifier(pool, 'k2')).toBeUndefined();
  expect(await deleteVerifier(pool, 'k1')).toBe(true);
  expect(await deleteVerifier(pool, 'k1')).toBe(false);
  expect(await findVerifier(pool, 'k1')).toBeUndefined();
});
