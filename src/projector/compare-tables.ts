/**
 * Whether read models that were made again equal those that are read: row by row, by primary key.
 * Runs in one snapshot in which both stand at the same revision; counts go out, and keys of a few rows that differ, never
 * their values.
 */
import { isEqual, type TableComparison } from '../domain/replay-questions.ts';
import type { ProjectionTransaction } from './projection.ts';

const maxExamples = 5;

export async function compareTable(tx: ProjectionTransaction, table: string): Promise<TableComparison> {
  const keys = await primaryKeyOf(tx, table);
  const on = keys.map((key) => `o."${key}" = n."${key}"`).join(' and ');
  const [first = ''] = keys;
  // `*<>` compares what is stored, byte by byte; JSON has no other comparison.
  const differing = `from ${table} o full join varve_rebuild.${table} n on ${on}
    where o."${first}" is null or n."${first}" is null or o *<> n`;
  const counted = await tx.query<Omit<TableComparison, 'table' | 'examples'>>(
    `select (select count(*) from varve_rebuild.${table}) as rows,
            count(*) filter (where o."${first}" is null) as missing,
            count(*) filter (where n."${first}" is null) as surplus,
            count(*) filter (where o."${first}" is not null and n."${first}" is not null) as changed
       ${differing}`,
  );
  const counts = counted.rows[0];
  if (counts === undefined) throw new Error('a count answered nothing');
  const compared = { table, ...counts, examples: [] };
  if (isEqual(compared)) return compared;
  const named = keys.map((key) => `coalesce(o."${key}", n."${key}")`).join(', ');
  const examples = await tx.query<{ key: string }>(
    `select concat_ws(' ', ${named}) as key ${differing} order by ${named} limit ${maxExamples}`,
  );
  return { ...compared, examples: examples.rows.map(({ key }) => key) };
}

async function primaryKeyOf(tx: ProjectionTransaction, table: string): Promise<readonly string[]> {
  const found = await tx.query<{ name: string }>(
    `select a.attname as name
       from pg_index i, unnest(i.indkey) with ordinality as k (number, place), pg_attribute a
      where i.indrelid = to_regclass($1) and i.indisprimary
        and a.attrelid = i.indrelid and a.attnum = k.number
      order by k.place limit 32`,
    [table],
  );
  return found.rows.map(({ name }) => name);
}
