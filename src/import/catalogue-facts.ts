/**
 * What the facts of a models.dev entry are in Varve's words: a model's fields, its status, its prices.
 * In: flat facts by dotted path; out: parts of changes, and what found no place and why. Pure; the same facts always
 * give the same answer in the same order, because a repeated import must send the same bytes.
 */
import { z } from 'zod';
import type { ChangeOf } from '../domain/change.ts';
import type { JsonValue } from '../domain/json.ts';
import type { Facts } from './history-record.ts';

type ModelInput = ChangeOf<'addModel'>['model'];

/** The descriptive fields of a model, as `addModel` takes them. */
export type DescribedModel = Pick<
  ModelInput,
  'name' | 'family' | 'contextWindow' | 'outputLimit' | 'modalities' | 'capabilities' | 'extra'
>;

/** A price with every part that the entry has; tiers ascend. */
export type PricedModel = ChangeOf<'changePrice'>['pricing'];
type Part = keyof PricedModel;
type Tier = NonNullable<PricedModel['tiers']>[number];

export interface Standing {
  readonly isDeprecated: boolean;
  readonly status: 'active' | 'beta';
}

/** A field without a place, and why. */
export interface Misplaced {
  readonly field: string;
  readonly why: string;
}

/** Capabilities by the field that says so; `false` is a fact too and is kept in `extra`, absent means nobody said. */
const capabilityFields = new Map([
  ['attachment', 'attachments'],
  ['reasoning', 'reasoning'],
  ['tool_call', 'tools'],
  ['structured_output', 'structured_output'],
  ['temperature', 'temperature'],
]);

const priceFields = new Map<string, Exclude<Part, 'tiers'>>([
  ['input', 'input'],
  ['output', 'output'],
  ['cache_read', 'cacheRead'],
  ['cache_write', 'cacheWrite'],
  ['reasoning', 'reasoning'],
  ['input_audio', 'inputAudio'],
  ['output_audio', 'outputAudio'],
]);

/** Every part of a price, in the order in which changes name them. */
export const priceParts: readonly Part[] = [...priceFields.values(), 'tiers'];

const placed = new Set([
  'name',
  'family',
  'limit.context',
  'limit.output',
  'modalities.input',
  'modalities.output',
  'cost.tiers',
]);

const contextTier = /^cost\.context_over_(\d{1,6})k\.(\w+)$/;
const maxExtraName = 100;

/** The model's fields; whatever has no field of its own is in `extra` under its dotted path. */
export function describeModel(facts: Facts): DescribedModel {
  const text = (path: string) => z.string().optional().parse(facts.get(path));
  const count = (path: string) => z.number().optional().parse(facts.get(path));
  const family = text('family');
  const outputLimit = count('limit.output');
  const modalities = modalitiesOf(facts);
  const capabilities = capabilitiesOf(facts, modalities?.input ?? []);
  const extra = extraOf(facts);
  return {
    name: text('name') ?? '',
    ...(family === undefined ? {} : { family }),
    contextWindow: count('limit.context') ?? 0,
    ...(outputLimit === undefined ? {} : { outputLimit }),
    ...(modalities === undefined ? {} : { modalities }),
    ...(capabilities.length === 0 ? {} : { capabilities }),
    ...(Object.keys(extra).length === 0 ? {} : { extra }),
  };
}

/** Whether the entry is deprecated, and otherwise how finished it is; `alpha` counts as beta. */
export function standingOf(facts: Facts): Standing {
  const status = facts.get('status');
  return {
    isDeprecated: status === 'deprecated',
    status: status === 'beta' || status === 'alpha' ? 'beta' : 'active',
  };
}

/** The entry's price; both spellings of context tiers are tiers, and `cost.tiers` wins where both name a size. */
export function priceModel(facts: Facts): PricedModel {
  const price: PricedModel = {};
  const tiers = new Map<number, Tier>();
  for (const [path, value] of facts) {
    const over = contextTier.exec(path);
    const part = over === null ? partOf(path) : priceFields.get(over[2] ?? '');
    if (part === undefined || part === 'tiers') continue;
    const amount = z.string().parse(value);
    if (over === null) price[part] = amount;
    else {
      const overTokens = Number(over[1]) * 1000;
      tiers.set(overTokens, { ...(tiers.get(overTokens) ?? { overTokens }), [part]: amount });
    }
  }
  for (const tier of listedTiers(facts).flatMap((listed) => readTier(listed).tier ?? [])) {
    tiers.set(tier.overTokens, tier);
  }
  if (tiers.size > 0) price.tiers = [...tiers.values()].sort((a, b) => a.overTokens - b.overTokens);
  return price;
}

