/**
 * Columns arrive in the database as they were written, on random values: the binary format is Postgres' own.
 */
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { bigints, booleans, instants, jsons, texts } from '../../projections/column-arrays.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());

const nullable = <Value>(values: fc.Arbitrary<Value>): fc.Arbitrary<(Value | null)[]> =>
  fc.array(fc.option(values));
// Postgres holds no NUL, and the ledger no half surrogate pairs.
const text = fc.string({ unit: 'binary' }).filter((some) => !some.includes('\0'));
const lastInstant = Date.UTC(9999, 11, 31, 23, 59, 59, 999);

async function echo(type: string, column: Buffer): Promise<readonly unknown[]> {
  const { rows } = await database.pool.query<{ value: unknown }>(
    `select value from unnest($1::${type}[]) with ordinality as v (value, n) order by n`,
    [column],
  );
  return rows.map(({ value }) => value);
}

test('texts', () =>
  fc.assert(
    fc.asyncProperty(nullable(text), async (values) => {
      expect(await echo('text', texts(values))).toEqual(values);
    }),
  ));

test('whole numbers up to the largest exact ones', () =>
  fc.assert(
    fc.asyncProperty(nullable(fc.maxSafeInteger()), async (values) => {
      expect(await echo('bigint', bigints(values))).toEqual(values);
    }),
    { examples: [[[0, 1, 2 ** 31, 2 ** 32, 2 ** 32 - 1, Number.MAX_SAFE_INTEGER, -1, -(2 ** 32)]]] },
  ));

test('moments from 1970 to 9999, to the millisecond', () =>
  fc.assert(
    fc.asyncProperty(nullable(fc.nat(lastInstant)), async (values) => {
      expect(await echo('timestamptz', instants(values))).toEqual(values);
    }),
    { examples: [[[0, 1, lastInstant, Date.UTC(2000, 0, 1), Date.UTC(1999, 11, 31, 23, 59, 59, 999)]]] },
  ));

test('JSON as it is written', () =>
  fc.assert(
    fc.asyncProperty(fc.array(fc.jsonValue()), async (values) => {
      const written = values.map((value) => JSON.stringify(value).replaceAll('\\u0000', ''));
      const { rows } = await database.pool.query<{ value: string }>(
        'select value::text from unnest($1::json[]) with ordinality as v (value, n) order by n',
        [jsons(written)],
      );
      expect(rows.map(({ value }) => value)).toEqual(written);
    }),
  ));

test('yes and no', async () => {
  expect(await echo('boolean', booleans([true, false, true]))).toEqual([true, false, true]);
  expect(await echo('boolean', booleans([]))).toEqual([]);
});
