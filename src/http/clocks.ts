/**
 * The two clocks of a request (product.md: "A request reads the clock once").
 * In: asOf, at and minRevision as they were asked; out: the moment on both clocks, and whether memory can answer it.
 * Waits only for what the question itself asks to wait for; it never rounds, and the present is never before the head.
 */
import { parseInstant } from '../domain/instant.ts';
import type { LiveState } from '../domain/live-state.ts';
import type { Moment } from '../domain/questions.ts';
import type { Reads } from '../domain/reads.ts';
import { Failure } from '../failure.ts';
import type { LiveLedger } from '../ledger/live-ledger.ts';
import { invalidAt } from './problem.ts';

/** What was asked; times are epoch milliseconds. */
export interface ClockQuestion {
  readonly asOf?: string;
  readonly at?: number;
  readonly minRevision?: number;
}

/** What it comes to: a revision that is past, or the head whatever it is when the answer is made. */
export interface Clocks {
  readonly asOf: number | 'head';
  readonly at: number | 'now';
}

/** A moment, and whether the live state answers it. */
export interface Reading extends Moment {
  readonly isLive: boolean;
}

/** Further ahead than this nobody waits: the revision is made up. */
const maxAhead = 1_000_000;

const revisionPattern = /^(?:0|[1-9]\d{0,15})$/;
const tagPrefix = 'tag:';

/** Failures: invalid (naming `place` or query.minRevision), unavailable (the revision did not come in time). */
export async function readClocks(
  dependencies: {
    readonly reads: Pick<Reads, 'waitFor' | 'revisionAt' | 'recordedAt'>;
    readonly now: () => number;
  },
  ledger: LiveLedger,
  question: ClockQuestion,
  place = 'query.asOf',
): Promise<Clocks> {
  const { asOf, at, minRevision } = question;
  if (minRevision !== undefined) await waitForRevision(ledger, minRevision, 'query.minRevision');
  if (asOf === undefined) return { asOf: 'head', at: at ?? 'now' };
  if (asOf.startsWith(tagPrefix)) {
    const revision = taggedRevision(ledger.state, asOf.slice(tagPrefix.length), place);
    return { asOf: revision, at: at ?? (await recordedAt(dependencies.reads, ledger, revision)) };
  }
  if (revisionPattern.test(asOf)) {
    const revision = Number(asOf);
    if (revision > ledger.state.revision) {
      throw invalidAt(place, `the ledger ends at revision ${ledger.state.revision}`, 'beyond_head');
    }
    return { asOf: revision, at: at ?? (await recordedAt(dependencies.reads, ledger, revision)) };
  }
  const time = parseInstant(asOf);
  if (time === undefined) throw invalidAt(place, 'a revision, a time (RFC 3339) or tag:<name>');
  const { state } = ledger;
  if (time > presentOf(state, dependencies.now())) {
    throw invalidAt(place, 'the ledger does not know the future; ask it with at', 'in_the_future');
  }
  return { asOf: await revisionAt(dependencies.reads, ledger, time), at: at ?? time };
}

/** The moment as it is now; nothing may be awaited between this and the use of the live state. */
export function fixMoment(clocks: Clocks, state: LiveState, now: number): Reading {
  const asOf = clocks.asOf === 'head' ? state.revision : clocks.asOf;
  const at = clocks.at === 'now' ? presentOf(state, now) : clocks.at;
  return { asOf, at, isLive: asOf === state.revision && at >= state.recordedAt };
}

/** "Now" is never before the head's recorded time. */
export function presentOf(state: LiveState, now: number): number {
  return Math.max(now, state.recordedAt);
}

/** Waits (bounded) until this server has a revision; one that is far ahead is `invalid` at once. */
export async function waitForRevision(ledger: LiveLedger, revision: number, place: string): Promise<void> {
  const head = ledger.state.revision;
  if (revision <= head) return;
  if (revision > head + maxAhead)
    throw invalidAt(place, `the ledger ends at revision ${head}`, 'beyond_head');
  await ledger.reached(revision);
}

function taggedRevision(state: LiveState, name: string, place: string): number {
  const tag = state.tag(name);
  if (tag === undefined) throw invalidAt(place, 'there is no such tag', 'unknown_tag');
  return tag.revision;
}

/** Revision 0 is the empty ledger, before all time. */
async function recordedAt(
  reads: Pick<Reads, 'waitFor' | 'recordedAt'>,
  ledger: LiveLedger,
  revision: number,
): Promise<number> {
  if (revision === 0) return 0;
  if (revision === ledger.state.revision) return ledger.state.recordedAt;
  await reads.waitFor(ledger.name, revision, ['history']);
  const time = await reads.recordedAt(ledger.name, revision);
  if (time === undefined) throw new Failure('corrupt', `revision ${revision} is not in the history`);
  return time;
}

async function revisionAt(
  reads: Pick<Reads, 'waitFor' | 'revisionAt'>,
  ledger: LiveLedger,
  time: number,
): Promise<number> {
  const { state } = ledger;
  if (time >= state.recordedAt) return state.revision;
  await reads.waitFor(ledger.name, state.revision, ['changesets']);
  return reads.revisionAt(ledger.name, time);
}