/** The part of a price that a field is about: `cost.cache_read` → `cacheRead`; undefined for any other field. */
export function partOf(path: string): Part | undefined {
  if (path === 'cost.tiers') return 'tiers';
  const over = contextTier.exec(path);
  if (over !== null) return priceFields.has(over[2] ?? '') ? 'tiers' : undefined;
  return path.startsWith('cost.') ? priceFields.get(path.slice('cost.'.length)) : undefined;
}

/** What of these facts has no place in Varve. */
export function misplacedIn(facts: Facts): Misplaced[] {
  const tiers = listedTiers(facts).flatMap((listed) => readTier(listed).misplaced);
  const names = [...facts.keys()]
    .filter((path) => path.length > maxExtraName)
    .map((field) => ({ field, why: `its name is longer than ${maxExtraName} characters` }));
  return [...tiers, ...names];
}

function modalitiesOf(facts: Facts): DescribedModel['modalities'] {
  const words = (path: string) => z.array(z.string()).optional().parse(facts.get(path));
  const input = words('modalities.input');
  const output = words('modalities.output');
  if (input === undefined && output === undefined) return undefined;
  return { ...(input === undefined ? {} : { input }), ...(output === undefined ? {} : { output }) };
}

/** `vision` is said nowhere: it is what a model has that takes images. */
function capabilitiesOf(facts: Facts, input: readonly string[]): string[] {
  const said = [...capabilityFields].filter(([field]) => facts.get(field) === true).map(([, word]) => word);
  return input.includes('image') ? ['vision', ...said] : said;
}

function extraOf(facts: Facts): Record<string, JsonValue> {
  return Object.fromEntries([...facts].filter(([path, value]) => isExtra(path, value)));
}

function isExtra(path: string, value: JsonValue): boolean {
  if (placed.has(path) || partOf(path) !== undefined || path.length > maxExtraName) return false;
  if (path === 'status') return value !== 'active' && value !== 'beta' && value !== 'deprecated';
  return !(capabilityFields.has(path) && value === true);
}

function listedTiers(facts: Facts): Record<string, unknown>[] {
  return z
    .array(z.record(z.string(), z.unknown()))
    .nullish()
    .transform((tiers) => tiers ?? [])
    .parse(facts.get('cost.tiers'));
}

const tierHeadSchema = z.strictObject({ size: z.string(), type: z.literal('context').optional() });
const amountSchema = z.string().regex(/^\d+(\.\d+)?$/);

/** One entry of `cost.tiers`: `{ tier: { size, type? }, input, … }`, the size in tokens. */
function readTier(listed: Record<string, unknown>): { tier?: Tier; misplaced: Misplaced[] } {
  const { tier: head, ...amounts } = listed;
  const parsed = tierHeadSchema.safeParse(head);
  const overTokens = parsed.success ? Number(parsed.data.size) : Number.NaN;
  if (!Number.isSafeInteger(overTokens) || overTokens < 1) {
    return {
      misplaced: [{ field: 'cost.tiers', why: 'a tier that is not over a number of context tokens' }],
    };
  }
  const misplaced: Misplaced[] = [];
  const tier: Tier = { overTokens };
  for (const [field, value] of Object.entries(amounts)) {
    const part = priceFields.get(field);
    const amount = amountSchema.safeParse(value);
    if (part !== undefined && amount.success) tier[part] = amount.data;
    else misplaced.push({ field: `cost.tiers.${field}`, why: 'no part of the price of a tier' });
  }
  if (Object.keys(tier).length > 1) return { tier, misplaced };
  return { misplaced: [...misplaced, { field: 'cost.tiers', why: 'a tier without a price' }] };
}
