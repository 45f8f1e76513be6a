/**
 * Question: what were these keys (or all of them), as of a revision? Retired ones are told too.
 */
import type { KeyDefinition } from '../domain/event.ts';
import type { KeyState } from '../domain/subject-state.ts';
import { Failure } from '../failure.ts';
import { type Database, rowsOf } from './rows-of.ts';

export interface DefinitionRow {
  readonly key: string;
  readonly version: number;
  readonly revision: number;
  readonly retired: boolean;
  readonly definition: KeyDefinition;
}

/** The most keys that are answered at once. */
const maxKeys = 10_000;

/**
 * One version of a key, for `lateral`: the last one known at $2 (why in a sub-select: assertions-at.ts) of
 * the key that `wanted` names. Retiring does not count as defining, so a retired key keeps the revision of
 * the definition before it.
 */
export const definitionKnown = `
  select d.key, d.version, d.retired, d.definition,
    case when d.retired
      then coalesce((
        select defined.revision from key_definitions defined
        where defined.ledger = d.ledger and defined.key = d.key and defined.version = d.version - 1
      ), d.revision)
      else d.revision
    end as revision
  from key_definitions d
  where d.ledger = $1 and d.key = wanted.key and d.revision <= (select $2::bigint)
  order by d.revision desc
  limit 1`;

const named = {
  name: 'definitions_at',
  text: `select known.key, known.version, known.revision, known.retired, known.definition
    from unnest((select $3::text[])) as wanted (key) cross join lateral (${definitionKnown}) as known`,
};

// Every key has one current row, whatever its age: the ledger's keys without their versions.
const all = {
  name: 'all_definitions_at',
  text: `select known.key, known.version, known.revision, known.retired, known.definition
    from (
      select c.key from key_definitions c where c.ledger = $1 and c.until_revision is null order by c.key limit $3
    ) as wanted
    cross join lateral (${definitionKnown}) as known`,
};

/**
 * Unknown keys are left out. Failure `limited` when a ledger has more than 10,000 keys and none are named.
 */
export async function definitionsAt(
  database: Database,
  ledger: string,
  asOf: number,
  keys: readonly string[] | undefined,
): Promise<readonly DefinitionRow[]> {
  if (keys !== undefined) return rowsOf<DefinitionRow>(database, named, [ledger, asOf, [...new Set(keys)]]);
  const rows = await rowsOf<DefinitionRow>(database, all, [ledger, asOf, maxKeys + 1]);
  if (rows.length <= maxKeys) return rows;
  throw new Failure('limited', `The ledger has more than ${maxKeys} keys: name those that you ask for`, {
    reason: 'too_many_keys',
  });
}

/** The row as the fold of its events makes it. */
export function keyStateOf({ version, revision, definition, retired }: DefinitionRow): KeyState {
  return { version, revision, definition, retired };
}
