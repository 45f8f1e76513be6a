/**
 * Question: which subjects can say something else at two points? Those with events between the points, and those of
 * which something starts, ends or retires in the time between; by name, in slices. What was known at the earlier point
 * and has no boundary in between says the same at both, so nothing else is looked at, and nothing is replayed.
 */
import type { DiffFilter } from '../domain/diff-questions.ts';
import { splitOverride } from '../domain/live-state.ts';
import type { Moment } from '../domain/questions.ts';
import type { SubjectFilter } from '../domain/rollback/restore-questions.ts';
import { type Database, rowsOf } from './rows-of.ts';
import { aboutSubjects, likePattern } from './subject-filter.ts';

/** What lies between two points. */
export interface Between {
  readonly earlier: Moment;
  readonly later: Moment;
}

/** The two points in the order of their clocks. */
export function betweenPoints(one: Moment, other: Moment): Between {
  const isInOrder = one.asOf < other.asOf || (one.asOf === other.asOf && one.at <= other.at);
  return isInOrder ? { earlier: one, later: other } : { earlier: other, later: one };
}

/**
 * The more events there are, the denser they lie among the subjects, so beyond this many the subjects are walked over.
 * Up to it, looking through the events takes a quarter of a second.
 */
const manyEventsUsually = 100_000;

export interface SubjectsQuestion {
  readonly between: Between;
  readonly filter: DiffFilter;
  /** The first name, included. */
  readonly from: string;
  readonly limit: number;
  /** From how many events between the points on the subjects are walked over; it changes no answer. */
  readonly manyEvents?: number;
}

/** Up to `limit` subjects in code-point order. Some may say the same at both points. */
export async function differingSubjects(
  database: Database,
  ledger: string,
  { between: { earlier, later }, filter, from, limit, manyEvents = manyEventsUsually }: SubjectsQuestion,
): Promise<readonly string[]> {
  const values: unknown[] = [ledger, earlier.asOf, later.asOf, from, limit];
  const branches = [eventful(filter, later.asOf - earlier.asOf > manyEvents, values)];
  // At revision 0 nothing is known that could turn.
  if (earlier.at < later.at && earlier.asOf > 0) {
    const passes: Passes = (column, as = asTime) =>
      `${column} > ${as(`$${values.push(earlier.at)}`)} and ${column} <= ${as(`$${values.push(later.at)}`)}`;
    branches.push(...turningOverrides(filter, passes, values), ...turningModels(filter, passes, values));
  }
  const text = `select found.subject from (${branches.join(' union all ')}) as found (subject)
    where found.subject >= $4
    group by found.subject
    order by found.subject
    limit $5`;
  return (await rowsOf<{ subject: string }>(database, { text }, values)).map(({ subject }) => subject);
}

/** That a column lies between the times of both points. */
type Passes = (column: string, as?: (instant: string) => string) => string;

const asTime = (instant: string): string => `to_timestamp(${instant}::float8 / 1000)`;
const asMilliseconds = (instant: string): string => `${instant}::bigint`;

// $1 ledger, $2 and $3 the revisions of the earlier and the later point.

function eventful(filter: DiffFilter, areMany: boolean, values: unknown[]): string {
  if (hasIndexOfItsOwn(filter)) return byIndex(filter, values);
  return areMany ? bySubject(filter, values) : byRevision(filter, values);
}

/** In the shape that lets the planner see the one index that serves it (migrations/0005_query_indexes.sql). */
const indexedRange = '-h.revision >= -($3::bigint) and -h.revision < -($2::bigint)';

function byIndex(filter: DiffFilter, values: unknown[]): string {
  return `select h.subject collate "C" from history h
    where h.ledger = $1 and ${indexedRange}${is('h.subject', filter.subject, values)}${aboutSubjects(filter, values)}`;
}

/** In blocks: for all revisions at once the planner takes reading the whole table for cheaper, however large it is. */
function byRevision(filter: DiffFilter, values: unknown[]): string {
  return `select told.subject collate "C"
    from generate_series($2::bigint + 1, $3::bigint, 1000) as block (first)
    cross join lateral (
      select h.subject from history h
      where h.ledger = $1 and h.revision >= block.first and h.revision < block.first + 1000
        and h.revision <= $3${aboutSubjects(filter, values)}
      order by h.revision limit 1000
    ) as told`;
}

/**
 * Subject by subject in their order, each looked up in the history, until there are enough. The two tables order names
 * differently, so the index of the history has to be asked in its own way.
 */
