/**
 * Question: which statements start or end in a stretch of time, and which models retire in it? One page of bare rows,
 * by time and revision, merged from what the indexes by time hold (migrations/0006_time_indexes.sql).
 */
import { forever } from '../domain/assertion.ts';
import { formatInstant } from '../domain/instant.ts';
import type { ScheduleFilter, Stretch } from '../domain/schedule-questions.ts';
import type { Scope } from '../domain/scope.ts';
import type { TurnKind } from '../domain/turns.ts';
import { type Database, rowsOf } from './rows-of.ts';

interface Row {
  /** Epoch milliseconds. */
  readonly at: number;
  readonly revision: number;
}

interface StatementRow extends Row {
  readonly effective_from: number;
  readonly effective_until: number | null;
}

/** One boundary; `price` is the start of one or its end. */
export type ScheduleRow =
  | (StatementRow & { readonly kind: 'activation' | 'expiry'; readonly key: string; readonly scope: Scope })
  | (StatementRow & { readonly kind: 'price'; readonly model: string })
  | (Row & { readonly kind: 'sunset'; readonly model: string; readonly successor: string | null });

/** A boundary; no two have the same time and revision. */
export interface SchedulePosition {
  readonly at: number;
  readonly revision: number;
}

export interface ScheduleQuestion {
  readonly ledger: string;
  readonly asOf: number;
  readonly stretch: Stretch;
  readonly filter: ScheduleFilter;
  /** The page begins behind it; undefined for the first one. */
  readonly behind: SchedulePosition | undefined;
  readonly limit: number;
}

/**
 * Up to `limit` rows of what was known at asOf and not taken back by then; also of what was learnt only after it had
 * happened.
 */
export async function scheduleRows(
  database: Database,
  question: ScheduleQuestion,
): Promise<readonly ScheduleRow[]> {
  const { ledger, asOf, stretch, filter, limit } = question;
  const values: unknown[] = [ledger, asOf, limit];
  const behind = question.behind ?? { at: stretch.after, revision: Number.MAX_SAFE_INTEGER };
  const asked: Asked = {
    filter,
    parameter: (value) => `$${values.push(value)}`,
    behind,
    until: stretch.until,
  };
  const branches = Object.entries(branchesOf).flatMap(([kind, branch]) =>
    filter.kind === undefined || filter.kind === kind ? branch(asked) : [],
  );
  if (branches.length === 0) return [];
  const text = `select turn.kind, turn.at, turn.revision, turn.effective_from, turn.effective_until,
      turn.key, turn.scope, turn.model, turn.successor
    from (${branches.map((branch) => `(${branch})`).join('\n union all\n')}) as turn
    order by turn.at, turn.revision
    limit $3`;
  return rowsOf<ScheduleRow>(database, { text }, values);
}

interface Asked {
  readonly filter: ScheduleFilter;
  /** Puts a value behind those that are there; answers its `$n`. */
  readonly parameter: (value: string | number) => string;
  readonly behind: SchedulePosition;
  readonly until: number;
}

/** $1 ledger, $2 asOf, $3 limit; each branch reads its index in order and stops at the limit. */
const branchesOf: Readonly<Record<TurnKind, (asked: Asked) => readonly string[]>> = {
  activation: (asked) => overrides('activation', 'effective_from', 'a.scheduled', asked),
  expiry: (asked) => overrides('expiry', 'effective_until', 'a.effective_until is not null', asked),
  sunset: sunsets,
  price: (asked) => [
    ...prices('effective_from', 'true', asked),
    ...prices('effective_until', 'a.effective_until is not null', asked),
  ],
};

type TimeColumn = 'effective_from' | 'effective_until';

function overrides(kind: string, time: TimeColumn, indexed: string, asked: Asked): readonly string[] {
  const { key, scope, model } = asked.filter;
  if (model !== undefined) return [];
  const ofKey = key === undefined ? '' : ` and a.key = ${asked.parameter(key)}`;
  const ofScope = scope === undefined ? '' : ` and a.scope = ${asked.parameter(scope)}`;
  return [
    `select ${statementColumns(kind, time)}, a.key, a.scope, null as model, null as successor
      from assertions a
      where ${indexed} and ${within(time, asked)}${ofKey}${ofScope}
        and (a.withdrawn_by is null or a.withdrawn_by > $2)
      order by a.${time}, a.revision limit $3`,
  ];
}

function prices(time: TimeColumn, indexed: string, asked: Asked): readonly string[] {
  const { key, scope, model } = asked.filter;
  if (key !== undefined || scope !== undefined) return [];
  const ofModel = model === undefined ? '' : ` and a.model_id = ${asked.parameter(model)}`;
  return [
    `select ${statementColumns('price', time)}, null as key, null as scope, a.model_id as model, null as successor
      from prices a
      where ${indexed} and ${within(time, asked)}${ofModel}
      order by a.${time}, a.revision limit $3`,
  ];
}

function statementColumns(kind: string, time: TimeColumn): string {
  return `'${kind}' as kind, (extract(epoch from a.${time}) * 1000)::bigint as at, a.revision,
    a.effective_from, a.effective_until`;
}

/** Known at asOf, after the position, in the stretch. */
function within(time: TimeColumn, { parameter, behind, until }: Asked): string {
  const end = until === forever ? 'infinity' : formatInstant(until);
  // Times go in as text: as milliseconds in a float those of the year 9999 would not come back the same.
  const position = `(${parameter(formatInstant(behind.at))}::timestamptz, ${parameter(behind.revision)}::bigint)`;
  return `a.ledger = $1 and a.revision <= $2
    and (a.${time}, a.revision) > ${position} and a.${time} <= ${parameter(end)}::timestamptz`;
}

/** By the version of each model that was known at asOf; the event that said it is the last that deprecated it. */
function sunsets({ filter, parameter, behind, until }: Asked): readonly string[] {
  const { key, scope, model } = filter;
  if (key !== undefined || scope !== undefined) return [];
  const sunset = `(v.state ->> 'sunsetAt')::bigint`;
  const ofModel = model === undefined ? '' : ` and v.id = ${parameter(model)}`;
  const after = `${parameter(behind.at)}::bigint`;
  return [
    `select 'sunset' as kind, ${sunset} as at, said.revision,
        null::timestamptz as effective_from, null::timestamptz as effective_until,
        null as key, null as scope, v.id as model, v.state ->> 'successor' as successor
      from models v
      cross join lateral (
        select h.revision from history h
        where h.ledger = v.ledger and h.subject = 'model:' || v.id and h.type = 'ModelDeprecated'
          and -h.revision >= -v.revision
        order by -h.revision limit 1
      ) as said
      where v.ledger = $1 and v.status = 'deprecated' and v.state ->> 'sunsetAt' is not null${ofModel}
        and ${sunset} >= ${after} and ${sunset} <= ${parameter(until)}::bigint
        and v.revision <= $2 and (v.until_revision is null or v.until_revision > $2)
        and (${sunset}, said.revision) > (${after}, ${parameter(behind.revision)}::bigint)
      order by at, said.revision limit $3`,
  ];
}
