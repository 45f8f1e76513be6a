/**
 * Question: which overrides has a ledger ever had, under a filter? In slices, by name, with their
 * versions of today and since when they have them.
 * Whether one says anything at a moment is not asked here (list-overrides.ts).
 */
import { overrideSubject } from '../domain/event.ts';
import { splitOverride } from '../domain/live-state.ts';
import type { OverrideFilter } from '../domain/questions.ts';
import { type Scope, type ScopeKind, splitScope } from '../domain/scope.ts';
import type { KeyAndScope } from './assertions-at.ts';
import { type Database, rowsOf, type Statement } from './rows-of.ts';

export interface OverrideSubject extends KeyAndScope {
  readonly version: number;
  /** Of the event that made this version. */
  readonly revision: number;
}

interface SubjectRow {
  readonly subject: string;
  readonly version: number;
  readonly revision: number;
}

const prefix = 'override:';

const inRange = {
  name: 'override_subjects_in_range',
  text: `select s.subject, s.version, s.revision from subjects s
    where s.ledger = $1 and s.subject >= $2 and s.subject < $3
    order by s.subject
    limit $4`,
};

const ofScope = {
  name: 'override_subjects_of_scope',
  text: `select s.subject, s.version, s.revision
    from key_definitions d
    join subjects s on s.ledger = d.ledger and s.subject = 'override:' || d.key || '@' || $3
    where d.ledger = $1 and d.until_revision is null and d.key >= $2
    order by d.key
    limit $4`,
};

// $3 is `tier:`, and `tier;` ends what begins with it: a semicolon follows the colon.
const ofKind = {
  name: 'override_subjects_of_kind',
  text: `select s.subject, s.version, s.revision
    from key_definitions d
    cross join lateral (
      select s.subject, s.version, s.revision from subjects s
      where s.ledger = d.ledger
        and s.subject >= greatest(
          'override:' || d.key || '@' || $3::text, case when d.key = $2 then $5::text else '' end collate "C"
        )
        and s.subject < 'override:' || d.key || '@' || rtrim($3::text, ':') || ';'
      order by s.subject limit $4
    ) as s
    where d.ledger = $1 and d.until_revision is null and d.key >= $2
    order by d.key, s.subject
    limit $4`,
};

/**
 * Up to `limit` overrides of the filter, from the given one on (included); the order depends on which filters
 * are set, and is the same for the same ones.
 */
export async function overrideSubjects(
  database: Database,
  ledger: string,
  filter: OverrideFilter,
  from: KeyAndScope | undefined,
  limit: number,
): Promise<readonly OverrideSubject[]> {
  const plan = planOf(filter, from);
  if (plan === undefined) return [];
  const [second, third, ...more] = plan.values;
  const rows = await rowsOf<SubjectRow>(database, plan.statement, [ledger, second, third, limit, ...more]);
  return rows.map(({ subject, version, revision }) => {
    const [key, scope] = splitOverride(subject.slice(prefix.length));
    return { key, scope, version, revision };
  });
}

interface Plan {
  readonly statement: Statement;
  readonly values: readonly string[];
}

/** Undefined when no override can match. */
function planOf(filter: OverrideFilter, from: KeyAndScope | undefined): Plan | undefined {
  const { key, kind } = filter;
  const scope: Scope | undefined = filter.scope ?? (kind === 'global' ? 'global' : undefined);
  if (scope !== undefined && kind !== undefined && splitScope(scope).kind !== kind) return undefined;
  const start = from === undefined ? '' : overrideSubject(from.key, from.scope);
  if (key !== undefined) return { statement: inRange, values: rangeOf(key, scope, kind, start) };
  if (scope !== undefined) return { statement: ofScope, values: [from?.key ?? '', scope] };
  if (kind !== undefined) return { statement: ofKind, values: [from?.key ?? '', `${kind}:`, start] };
  return { statement: inRange, values: [later(prefix, start), 'override;'] };
}

/** From (included) and to (excluded), in code-point order. */
function rangeOf(
  key: string,
  scope: Scope | undefined,
  kind: ScopeKind | undefined,
  start: string,
): readonly [string, string] {
  if (scope !== undefined) {
    const subject = overrideSubject(key, scope);
    return [later(subject, start), `${subject}\u0001`];
  }
  const [low, high] = kind === undefined ? ['@', 'A'] : [`@${kind}:`, `@${kind};`];
  return [later(`${prefix}${key}${low}`, start), `${prefix}${key}${high}`];
}

/**
 * JavaScript compares by UTF-16 units and Postgres by code points: the prefixes that are compared here are
 * ASCII.
 */
function later(prefixText: string, start: string): string {
  return start.startsWith(prefixText) ? start : prefixText;
}