function bySubject(filter: DiffFilter, values: unknown[]): string {
  return `(select s.subject from subjects s
    cross join lateral (
      select from history h where h.ledger = $1 and h.subject = s.subject collate "default"
        and ${indexedRange}
      limit 1
    ) as told
    where s.ledger = $1 and s.subject >= $4 and s.revision > $2${ofNames(filter, values)}
    order by s.subject limit $5)`;
}

/** What aboutSubjects says of events, of subjects by their names: a key holds no \`@\`. */
function ofNames({ key, scope, model }: SubjectFilter, values: unknown[]): string {
  const placed = `s.subject >= 'override:' and s.subject < 'override;'`;
  const ofKey = "split_part(s.subject, '@', 1)";
  const ofScope = "substr(s.subject, strpos(s.subject, '@') + 1)";
  const selected: string[] = [];
  if (key !== undefined || scope !== undefined) {
    const prefixed = key === undefined ? undefined : `override:${key}`;
    selected.push(`${placed}${matches(ofKey, prefixed, values)}${is(ofScope, scope, values)}`);
  }
  if (key !== undefined && scope === undefined) {
    selected.push(`s.subject < 'key;'${matches('s.subject', `key:${key}`, values)}`);
  }
  if (model !== undefined) {
    selected.push(`s.subject < 'model;'${matches('s.subject', `model:${model}`, values)}`);
  }
  return selected.length === 0 ? '' : ` and (${selected.map((each) => `(${each})`).join(' or ')})`;
}

function hasIndexOfItsOwn({ subject, key, scope, model }: DiffFilter): boolean {
  if (subject !== undefined) return true;
  if (model !== undefined) return !isPattern(model) && key === undefined && scope === undefined;
  return scope !== undefined || (key !== undefined && !isPattern(key));
}

/** Overrides of which an assertion that was known at the earlier point starts or ends. */
function turningOverrides(filter: DiffFilter, passes: Passes, values: unknown[]): readonly string[] {
  const { subject, key, scope } = filter;
  if (subject !== undefined && !subject.startsWith('override:')) return [];
  if (key === undefined && scope === undefined && !isOpen(filter)) return [];
  const [ownKey, ownScope] = subject === undefined ? [] : splitOverride(subject.slice('override:'.length));
  const known = [
    'a.ledger = $1 and a.revision <= $2',
    is('a.key', ownKey, values),
    is('a.scope', ownScope, values),
    matches('a.key', key, values),
    is('a.scope', scope, values),
  ].join('');
  return [
    `a.scheduled and ${passes('a.effective_from')}`,
    `a.effective_until is not null and ${passes('a.effective_until')}`,
  ].map(
    (turning) =>
      `select ('override:' || a.key || '@' || a.scope) collate "C" from assertions a where ${known} and ${turning}`,
  );
}

/** Models of which a price that was known at the earlier point starts or ends, or which retire. */
function turningModels(filter: DiffFilter, passes: Passes, values: unknown[]): readonly string[] {
  const { subject, model } = filter;
  if (subject !== undefined && !subject.startsWith('model:')) return [];
  if (model === undefined && !isOpen(filter)) return [];
  const own = subject?.slice('model:'.length);
  const known = (table: string, id: string): string =>
    `${table}.ledger = $1 and ${table}.revision <= $2${is(id, own, values)}${matches(id, model, values)}`;
  const price = known('p', 'p.model_id');
  const sunset = `(m.state ->> 'sunsetAt')::bigint`;
  return [
    `select ('model:' || p.model_id) collate "C" from prices p
      where ${price} and ${passes('p.effective_from')}`,
    `select ('model:' || p.model_id) collate "C" from prices p
      where ${price} and p.effective_until is not null and ${passes('p.effective_until')}`,
    `select ('model:' || m.id) collate "C" from models m
      where ${known('m', 'm.id')} and m.status = 'deprecated' and m.state ->> 'sunsetAt' is not null
        and ${passes(sunset, asMilliseconds)}`,
  ];
}

/** Whether all kinds of subjects are asked for. */
function isOpen({ key, scope, model }: SubjectFilter): boolean {
  return key === undefined && scope === undefined && model === undefined;
}

function isPattern(name: string): boolean {
  return name.includes('*');
}

/** Begins with ` and `, or is empty when nothing is asked of the column. */
function matches(column: string, pattern: string | undefined, values: unknown[]): string {
  return pattern === undefined ? '' : ` and ${column} like $${values.push(likePattern(pattern))}`;
}

function is(column: string, text: string | undefined, values: unknown[]): string {
  return text === undefined ? '' : ` and ${column} = $${values.push(text)}`;
}
