/**
 * Restatement: what usage costs more or less because prices of the past were corrected.
 * Records come in with the price that was believed and the one that is known; exact sums of old and new cost go out, by
 * model and tenant. A price that merely changed has no old and new: only corrections are taken away for the old side.
 */

import { equalPricing, type Pricing } from '../pricing.ts';
import { createNamedSums, type SumKind } from './named-sums.ts';
import { createPricer, dollarsOf } from './token-price.ts';
import type { TokenCounts } from './usage.ts';
import type { KnownPrice, PriceCorrection } from './usage-questions.ts';

/** US dollars, plain decimals; an unknown cost counts as 0 and is told. */
export interface RestatedCost {
  /** Those whose cost has changed; others are not in the sums. */
  readonly records: number;
  readonly oldCost: string;
  readonly newCost: string;
  /** New minus old. */
  readonly difference: string;
  /** How many of the records had no known price before. */
  readonly newlyPriced: number;
  /** How many of them have none any more. */
  readonly noLongerPriced: number;
}

export interface RestatedItem extends RestatedCost {
  /** Null only for the rest. */
  readonly model: string | null;
  readonly tenant: string | null;
  /** Only on the last item of a list that was cut: all models and tenants that are not listed. */
  readonly isRest?: true;
}

export interface Restatement {
  /** Counts a record if its cost differs; undefined is a price that is not known. */
  add(
    tokens: TokenCounts,
    names: { readonly model: string; readonly tenant: string | null },
    old: Pricing | undefined,
    now: Pricing | undefined,
  ): void;
  total(): RestatedCost;
  /** Largest differences first; the items add up to the total, to the last digit. */
  items(limit: number): readonly RestatedItem[];
}

/** An empty restatement; its memory is bounded by the pairs of models and tenants told apart. */
export function createRestatement(): Restatement {
  const price = createPricer();
  const total = emptySum();
  const pairs = createNamedSums(restated);
  return {
    add(tokens, { model, tenant }, old, now) {
      if (samePrice(old, now)) return;
      const before = price(tokens, old);
      const after = price(tokens, now);
      if (before === after) return;
      addCost(total, before, after);
      addCost(pairs.of(`${model}\n${tenant ?? ''}`), before, after);
    },
    total: () => answerOf(total),
    items(limit) {
      const { named, rest } = pairs.list(limit);
      const items = named.map(({ name, sum }) => ({ ...namesOf(name), ...answerOf(sum) }));
      if (rest === undefined) return items;
      return [...items, { model: null, tenant: null, isRest: true, ...answerOf(rest) }];
    },
  };
}

/** The prices as they would be known had no correction been recorded after a revision. */
export function withoutCorrections(prices: readonly KnownPrice[], since: number): readonly KnownPrice[] {
  return prices.filter(({ kind, revision }) => kind !== 'corrected' || revision <= since);
}

export interface Span {
  /** Epoch milliseconds, inclusive. */
  readonly from: number;
  /** Exclusive. */
  readonly to: number;
}

/** The parts of a window in which each model's price was corrected: in order, none empty, none touching another. */
export function correctedSpans(
  corrections: readonly PriceCorrection[],
  window: Span,
): ReadonlyMap<string, readonly Span[]> {
  const spans = new Map<string, { from: number; to: number }[]>();
  for (const correction of corrections.toSorted((one, other) => one.from - other.from)) {
    const from = Math.max(correction.from, window.from);
    const to = Math.min(correction.until, window.to);
    if (from >= to) continue;
    const ofModel = spans.get(correction.model) ?? [];
    const last = ofModel.at(-1);
    if (last !== undefined && from <= last.to) last.to = Math.max(last.to, to);
    else ofModel.push({ from, to });
    spans.set(correction.model, ofModel);
  }
  return spans;
}

/** A sum that grows; costs are units of 10⁻²⁴ US dollars. */
interface Sum {
  records: number;
  newlyPriced: number;
  noLongerPriced: number;
  old: bigint;
  new: bigint;
}

const restated: SumKind<Sum> = {
  empty: emptySum,
  add(sum, other) {
    sum.records += other.records;
    sum.newlyPriced += other.newlyPriced;
    sum.noLongerPriced += other.noLongerPriced;
    sum.old += other.old;
    sum.new += other.new;
  },
  compare(one, other) {
    const [size, otherSize] = [sizeOf(one), sizeOf(other)];
    return size === otherSize ? 0 : size > otherSize ? -1 : 1;
  },
};

function sizeOf(sum: Sum): bigint {
  return sum.new > sum.old ? sum.new - sum.old : sum.old - sum.new;
}

function emptySum(): Sum {
  return { records: 0, newlyPriced: 0, noLongerPriced: 0, old: 0n, new: 0n };
}

function addCost(sum: Sum, before: bigint | undefined, after: bigint | undefined): void {
  sum.records += 1;
  if (before === undefined) sum.newlyPriced += 1;
  if (after === undefined) sum.noLongerPriced += 1;
  sum.old += before ?? 0n;
  sum.new += after ?? 0n;
}

function samePrice(one: Pricing | undefined, other: Pricing | undefined): boolean {
  return one === other || (one !== undefined && other !== undefined && equalPricing(one, other));
}

/** The names of a pair: neither has a line break, and no tenant is empty. */
function namesOf(pair: string | null): { readonly model: string | null; readonly tenant: string | null } {
  const [model = null, tenant = ''] = pair?.split('\n') ?? [];
  return { model, tenant: tenant === '' ? null : tenant };
}

function answerOf(sum: Sum): RestatedCost {
  const { records, newlyPriced, noLongerPriced } = sum;
  return {
    records,
    oldCost: dollarsOf(sum.old),
    newCost: dollarsOf(sum.new),
    difference: dollarsOf(sum.new - sum.old),
    newlyPriced,
    noLongerPriced,
  };
}
