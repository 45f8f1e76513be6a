/**
 * What recorded usage costs in two worlds.
 * Records come in, each with the model and the price that it has in either world; sums and their differences go out,
 * right minus left, exact to the last digit: swapping the worlds turns every sign. Which model a record uses in a world
 * is not decided here, and no token count is ever changed.
 */
import type { Pricing } from '../pricing.ts';
import { createPricer, dollarsOf } from '../usage/token-price.ts';
import type { UsageRecord } from '../usage/usage.ts';
import type { Sides } from './world.ts';

/** The most names that a list tells apart; those that come after them are summed. */
const maxNames = 20_000;

/** What a record uses in a world. */
export interface Use {
  /** Null where the record names none. */
  readonly model: string | null;
  /** Undefined when the world knows no price. */
  readonly pricing: Pricing | undefined;
}

/** US dollars, plain decimals. */
export interface CostPair {
  readonly left: string;
  readonly right: string;
  /** Right minus left. */
  readonly difference: string;
}

export interface CostPairOfName extends CostPair {
  /** Null for the records that name nothing, and for the rest. */
  readonly name: string | null;
  /** Only on the last entry of a list that was cut: all names that are not listed. */
  readonly isRest?: true;
}

/** The entries of each list add up to the pair of all records. */
export interface CostComparison extends CostPair {
  readonly records: number;
  /** Records without a known price; they add nothing on that side. */
  readonly unpriced: Sides<number>;
  readonly byModel: readonly CostPairOfName[];
  readonly byTenant: readonly CostPairOfName[];
  readonly byKey: readonly CostPairOfName[];
  /** How many records use another model on the right than on the left. */
  readonly modelDiffers: number;
  /** How many records name a model and use another one. */
  readonly modelNotRecorded: Sides<number>;
}

/** Weighs records in two worlds at once. */
export interface CostScale {
  add(record: UsageRecord, left: Use, right: Use): void;
  /** The names with the largest differences first, at most `limit` of them and one entry for the rest. */
  answer(limit: number): CostComparison;
}

/** An empty scale; its memory is bounded by the names that it tells apart. */
export function createCostScale(): CostScale {
  const price = createPricer();
  const total = emptySum();
  const models = createNamedSums();
  const tenants = createNamedSums();
  const keys = createNamedSums();
  const unpriced = { left: 0, right: 0 };
  const modelNotRecorded = { left: 0, right: 0 };
  let records = 0;
  let modelDiffers = 0;

  /** What a record costs on a side, after counting what is not known of it. */
  function weigh(side: keyof Sum, record: UsageRecord, { model, pricing }: Use): bigint {
    if (record.model !== undefined && record.model !== model) modelNotRecorded[side] += 1;
    const units = price(record, pricing);
    if (units === undefined) unpriced[side] += 1;
    return units ?? 0n;
  }

  return {
    add(record, left, right) {
      records += 1;
      if (left.model !== right.model) modelDiffers += 1;
      const onLeft = weigh('left', record, left);
      const onRight = weigh('right', record, right);
      addPair(total, onLeft, onRight);
      addPair(tenants.of(record.tenant), onLeft, onRight);
      addPair(keys.of(record.key), onLeft, onRight);
      models.of(left.model).left += onLeft;
      models.of(right.model).right += onRight;
    },
    answer: (limit) => ({
      ...pairOf(total),
      records,
      unpriced: { ...unpriced },
      byModel: models.list(limit),
      byTenant: tenants.list(limit),
      byKey: keys.list(limit),
      modelDiffers,
      modelNotRecorded: { ...modelNotRecorded },
    }),
  };
}

/** Units of 10⁻²⁴ US dollars (token-price.ts). */
interface Sum {
  left: bigint;
  right: bigint;
}

function createNamedSums() {
  const sums = new Map<string | null, Sum>();
  const beyond = emptySum();
  let hasBeyond = false;
  return {
    of(name: string | null = null): Sum {
      const known = sums.get(name);
      if (known !== undefined) return known;
      if (sums.size >= maxNames) {
        hasBeyond = true;
        return beyond;
      }
      const added = emptySum();
      sums.set(name, added);
      return added;
    },
    list(limit: number): readonly CostPairOfName[] {
      const sorted = [...sums]
        .map(([name, sum]) => ({ name, sum, weight: weightOf(sum) }))
        .sort((one, other) => byWeight(one, other));
      const listed = sorted.slice(0, limit).map(({ name, sum }) => ({ name, ...pairOf(sum) }));
      const cut = sorted.slice(limit);
      if (cut.length === 0 && !hasBeyond) return listed;
      const rest = { ...beyond };
      for (const { sum } of cut) {
        rest.left += sum.left;
        rest.right += sum.right;
      }
      return [...listed, { name: null, isRest: true, ...pairOf(rest) }];
    },
  };
}

interface Weighed {
  readonly name: string | null;
  readonly sum: Sum;
  /** The size of the difference. */
  readonly weight: bigint;
}

function weightOf({ left, right }: Sum): bigint {
  return right > left ? right - left : left - right;
}

/** Where nothing differs the dearest first, so that both orders of the worlds give one order of names. */
function byWeight(one: Weighed, other: Weighed): number {
  if (one.weight !== other.weight) return one.weight > other.weight ? -1 : 1;
  const cost = one.sum.left + one.sum.right;
  const otherCost = other.sum.left + other.sum.right;
  if (cost !== otherCost) return cost > otherCost ? -1 : 1;
  return (one.name ?? '') < (other.name ?? '') ? -1 : 1;
}

function pairOf({ left, right }: Sum): CostPair {
  return { left: dollarsOf(left), right: dollarsOf(right), difference: dollarsOf(right - left) };
}

function addPair(sum: Sum, left: bigint, right: bigint): void {
  sum.left += left;
  sum.right += right;
}

function emptySum(): Sum {
  return { left: 0n, right: 0n };
}
