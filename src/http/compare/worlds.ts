/**
 * Worlds as a request spells them, opened: both on one reading of the clock and one head.
 * In: two wishes (points, arms, drafts); out: two open worlds. A draft is decided here and never appended. Every fault
 * names its place: `left.asOf`, `right.changes.3.key`.
 */
import type { Change } from '../../domain/change.ts';
import { type Draft, draftOf, type Sides } from '../../domain/compare/world.ts';
import { decideAll } from '../../domain/decide.ts';
import { Failure } from '../../failure.ts';
import type { LiveLedger } from '../../ledger/live-ledger.ts';
import { type Clocks, fixMoment, type Reading, readClocks } from '../clocks.ts';
import type { HttpDependencies } from '../dependencies.ts';
import { draftBase } from './draft-base.ts';
import { bindWorld, type OpenWorld } from './open-world.ts';

/** A world as it is asked for; without anything it is the head, now. */
export interface WorldWish {
  readonly asOf?: string;
  /** Epoch milliseconds. */
  readonly at?: number;
  readonly arm?: string;
  readonly changes?: readonly Change[];
}

type Side = keyof Sides<unknown>;

/** Failures: invalid, refused (a draft), limited (a draft on an old point), unavailable. */
export async function openWorlds(
  dependencies: HttpDependencies,
  ledger: LiveLedger,
  wishes: Sides<WorldWish>,
): Promise<Sides<OpenWorld>> {
  const leftClocks = await clocksOf(dependencies, ledger, wishes.left, 'left');
  const rightClocks = await clocksOf(dependencies, ledger, wishes.right, 'right');
  // One head and one now for both, and for drafts on the head: nothing is awaited before they are decided.
  const now = dependencies.now();
  const [left, right] = await Promise.all([
    openWorld(dependencies, ledger, wishes.left, fixMoment(leftClocks, ledger.state, now), 'left'),
    openWorld(dependencies, ledger, wishes.right, fixMoment(rightClocks, ledger.state, now), 'right'),
  ]);
  return { left, right };
}

/** `at` stays out of it: a draft is decided at the point's own moment. */
function clocksOf(
  dependencies: HttpDependencies,
  ledger: LiveLedger,
  { asOf }: WorldWish,
  side: Side,
): Promise<Clocks> {
  return readClocks(dependencies, ledger, asOf === undefined ? {} : { asOf }, `${side}.asOf`);
}

async function openWorld(
  dependencies: HttpDependencies,
  ledger: LiveLedger,
  { at, arm, changes }: WorldWish,
  point: Reading,
  side: Side,
): Promise<OpenWorld> {
  const draft =
    changes === undefined
      ? undefined
      : await placed(side, () => draftOn(dependencies, ledger, point, changes));
  const world = {
    asOf: point.asOf,
    at: at ?? point.at,
    ...(arm === undefined ? {} : { arm }),
    ...(draft === undefined ? {} : { draft }),
  };
  const isEarly = world.at < point.at && world.at < (await recordedAt(dependencies, ledger, point));
  return bindWorld(dependencies.reads, ledger, world, isEarly);
}

/** On the head at once, on the state that a real changeset would be decided on. */
async function draftOn(
  { reads }: HttpDependencies,
  { name, state }: LiveLedger,
  point: Reading,
  changes: readonly Change[],
): Promise<Draft> {
  const base = point.isLive ? state : await draftBase(reads, name, point, changes);
  return draftOf(decideAll(base, changes, point.at, 'api'), point.at);
}

async function recordedAt(
  { reads }: HttpDependencies,
  { name }: LiveLedger,
  { asOf }: Reading,
): Promise<number> {
  if (asOf === 0) return 0;
  await reads.waitFor(name, asOf, ['history']);
  const time = await reads.recordedAt(name, asOf);
  if (time === undefined) throw new Failure('corrupt', `revision ${asOf} is not in the history`);
  return time;
}

/** Says in a failure which world it is about. */
async function placed<T>(side: Side, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof Failure) || error.details.length === 0) throw error;
    throw new Failure(error.code, `in the ${side} world: ${error.message}`, {
      ...(error.reason === undefined ? {} : { reason: error.reason }),
      ...(error.retryAfterSeconds === undefined ? {} : { retryAfterSeconds: error.retryAfterSeconds }),
      details: error.details.map(({ path, message }) => ({ path: `${side}.${path}`, message })),
      cause: error,
    });
  }
}
