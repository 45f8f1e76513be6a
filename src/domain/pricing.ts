/**
 * The price of a model: its parts, the patches that change some of them, and how both come together.
 * Patches come in from changes by `pricingPatchSchema`, whole prices go out into events. Amounts are decimals kept as
 * text; this file must never calculate with them as floats, and knows no clock: intervals are resolve's business.
 */
import { Big } from 'big.js';
import { z } from 'zod';

const amountNames = [
  'input',
  'output',
  'cacheRead',
  'cacheWrite',
  'reasoning',
  'inputAudio',
  'outputAudio',
] as const;

/**
 * US dollars per million tokens, each a plain decimal without exponent, sign or needless zeros ('0.27', '3', '0'):
 * equal amounts are equal texts. Absent means that nothing is known, '0' that it is free.
 */
export type PriceAmounts = {
  readonly input?: string;
  readonly output?: string;
  readonly cacheRead?: string;
  readonly cacheWrite?: string;
  readonly reasoning?: string;
  readonly inputAudio?: string;
  readonly outputAudio?: string;
};

/** Amounts that hold instead for requests of more than `overTokens` tokens; at least one. */
export type PriceTier = PriceAmounts & { readonly overTokens: number };

/** A whole price. The tiers ascend by `overTokens`, each number once, 1 to 20 of them, or are absent. */
export type Pricing = PriceAmounts & { readonly tiers?: readonly PriceTier[] };

/** A wish: named parts replace, null removes, others stay. The tiers are one part, replaced as a whole. */
export type PricingPatch = { readonly [Part in keyof Pricing]: Exclude<Pricing[Part], undefined> | null };

const maxTiers = 20;

/** At most 12 digits before the point and 18 after it. */
const plainDecimal = /^(?:0|[1-9]\d{0,11})(?:\.\d{1,18})?$/;

const amountSchema = z
  .union([z.string(), z.number()], { error: 'a price is a decimal in a string, or a number' })
  .transform((written, context) => {
    const amount = plainAmount(written);
    if (amount !== undefined) return amount;
    context.addIssue({
      code: 'custom',
      message:
        'a price is a plain decimal like "0.27", not negative, at most 12 digits before the point and 18 after it',
    });
    return z.NEVER;
  })
  .meta({
    id: 'Price',
    description: 'US dollars per million tokens: a decimal like "0.27"; a number is kept by its literal',
  });

const amountShape = {
  input: amountSchema.exactOptional(),
  output: amountSchema.exactOptional(),
  cacheRead: amountSchema.exactOptional(),
  cacheWrite: amountSchema.exactOptional(),
  reasoning: amountSchema.exactOptional(),
  inputAudio: amountSchema.exactOptional(),
  outputAudio: amountSchema.exactOptional(),
};

const amountPatchShape = {
  input: amountSchema.nullable().exactOptional(),
  output: amountSchema.nullable().exactOptional(),
  cacheRead: amountSchema.nullable().exactOptional(),
  cacheWrite: amountSchema.nullable().exactOptional(),
  reasoning: amountSchema.nullable().exactOptional(),
  inputAudio: amountSchema.nullable().exactOptional(),
  outputAudio: amountSchema.nullable().exactOptional(),
};

const tierSchema = z
  .strictObject({ overTokens: z.number().int().positive(), ...amountShape })
  .refine((tier) => amountNames.some((name) => tier[name] !== undefined), {
    error: 'a tier names at least one price',
  })
  .meta({ id: 'PriceTier', description: 'Prices of requests of more than overTokens tokens' });

const tiersSchema = z
  .array(tierSchema)
  .min(1, { error: 'tiers are removed by null' })
  .max(maxTiers)
  .refine((tiers) => new Set(tiers.map((tier) => tier.overTokens)).size === tiers.length, {
    error: 'each overTokens may stand once',
  })
  .transform((tiers) => tiers.toSorted((one, other) => one.overTokens - other.overTokens));

/** Takes decimals as strings or JSON numbers, tiers in any order; answers them in the form that is stored. */
export const pricingPatchSchema = z
  .strictObject({ ...amountPatchShape, tiers: tiersSchema.nullable().exactOptional() })
  .meta({
    id: 'PricingPatch',
    description: 'US dollars per million tokens; named parts replace, null removes, others stay',
  }) satisfies z.ZodType<PricingPatch>;

/** The whole price after a patch. */
export function applyPricing(base: Pricing, patch: PricingPatch): Pricing {
  const result: { -readonly [Part in keyof Pricing]: Pricing[Part] } = {};
  for (const name of amountNames) {
    const amount = patch[name] === undefined ? base[name] : patch[name];
    if (amount !== undefined && amount !== null) result[name] = amount;
  }
  const tiers = patch.tiers === undefined ? base.tiers : patch.tiers;
  if (tiers !== undefined && tiers !== null) result.tiers = tiers;
  return result;
}

/** Whether two prices say the same in every part. */
export function equalPricing(one: Pricing, other: Pricing): boolean {
  const ones = one.tiers ?? [];
  const others = other.tiers ?? [];
  return (
    equalAmounts(one, other) &&
    ones.length === others.length &&
    ones.every((tier, index) => {
      const against = others[index];
      return against !== undefined && tier.overTokens === against.overTokens && equalAmounts(tier, against);
    })
  );
}

function equalAmounts(one: PriceAmounts, other: PriceAmounts): boolean {
  return amountNames.every((name) => one[name] === other[name]);
}

/** A number is taken by its shortest literal: 0.1 is '0.1', and 1e-7 is '0.0000001'. */
function plainAmount(written: string | number): string | undefined {
  const text = typeof written === 'number' ? new Big(String(written)).toFixed() : written;
  if (!plainDecimal.test(text)) return undefined;
  return text.includes('.') ? text.replace(/\.?0+$/, '') : text;
}
