/**
 * The events that make a model cost from now on what it is wanted to cost, and before now where a correction is undone.
 * In: its prices now and those that are wanted; out: drafts, one wherever another price would hold. Prices cannot be
 * taken back, so a later start or a higher revision covers what is not wanted.
 */
import { type Assertion, forever, inForce, withAssertion } from '../assertion.ts';
import type { EventBody } from '../event.ts';
import { formatInstant } from '../instant.ts';
import { equalPricing } from '../pricing.ts';
import type { PriceAssertion } from '../subject-state.ts';
import type { PriceTarget } from './restore.ts';

/** `now` is the recorded time of the events, epoch milliseconds. */
export function priceEvents(
  { id, wanted, past }: Pick<PriceTarget, 'id' | 'wanted' | 'past'>,
  current: readonly PriceAssertion[],
  now: number,
): readonly EventBody[] {
  const events: EventBody[] = [];
  let prices = current;
  for (const from of momentsOf([current, wanted, past ?? []], past === undefined ? now : 0, now)) {
    const held = inForce(prices, from);
    const pricing = inForce(from < now ? (past ?? []) : wanted, from)?.pricing ?? {};
    if (equalPricing(held?.pricing ?? {}, pricing)) continue;
    if (from >= now) {
      const start = from === now ? {} : { effectiveFrom: formatInstant(from) };
      events.push({ type: 'ModelPriceChanged', data: { id, pricing, ...start } });
    } else if (held === undefined) continue;
    else {
      const corrects = inForce(current, from)?.revision ?? held.revision;
      const data = { id, pricing, effectiveFrom: formatInstant(from), corrects };
      events.push({ type: 'ModelPriceCorrected', data });
    }
    const revision = Number.MAX_SAFE_INTEGER;
    prices = withAssertion(prices, { revision, from, until: forever, pricing });
  }
  return events;
}

/** Every moment at which a price may begin or end, from the first one on, and now; ascending. */
function momentsOf(lists: readonly (readonly Assertion[])[], first: number, now: number): readonly number[] {
  const moments = new Set([now]);
  for (const list of lists) {
    for (const { from, until } of list) {
      if (from >= first) moments.add(from);
      if (until >= first && until !== forever) moments.add(until);
    }
  }
  return [...moments].sort((a, b) => a - b);
}
