/**
 * Question: what were these models as of a revision, and the successors that resolution may follow from them?
 */

import { maxSuccessors } from '../domain/resolve.ts';
import type { ModelState } from '../domain/subject-state.ts';
import { type Database, rowsOf } from './rows-of.ts';

/** A model as its table has it: all but the prices. */
export type ModelRowState = Omit<ModelState, 'prices'>;

const statement = {
  name: 'models_at',
  text: `with recursive found (id, state, depth) as (
      select m.id, m.state, 0
      from unnest((select $3::text[])) as wanted (id)
      cross join lateral (
        select v.id, v.state from models v
        where v.ledger = $1 and v.id = wanted.id and v.revision <= (select $2::bigint)
        order by v.revision desc limit 1
      ) as m
      union all
      select m.id, m.state, found.depth + 1
      from found
      cross join lateral (
        select v.id, v.state from models v
        where v.ledger = $1 and v.id = found.state ->> 'successor' and v.revision <= (select $2::bigint)
        order by v.revision desc limit 1
      ) as m
      where found.depth < (select $4::int)
    )
    select found.state from found`,
};

/**
 * At most nine a wanted model: itself and eight successors; some may come more than once. Unknown ones are
 * left out.
 */
export async function modelsAt(
  database: Database,
  ledger: string,
  asOf: number,
  ids: readonly string[],
): Promise<readonly ModelRowState[]> {
  if (ids.length === 0) return [];
  const rows = await rowsOf<{ state: ModelRowState }>(database, statement, [
    ledger,
    asOf,
    ids,
    maxSuccessors,
  ]);
  return rows.map((row) => row.state);
}
