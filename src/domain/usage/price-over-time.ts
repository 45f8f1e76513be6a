/**
 * The price of a model at many moments, one after the other.
 * Its price assertions come in, sorted as assertion.ts keeps them; the price in force goes out. Asked for moments that
 * ascend, it looks only once between two boundaries, however many prices there are.
 */
import { inForce, nextBoundary } from '../assertion.ts';
import type { Pricing } from '../pricing.ts';
import type { PriceAssertion } from '../subject-state.ts';

/** The price in force at a moment (epoch milliseconds); undefined when none is known. */
export type PriceOverTime = (at: number) => Pricing | undefined;

export function priceOverTime(prices: readonly PriceAssertion[]): PriceOverTime {
  // What was found last holds in [from, until).
  let from = 0;
  let until = 0;
  let found: Pricing | undefined;
  return (at) => {
    if (at < from || at >= until) {
      from = at;
      until = nextBoundary(prices, at);
      found = inForce(prices, at)?.pricing;
    }
    return found;
  };
}
