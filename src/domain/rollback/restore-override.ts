/**
 * The events that make an override say from now on what it is wanted to say: what it says already is not said again.
 * In: its assertions now and those that are wanted, sorted by start and revision; out: drafts. For the moments before
 * now nothing changes: what has started is covered by what starts now, what has not is taken back.
 */
import { forever, withoutPast } from '../assertion.ts';
import type { EventBody } from '../event.ts';
import { equal } from '../field-changes.ts';
import { formatInstant } from '../instant.ts';
import type { JsonValue } from '../json.ts';
import type { Scope } from '../scope.ts';
import type { OverrideAssertion } from '../subject-state.ts';

type Assertions = readonly OverrideAssertion[];

/** `now` is the recorded time of the events, epoch milliseconds. */
export function overrideEvents(
  place: { readonly key: string; readonly scope: Scope },
  current: Assertions,
  wanted: Assertions,
  now: number,
): readonly EventBody[] {
  const [started, scheduled] = parted(withoutPast(current, now), now);
  const [wantedStarted, wantedScheduled] = parted(withoutPast(wanted, now), now);
  const { kept, missing } = compared(scheduled, withoutCovered(wantedScheduled));
  const withdrawn = scheduled.filter(({ revision }) => !kept.has(revision));
  return [
    ...withdrawn.map(
      ({ revision }): EventBody => ({ type: 'OverrideWithdrawn', data: { ...place, revision } }),
    ),
    ...startedEvents(place, started, wantedStarted),
    ...missing.map((assertion) => said(place, assertion, assertion.from)),
  ];
}

/** What has started by now, and what has still to. */
function parted(assertions: Assertions, now: number): readonly [Assertions, Assertions] {
  return [assertions.filter(({ from }) => from <= now), assertions.filter(({ from }) => from > now)];
}

/** Of those that start together, one that a later one outlasts never holds. */
function withoutCovered(scheduled: Assertions): Assertions {
  let from: number | undefined;
  let lasting = 0;
  const kept = scheduled.toReversed().filter((assertion) => {
    if (assertion.from === from && assertion.until <= lasting) return false;
    lasting = assertion.from === from ? Math.max(lasting, assertion.until) : assertion.until;
    from = assertion.from;
    return true;
  });
  return kept.reverse();
}

/**
 * By revision, what stands already and may stay, and what has to be said. Of several with one start the higher revision
 * wins, and what is said again gets a higher one: so only the first ones of a start stay, up to the first that is missing.
 */
function compared(
  scheduled: Assertions,
  wanted: Assertions,
): { readonly kept: ReadonlySet<number>; readonly missing: Assertions } {
  const kept = new Set<number>();
  const missing: OverrideAssertion[] = [];
  let place = 0;
  let brokenFrom: number | undefined;
  for (const assertion of wanted) {
    const found = assertion.from === brokenFrom ? undefined : placeOf(scheduled, assertion, place);
    const standing = found === undefined ? undefined : scheduled[found];
    if (found === undefined || standing === undefined) {
      missing.push(assertion);
      brokenFrom = assertion.from;
    } else {
      kept.add(standing.revision);
      place = found + 1;
    }
  }
  return { kept, missing };
}

/** Where the same is said at the same start, from a place on. */
function placeOf(scheduled: Assertions, wanted: OverrideAssertion, place: number): number | undefined {
  for (let index = place; index < scheduled.length; index++) {
    const assertion = scheduled[index];
    if (assertion === undefined || assertion.from > wanted.from) return undefined;
    if (assertion.from === wanted.from && saysTheSame(assertion, wanted)) return index;
  }
  return undefined;
}

/** All start now, the lowest first, so that each covers those before it for as long as it lasts. */
function startedEvents(
  place: { readonly key: string; readonly scope: Scope },
  started: Assertions,
  wantedStarted: Assertions,
): readonly EventBody[] {
  const current = withoutFloor(started);
  const wanted = withoutFloor(wantedStarted);
  if (isSameStack(current, wanted)) return [];
  // Where what is wanted ends before what stands, "not set here" keeps the latter from coming back.
  const floor: readonly EventBody[] =
    lastEnd(current) > lastEnd(wanted) ? [{ type: 'OverrideCleared', data: { ...place } }] : [];
  return [...floor, ...wanted.map((assertion) => said(place, assertion))];
}

/** Below everything else, "not set here" says nothing. */
function withoutFloor(stack: Assertions): Assertions {
  const lowest = stack.findIndex(({ kind }) => kind !== 'cleared');
  return lowest < 0 ? [] : stack.slice(lowest);
}

function isSameStack(one: Assertions, other: Assertions): boolean {
  return one.length === other.length && one.every((assertion, index) => saysTheSame(assertion, other[index]));
}

function saysTheSame(one: OverrideAssertion, other: OverrideAssertion | undefined): boolean {
  return (
    other !== undefined &&
    one.kind === other.kind &&
    one.until === other.until &&
    equal(asJson(one.value), asJson(other.value))
  );
}

function lastEnd(stack: Assertions): number {
  return stack.reduce((last, { until }) => Math.max(last, until), Number.NEGATIVE_INFINITY);
}

/** The assertion said again, from a time or else from now. */
function said(
  place: { readonly key: string; readonly scope: Scope },
  { kind, value, until }: OverrideAssertion,
  from?: number,
): EventBody {
  const interval = {
    ...(from === undefined ? {} : { effectiveFrom: formatInstant(from) }),
    ...(until === forever ? {} : { effectiveUntil: formatInstant(until) }),
  };
  switch (kind) {
    case 'cleared':
      return { type: 'OverrideCleared', data: { ...place, ...interval } };
    case 'value':
      return { type: 'OverrideSet', data: { ...place, ...interval, value } };
    case 'allocation':
      return { type: 'OverrideSet', data: { ...place, ...interval, allocation: value } };
    default:
      return kind satisfies never;
  }
}

const asJson = (value: OverrideAssertion['value']) => value as JsonValue;
