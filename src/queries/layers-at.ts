/**
 * Question: what has each of these scopes ever said about a key, as known at a revision? For explaining.
 */
import type { Scope } from '../domain/scope.ts';
import type { OverrideAssertion } from '../domain/subject-state.ts';
import { assertionColumns as columns, knownAtAsOf, recordedAtOfAsOf } from './assertion-words.ts';
import { assertionOfRow, type PlacedAssertionRow } from './assertions-at.ts';
import { type Database, rowsOf } from './rows-of.ts';

/** The most assertions that are told of one scope. */
const maxAssertions = 100;

const known = `a.ledger = $1 and a.key = $3 and a.scope = wanted.scope
  and ${knownAtAsOf}`;

const newestFirst = 'order by a.effective_from desc, a.revision desc';

// What starts after asOf was recorded was known then only if it was scheduled (see assertions-at.ts).
const statement = {
  name: 'layers_at',
  text: `with clock as materialized (
      select $2::bigint as as_of, ${recordedAtOfAsOf} as known_at
    )
    select $3 as key, wanted.scope, ${columns}
    from unnest((select $4::text[])) as wanted (scope)
    cross join clock
    cross join lateral (
      (select ${columns} from assertions a
        where ${known} and a.scheduled and a.effective_from > clock.known_at
        ${newestFirst} limit ${maxAssertions})
      union all
      (select ${columns} from assertions a
        where ${known} and a.effective_until is null and a.effective_from <= clock.known_at
        ${newestFirst} limit ${maxAssertions})
      union all
      (select ${columns} from assertions a
        where ${known} and a.effective_until is not null and a.effective_from <= clock.known_at
        ${newestFirst} limit ${maxAssertions})
      order by effective_from desc, revision desc limit ${maxAssertions}
    ) as a
    order by wanted.scope, a.effective_from desc, a.revision desc`,
};

/**
 * Every asked scope, with up to 100 assertions, newest start first; without those that were taken back by
 * then.
 */
export async function layersAt(
  database: Database,
  ledger: string,
  asOf: number,
  key: string,
  scopes: readonly Scope[],
): Promise<ReadonlyMap<Scope, readonly OverrideAssertion[]>> {
  const layers = new Map<Scope, OverrideAssertion[]>(scopes.map((scope) => [scope, []]));
  const rows = await rowsOf<PlacedAssertionRow>(database, statement, [ledger, asOf, key, [...layers.keys()]]);
  for (const row of rows) layers.get(row.scope)?.push(assertionOfRow(row));
  return layers;
}
