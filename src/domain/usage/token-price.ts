/**
 * What one record of usage costs: which amount of a price holds for which of its tokens.
 * Token counts and a price come in; the cost goes out as a whole number of 10⁻²⁴ US dollars, which is exact for every
 * price there can be. This file must never calculate with floats, and never guess a price that is not known.
 */
import { Big } from 'big.js';
import type { PriceAmounts, Pricing } from '../pricing.ts';
import { type TokenCounts, type TokenName, tokenNames } from './usage.ts';

/** Which amount a count is charged by, and which one when that is not known. */
const amountNamesOf = {
  inputTokens: ['input'],
  outputTokens: ['output'],
  cacheReadTokens: ['cacheRead', 'input'],
  cacheWriteTokens: ['cacheWrite', 'input'],
  reasoningTokens: ['reasoning', 'output'],
  inputAudioTokens: ['inputAudio', 'input'],
  outputAudioTokens: ['outputAudio', 'output'],
} as const satisfies Record<TokenName, readonly (keyof PriceAmounts)[]>;

/** A price has at most 18 decimals and is for a million (10⁶) tokens. */
const unitsOfAmount = '1e18';
const unitExponent = -24;

/** The cost of a record in units of 10⁻²⁴ US dollars; undefined when a count that has tokens has no price. */
export type Pricer = (tokens: TokenCounts, pricing: Pricing | undefined) => bigint | undefined;

/** Prices records; what it works out about a price it keeps as long as somebody holds the price. */
export function createPricer(): Pricer {
  const cards = new WeakMap<Pricing, RateCard>();
  return (tokens, pricing = nothingKnown) => {
    let card = cards.get(pricing);
    if (card === undefined) {
      card = rateCardOf(pricing);
      cards.set(pricing, card);
    }
    const rates = ratesFor(card, tokens);
    let cost = 0n;
    for (const name of tokenNames) {
      const count = tokens[name];
      if (count === 0) continue;
      const rate = rates[name];
      if (rate === undefined) return undefined;
      cost += BigInt(count) * rate;
    }
    return cost;
  };
}

/** Units of 10⁻²⁴ US dollars as a plain decimal, with a sign when negative, without needless zeros. */
export function dollarsOf(units: bigint): string {
  return new Big(`${units}e${unitExponent}`).toFixed();
}

/** What one token costs, in units; absent when it is not known. */
type Rates = { readonly [Name in TokenName]?: bigint };

interface RateCard {
  readonly base: Rates;
  /** Highest first. */
  readonly tiers: readonly { readonly overTokens: number; readonly rates: Rates }[];
}

const nothingKnown: Pricing = {};

function rateCardOf({ tiers = [], ...base }: Pricing): RateCard {
  const steps = tiers.map(({ overTokens, ...amounts }) => ({
    overTokens,
    rates: ratesOf({ ...base, ...amounts }),
  }));
  return { base: ratesOf(base), tiers: steps.toSorted((one, other) => other.overTokens - one.overTokens) };
}

function ratesOf(amounts: PriceAmounts): Rates {
  const rates: { [Name in TokenName]?: bigint } = {};
  for (const name of tokenNames) {
    const known = amountNamesOf[name].map((amount) => amounts[amount]).find((amount) => amount !== undefined);
    if (known !== undefined) rates[name] = BigInt(new Big(known).times(unitsOfAmount).toFixed());
  }
  return rates;
}

/** A tier holds for the whole request when the tokens of its input side are more than the tier says. */
function ratesFor({ base, tiers }: RateCard, tokens: TokenCounts): Rates {
  if (tiers.length === 0) return base;
  const { inputTokens, cacheReadTokens, cacheWriteTokens, inputAudioTokens } = tokens;
  const inputSide = inputTokens + cacheReadTokens + cacheWriteTokens + inputAudioTokens;
  return tiers.find(({ overTokens }) => inputSide > overTokens)?.rates ?? base;
}
