/** The price at many moments is the price in force at each of them, whatever was asked before. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { inForce, withAssertion } from '../../../src/domain/assertion.ts';
import type { PriceAssertion } from '../../../src/domain/subject-state.ts';
import { priceOverTime } from '../../../src/domain/usage/price-over-time.ts';

const moment = fc.integer({ min: 0, max: 30 });
const prices = fc
  .array(fc.record({ from: moment, lasts: fc.integer({ min: 1, max: 15 }) }), { maxLength: 8 })
  .map((spans) =>
    spans.reduce<readonly PriceAssertion[]>(
      (list, { from, lasts }, index) =>
        withAssertion(list, {
          revision: index + 1,
          from,
          until: from + lasts,
          pricing: { input: `${index}` },
        }),
      [],
    ),
  );

test('equals inForce at every moment, in any order', () => {
  fc.assert(
    fc.property(prices, fc.array(moment, { minLength: 1, maxLength: 60 }), (list, moments) => {
      const priceAt = priceOverTime(list);
      for (const at of moments) expect([at, priceAt(at)]).toEqual([at, inForce(list, at)?.pricing]);
    }),
  );
});
