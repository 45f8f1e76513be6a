/**
 * Question: what can overrides still say at a time or later, as it was known at a revision, or if some events had not been?
 * For each of them the last endless assertion that has started, those above it that outlast what is above them, and all
 * that start later: index probes, however often the scope was changed.
 */
import type { OverrideQuestion } from '../domain/rollback/restore-questions.ts';
import type { OverrideAssertion } from '../domain/subject-state.ts';
import { Failure } from '../failure.ts';
import { assertionColumns as columns } from './assertion-words.ts';
import { type AssertionRow, assertionOfRow } from './assertions-at.ts';
import { type Database, rowsOf } from './rows-of.ts';

/** The most assertions of a sort that one scope says beside each other: more than the rules let it say about a key. */
const maxRows = 10_000;

const known = `a.ledger = $1 and a.key = q.key and a.scope = q.scope
  and a.revision <= q.known_to and a.revision <> all (q.without)
  and (a.withdrawn_by is null or a.withdrawn_by > q.withdrawn_to or a.withdrawn_by = any (q.without))`;

/**
 * $2 the time; $3 to $6 the questions; $7 and $8 the revisions that are left out, by the question's number. Planned anew each
 * time: a plan from when the tables were small, kept under a name, may walk all rows for each of 10,000 questions.
 */
const statement = {
  text: `with left_out as (
      select n, array_agg(revision) as revisions
      from unnest((select $7::int[]), (select $8::bigint[])) as l (n, revision) group by n
    ),
    q as (
      select w.n::int as n, w.key, w.scope, w.known_to, w.withdrawn_to,
        coalesce(left_out.revisions, '{}') as without
      from unnest((select $3::text[]), (select $4::text[]), (select $5::bigint[]), (select $6::bigint[]))
        with ordinality as w (key, scope, known_to, withdrawn_to, n)
      left join left_out on left_out.n = w.n
    ),
    clock as (select to_timestamp($2::float8 / 1000) as at)
    select q.n, ${columns}
    from q
    cross join clock
    left join lateral (
      select ${columns} from assertions a
      where ${known} and a.effective_until is null and a.effective_from <= clock.at
      order by a.effective_from desc, a.revision desc limit 1
    ) as base on true
    cross join lateral (
      (select base.revision, base.kind, base.value, base.effective_from, base.effective_until
        where base.revision is not null)
      union all
      (select ${columns} from (
          select ${columns}, max(a.effective_until) over (
              order by a.effective_from desc, a.revision desc rows between unbounded preceding and 1 preceding
            ) as covered_until
          from assertions a
          where ${known} and a.effective_until is not null and a.effective_until > clock.at
            and a.effective_from <= clock.at and a.effective_from >= coalesce(base.effective_from, '-infinity')
        ) as a
        where a.covered_until is null or a.effective_until > a.covered_until
        order by a.effective_from desc, a.revision desc limit ${maxRows + 1})
      union all
      (select ${columns} from assertions a
        where ${known} and a.scheduled and a.effective_from > clock.at
        order by a.effective_from, a.revision limit ${maxRows + 1})
    ) as a
    order by q.n, a.effective_from, a.revision`,
};

/** One list for each question, sorted by start and revision. Failure `limited` where a scope says too much to be followed. */
export async function lastingAssertions(
  database: Database,
  ledger: string,
  at: number,
  questions: readonly OverrideQuestion[],
): Promise<readonly (readonly OverrideAssertion[])[]> {
  if (questions.length === 0) return [];
  const leftOut = questions.flatMap(({ without }, index) =>
    without.map((revision) => ({ n: index + 1, revision })),
  );
  const rows = await rowsOf<AssertionRow & { readonly n: number }>(database, statement, [
    ledger,
    at,
    questions.map(({ key }) => key),
    questions.map(({ scope }) => scope),
    questions.map(({ knownTo }) => knownTo),
    questions.map(({ withdrawnTo }) => withdrawnTo),
    leftOut.map(({ n }) => n),
    leftOut.map(({ revision }) => revision),
  ]);
  const lists = questions.map((): OverrideAssertion[] => []);
  for (const row of rows) lists[row.n - 1]?.push(assertionOfRow(row));
  const long = lists.findIndex((list) => list.length > maxRows);
  if (long < 0) return lists;
  const { key = '', scope = '' } = questions[long] ?? {};
  throw new Failure('limited', `${scope} says more about ${key} than can be followed`, {
    reason: 'too_many_assertions',
  });
}
