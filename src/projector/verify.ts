/**
 * Verifies the installation: every ledger's log by itself, and the read models against a replay of it.
 * The log comes in from the port, page by page; checks with their violations go out. Nothing that is read is changed: the
 * replay fills tables of its own, which are dropped at the end.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { type Check, isEqual, type TableComparison, type Violation } from '../domain/replay-questions.ts';
import { Failure } from '../failure.ts';
import { createLogChecker, logChecks } from '../ledger/log-checks.ts';
import { refuseAborted } from './cancel-on-abort.ts';
import { compareBeside } from './compare-beside.ts';
import { readingAhead } from './read-ahead.ts';
import type { ReplayOptions } from './rebuild.ts';
import { dropShadow, openShadow, type ShadowPlan } from './shadow.ts';
import { createFill } from './shadow-fill.ts';

/** A turn of the event loop takes one page: about 10 ms. */
const pageEvents = 500;
const maxExamples = 20;

const subjectVersions = 'subject versions';
const projectable = 'projectable events';
const idempotencyKeys = 'idempotency keys';
const readModels = 'read models';

/** Failures: `unavailable`. What is wrong with the log or the rows is no failure but a violation. */
export async function verify(options: ReplayOptions, plan: ShadowPlan): Promise<readonly Check[]> {
  const found = createFindings([...logChecks, subjectVersions, projectable, idempotencyKeys, readModels]);
  await checkLog(options, found);
  await openShadow(options.pool, plan, await options.ledger.identity());
  await checkReplay(options, plan, found);
  await dropShadow(options.pool);
  return found.checks();
}

async function checkLog({ ledger: log, onProgress, signal }: ReplayOptions, found: Findings): Promise<void> {
  const names = await log.names();
  const heads = new Map(await Promise.all(names.map(async (name) => [name, await log.head(name)] as const)));
  const total = [...heads.values()].reduce((sum, { revision }) => sum + revision, 0);
  let done = 0;
  for (const [ledger, head] of heads) {
    const checker = createLogChecker(ledger, (check, revision, what) =>
      found.add(check, { ledger, revision, what }),
    );
    const ahead = readingAhead(log);
    let at = 0;
    while (at < head.revision) {
      refuseAborted(signal);
      const page = await ahead.read(ledger, at, Math.min(pageEvents, head.revision - at));
      const last = page.at(-1);
      if (last === undefined || last.revision <= at) break;
      for (const stored of page) checker.take(stored);
      done += page.length;
      at = last.revision;
      onProgress('checking', done, total);
      await nextTurn();
    }
    checker.end(head);
  }
}

async function checkReplay(options: ReplayOptions, plan: ShadowPlan, found: Findings): Promise<void> {
  const fill = createFill(
    { ...options, onFilled: (done, total) => options.onProgress('filling', done, total) },
    plan,
  );
  try {
    await fill.catchUp();
  } catch (error) {
    if (!(error instanceof Failure) || error.reason !== 'projection_stopped') throw error;
    const isMisnumbered = error.message.includes('(subject_version)');
    found.add(isMisnumbered ? subjectVersions : projectable, { what: error.message });
    if (isMisnumbered) found.unknown(projectable);
    else found.unknown(subjectVersions);
    found.unknown(readModels);
    return checkIdempotencyKeys(options, found);
  }
  await checkIdempotencyKeys(options, found);
  options.onProgress('comparing', 0, 0);
  const { tables, notCompared } = await compareBeside(options, plan, fill);
  for (const table of tables.filter((one) => !isEqual(one))) addDifferences(table, found);
  for (const { projection, why } of notCompared) {
    found.unknown(readModels);
    found.note(readModels, { what: `${projection} was not compared: ${why}` });
  }
}

/** Of the replay's changesets; their unique index is not there yet, so that all of them are named. */
async function checkIdempotencyKeys({ shadowPool }: ReplayOptions, found: Findings): Promise<void> {
  const twice = await shadowPool.query<{ ledger: string; revision: number; all: number }>({
    text: `select c.ledger, max(c.first_revision) as revision, count(*) over () as all
             from varve_rebuild.changesets c
            where c.idempotency_key is not null
            group by c.ledger, c.actor, c.idempotency_key
           having count(*) > 1
            order by revision limit $1`,
    values: [maxExamples],
  });
  for (const { ledger, revision } of twice.rows)
    found.add(idempotencyKeys, { ledger, revision, what: 'has the idempotency key of an earlier changeset' });
  found.count(idempotencyKeys, (twice.rows[0]?.all ?? 0) - twice.rows.length);
}

function addDifferences(
  { table, missing, surplus, changed, examples }: TableComparison,
  found: Findings,
): void {
  const counts = [
    [missing, 'missing'],
    [surplus, 'too many'],
    [changed, 'changed'],
  ] as const;
  const told = counts.filter(([count]) => count > 0).map(([count, how]) => `${count} ${how}`);
  found.add(readModels, { what: `${table}: ${told.join(', ')}` });
  for (const key of examples) found.note(readModels, { what: `${table}: ${key}` });
  found.count(readModels, missing + surplus + changed - 1);
}

interface Findings {
  /** One violation, which is an example while there is room. */
  add(check: string, violation: Violation): void;
  /** More violations, without examples. */
  count(check: string, violations: number): void;
  /** An example that is no violation of its own. */
  note(check: string, violation: Violation): void;
  /** The check could not be made, or not of everything. */
  unknown(check: string): void;
  checks(): readonly Check[];
}

function createFindings(names: readonly string[]): Findings {
  const found = new Map<string, { violations: number; isUnknown: boolean; examples: Violation[] }>(
    names.map((name) => [name, { violations: 0, isUnknown: false, examples: [] }]),
  );
  const of = (name: string) => {
    const check = found.get(name);
    if (check === undefined) throw new Error(`there is no check ${name}`);
    return check;
  };
  const note = (name: string, violation: Violation): void => {
    if (of(name).examples.length < maxExamples) of(name).examples.push(violation);
  };
  return {
    add(name, violation) {
      of(name).violations += 1;
      note(name, violation);
    },
    count(name, violations) {
      of(name).violations += violations;
    },
    note,
    unknown(name) {
      of(name).isUnknown = true;
    },
    checks: () =>
      [...found].map(([name, { violations, isUnknown, examples }]) => ({
        name,
        result: violations > 0 ? 'violated' : isUnknown ? 'unknown' : 'ok',
        violations,
        examples,
      })),
  };
}
