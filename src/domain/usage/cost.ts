/**
 * What usage costs in sum: a sheet to which records are added, each with the price that holds for it.
 * Records, the names that they count for and prices come in; exact sums in US dollars go out, whatever the order of adding.
 * A record without a known price is counted as such, never guessed. Memory is bounded by the names told apart.
 */

import type { Pricing } from '../pricing.ts';
import { createNamedSums, type NamedSums, type SumKind } from './named-sums.ts';
import { createPricer, dollarsOf } from './token-price.ts';
import { noTokens, type TokenCounts, type TokenName, tokenNames } from './usage.ts';

/** What a record is counted for; null where it names nothing. */
export interface CostNames {
  readonly model: string | null;
  readonly tenant: string | null;
  readonly key: string | null;
}

export interface CostSum {
  readonly records: number;
  /** How many of the records have no known price; they add nothing to `cost`. */
  readonly unpriced: number;
  /** US dollars, a plain decimal. */
  readonly cost: string;
}

export interface CostOfName extends CostSum {
  /** Null for the records that name nothing, and for the rest. */
  readonly name: string | null;
  /** Only on the last entry of a list that was cut: the sum of all names that are not listed. */
  readonly isRest?: true;
}

/** The tokens are those of all records, unpriced ones included. */
export type CostTotal = CostSum & TokenCounts;

/** Sums of many records. The entries of each list add up to the total, to the last digit. */
export interface CostSheet {
  /** Counts a record; `pricing` is the price at its time, undefined when none is known. */
  add(tokens: TokenCounts, names: CostNames, pricing: Pricing | undefined): void;
  total(): CostTotal;
  /** Dearest first, then by name; what is beyond `limit` names is one more entry with `isRest`. */
  byModel(limit: number): readonly CostOfName[];
  byTenant(limit: number): readonly CostOfName[];
  byKey(limit: number): readonly CostOfName[];
}

/** An empty sheet. */
export function createCostSheet(): CostSheet {
  const price = createPricer();
  const tokens: { [Name in TokenName]: number } = { ...noTokens };
  const sum = emptySum();
  const models = createNamedSums(costs);
  const tenants = createNamedSums(costs);
  const keys = createNamedSums(costs);
  return {
    add(counts, { model, tenant, key }, pricing) {
      const units = price(counts, pricing);
      for (const name of tokenNames) tokens[name] += counts[name];
      addUnits(sum, units);
      addUnits(models.of(model), units);
      addUnits(tenants.of(tenant), units);
      addUnits(keys.of(key), units);
    },
    total: () => ({ ...answerOf(sum), ...tokens }),
    byModel: (limit) => listOf(models, limit),
    byTenant: (limit) => listOf(tenants, limit),
    byKey: (limit) => listOf(keys, limit),
  };
}

/** A sum that grows; `units` are 10⁻²⁴ US dollars. */
interface Sum {
  records: number;
  unpriced: number;
  units: bigint;
}

/** Dearest first. */
const costs: SumKind<Sum> = {
  empty: emptySum,
  add(sum, other) {
    sum.records += other.records;
    sum.unpriced += other.unpriced;
    sum.units += other.units;
  },
  compare: (one, other) => (one.units === other.units ? 0 : one.units > other.units ? -1 : 1),
};

function listOf(sums: NamedSums<Sum>, limit: number): readonly CostOfName[] {
  const { named, rest } = sums.list(limit);
  const listed = named.map(({ name, sum }) => ({ name, ...answerOf(sum) }));
  return rest === undefined ? listed : [...listed, { name: null, isRest: true, ...answerOf(rest) }];
}

function emptySum(): Sum {
  return { records: 0, unpriced: 0, units: 0n };
}

function addUnits(sum: Sum, units: bigint | undefined): void {
  sum.records += 1;
  if (units === undefined) sum.unpriced += 1;
  else sum.units += units;
}

function answerOf({ records, unpriced, units }: Sum): CostSum {
  return { records, unpriced, cost: dollarsOf(units) };
}
