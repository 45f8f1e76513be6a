/**
 * Assertions: statements that hold in an interval `[from, until)` of the effective clock.
 * The one rule for overrides and prices alike: among those that cover a moment, the one that starts last
 * holds; of two that start together, the one with the higher revision.
 * Lists are kept sorted by (from, revision), so the answer is the last one that covers the moment.
 */

import { formatInstant } from './instant.ts';

/** The end of what has no end: the last moment that a Date can hold, in epoch milliseconds. */
export const forever = 8_640_000_000_000_000;

/** An end as it is told: RFC 3339 in UTC, null for what has none. */
export function formatEnd(until: number): string | null {
  return until === forever ? null : formatInstant(until);
}

export interface Assertion {
  readonly revision: number;
  /** Epoch milliseconds, inclusive. */
  readonly from: number;
  /** Epoch milliseconds, exclusive; `forever` when it has no end. */
  readonly until: number;
}

/** The assertion in force at a moment (epoch milliseconds), or undefined. */
export function inForce<A extends Assertion>(assertions: readonly A[], at: number): A | undefined {
  for (let index = assertions.length - 1; index >= 0; index--) {
    const assertion = assertions[index];
    if (assertion !== undefined && assertion.from <= at && at < assertion.until) return assertion;
  }
  return undefined;
}

/** The list with one more assertion, in its place. */
export function withAssertion<A extends Assertion>(assertions: readonly A[], added: A): readonly A[] {
  let place = assertions.length;
  while (place > 0) {
    const before = assertions[place - 1];
    if (before === undefined || precedes(before, added)) break;
    place--;
  }
  return assertions.toSpliced(place, 0, added);
}

/**
 * The list without what can no longer hold at `now` or later: what has ended, and what started no later than
 * another one that has started and lasts at least as long. Keeps a scope that is changed a million times small.
 */
export function withoutPast<A extends Assertion>(assertions: readonly A[], now: number): readonly A[] {
  if (assertions.length < 2 && (assertions[0]?.until ?? forever) > now) return assertions;
  const kept: A[] = [];
  let lasting = Number.NEGATIVE_INFINITY;
  for (let index = assertions.length - 1; index >= 0; index--) {
    const assertion = assertions[index];
    if (assertion === undefined || assertion.until <= now || assertion.until <= lasting) continue;
    kept.push(assertion);
    if (assertion.from <= now) lasting = Math.max(lasting, assertion.until);
  }
  return kept.reverse();
}

/** The first moment after `at` at which an assertion of the list starts or ends; `forever` when there is none. */
export function nextBoundary(assertions: readonly Assertion[], at: number): number {
  let next = forever;
  for (const { from, until } of assertions) {
    if (from > at && from < next) next = from;
    if (until > at && until < next) next = until;
  }
  return next;
}

/**
 * Whether saying something again from `from` to `until` would change nothing: of what starts no later, whatever holds in
 * that time says it already. Later starts win over both, and may be taken back, so they are not looked at.
 * `silenceSaysIt` tells what it means that nothing holds.
 */
export function alreadyHolds<A extends Assertion>(
  assertions: readonly A[],
  interval: { readonly from: number; readonly until: number },
  saysTheSame: (assertion: A) => boolean,
  silenceSaysIt = false,
): boolean {
  const earlier = assertions.filter(({ from }) => from <= interval.from);
  for (let at = interval.from; at < interval.until; ) {
    const current = inForce(earlier, at);
    // Nothing that has started covers this moment, so nothing of it covers a later one.
    if (current === undefined) return silenceSaysIt;
    if (!saysTheSame(current)) return false;
    at = current.until;
  }
  return true;
}

function precedes(a: Assertion, b: Assertion): boolean {
  return a.from < b.from || (a.from === b.from && a.revision < b.revision);
}
