/**
 * Question: from which moment on did a key answer another value for a context? The events that the value can rest on are
 * read page by page, by index, and folded (domain/first-difference.ts); what is found is asked again of the tables as any
 * reader would ask, before it is answered.
 */
import { setImmediate as turn } from 'node:timers/promises';
import type { DifferenceQuestion, FirstDifference } from '../domain/blame-questions.ts';
import { keySubject, overrideSubject, type RecordedEvent } from '../domain/event.ts';
import {
  type Divergence,
  type Following,
  follow,
  sameValue,
  startTimeline,
  type Timeline,
} from '../domain/first-difference.ts';
import type { Moment } from '../domain/questions.ts';
import { type Resolution, resolve } from '../domain/resolve.ts';
import { scopesOf } from '../domain/scope.ts';
import { Failure } from '../failure.ts';
import { readPage } from './difference-page.ts';
import { lastingAssertions } from './lasting-assertions.ts';
import { recordedAt } from './recorded-at.ts';
import { revisionAt } from './revision-at.ts';
import type { Database } from './rows-of.ts';
import { stateAt } from './state-at.ts';

/** Once so many events were looked at, no further page is read. */
const maxEvents = 200_000;
/** Steps between two turns of other requests: about a millisecond, more where much is scheduled. */
const sliceSize = 100;

/** Undefined when nothing differs. Failures: `limited` (it says from where to ask on), `corrupt`. */
export async function firstDifference(
  database: Database,
  ledger: string,
  question: DifferenceQuestion,
  atMost = maxEvents,
): Promise<FirstDifference | undefined> {
  const { key, context, from, to } = question;
  const timeline = await timelineFrom(database, ledger, question);
  const subjects = [keySubject(key), ...scopesOf(context).map((scope) => overrideSubject(key, scope))];
  let seen = 0;
  for (let first = from.asOf + 1; ; ) {
    const page = await readPage(database, ledger, timeline, subjects, { first, last: to.asOf });
    const isLast = page.upTo === to.asOf;
    // Time beyond the last event of a page is passed with the next one.
    const following = follow(timeline, page.events, isLast ? to.at : from.at);
    const found = await inSlices(following, (revision) => isLate(database, ledger, revision));
    if (found !== undefined) return exactly(database, ledger, question, timeline, found);
    if (isLast) return undefined;
    first = page.upTo + 1;
    seen += page.events.length;
    if (seen >= atMost) throw tooMany(seen, page.upTo);
  }
}

async function timelineFrom(
  database: Database,
  ledger: string,
  { key, context, from }: DifferenceQuestion,
): Promise<Timeline> {
  const scopes = scopesOf(context);
  const known = { knownTo: from.asOf, withdrawnTo: from.asOf, without: [] };
  const [state, lists] = await Promise.all([
    stateAt(database, ledger, from, [key], [context]),
    lastingAssertions(
      database,
      ledger,
      from.at,
      scopes.map((scope) => ({ key, scope, ...known })),
    ),
  ]);
  for (const [index, scope] of scopes.entries()) {
    const assertions = lists[index] ?? [];
    if (assertions.length > 0) state.put(overrideSubject(key, scope), { version: 0, assertions });
  }
  return startTimeline(state, key, context, from.at);
}

async function inSlices(
  following: Following,
  ask: (revision: number) => Promise<boolean>,
): Promise<Divergence | undefined> {
  let told = false;
  for (let count = 1; ; count++) {
    const step = following.next(told);
    if (step.done === true) return step.value;
    if (step.value !== undefined) told = await ask(step.value);
    else if (count % sliceSize === 0) await turn();
  }
}

/** Whether the revision before it was recorded in the same millisecond. */
async function isLate(database: Database, ledger: string, revision: number): Promise<boolean> {
  const [earlier, own] = await Promise.all([
    recordedAt(database, ledger, revision - 1),
    recordedAt(database, ledger, revision),
  ]);
  return earlier === own;
}

/** Both sides of it, as read from the tables for their moments. */
async function exactly(
  database: Database,
  ledger: string,
  question: DifferenceQuestion,
  timeline: Timeline,
  { at, event }: Divergence,
): Promise<FirstDifference> {
  const sides =
    event === undefined
      ? await aroundTime(database, ledger, question, at)
      : await aroundEvent(database, ledger, event, at);
  const answerAt = async (moment: Moment): Promise<Resolution | undefined> => {
    const state = await stateAt(database, ledger, moment, [question.key], [question.context]);
    return resolve(state, question.key, question.context, moment.at);
  };
  const [before, after] = await Promise.all([answerAt(sides.before), answerAt(sides.after)]);
  if (!sameValue(timeline.first, before) || sameValue(timeline.first, after)) {
    throw new Failure('corrupt', `the events of ${question.key} and its assertions tell different stories`, {
      reason: 'difference_not_confirmed',
    });
  }
  return { revision: sides.revision, at, before, after, event };
}

interface Sides {
  readonly revision: number | null;
  readonly before: Moment;
  readonly after: Moment;
}

/** The millisecond before it; in the event's own one, if the revision before it was recorded then. */
async function aroundEvent(
  database: Database,
  ledger: string,
  { revision }: RecordedEvent,
  at: number,
): Promise<Sides> {
  const earlier = (await recordedAt(database, ledger, revision - 1)) ?? 0;
  const before = { asOf: revision - 1, at: Math.max(earlier, at - 1) };
  return { revision, before, after: { asOf: revision, at } };
}

/** The millisecond before it; after it the first revision that was recorded in it, if there is one. */
async function aroundTime(
  database: Database,
  ledger: string,
  { to }: DifferenceQuestion,
  at: number,
): Promise<Sides> {
  const asOf = Math.min(await revisionAt(database, ledger, at - 1), to.asOf);
  const revision = asOf < to.asOf ? asOf + 1 : null;
  const isThen = revision !== null && (await recordedAt(database, ledger, revision)) === at;
  return { revision, before: { asOf, at: at - 1 }, after: { asOf: isThen ? revision : asOf, at } };
}

function tooMany(seen: number, revision: number): Failure {
  return new Failure(
    'limited',
    `Nothing differs up to revision ${revision}, and ${seen} events were looked at: ask on from there`,
    { reason: 'too_many_events' },
  );
}
