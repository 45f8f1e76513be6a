/**
 * A second, naive reading of imported changes, for tests: folds them and turns every model back into the source's own
 * shape. Written against the API's words alone; it shares no code with the mapping that it checks.
 */
import type { Change, ChangeOf } from '../../src/domain/change.ts';

type Json = string | number | boolean | null | Json[] | { [name: string]: Json };
export type Entry = { [name: string]: Json };

export interface FoldedModel {
  fields: Entry;
  extra: Entry;
  /** Part → value, as of the last change in the order of effectiveFrom. */
  price: Entry;
  prices: { at: string; pricing: Entry }[];
  status: string;
}

/** Applies a change as the ledger is meant to; answers whether it made a difference. */
export function foldChange(models: Map<string, FoldedModel>, change: Change): boolean {
  const id = change.type === 'addModel' ? change.model.id : 'id' in change ? change.id : '';
  const seen = (): string => JSON.stringify({ ...models.get(id), prices: undefined });
  const before = seen();
  apply(models, change);
  return seen() !== before;
}

function apply(models: Map<string, FoldedModel>, change: Change): void {
  switch (change.type) {
    case 'addModel':
      add(models, change);
      return;
    case 'updateModel': {
      const model = need(models, change.id);
      const { extra, status, ...fields } = plain(change.updates);
      if (status !== undefined) model.status = String(status);
      model.fields = merged(model.fields, fields);
      model.extra = merged(model.extra, isEntry(extra) ? extra : {});
      return;
    }
    case 'changePrice': {
      const model = need(models, change.id);
      const last = model.prices.at(-1);
      if (change.effectiveFrom === undefined) throw new Error('a price without its moment');
      if (last !== undefined && last.at > change.effectiveFrom) throw new Error('prices out of order');
      model.price = merged(model.price, plain(change.pricing));
      model.prices.push({ at: change.effectiveFrom, pricing: model.price });
      return;
    }
    case 'deprecateModel':
      need(models, change.id).status = 'deprecated';
      return;
    case 'reinstateModel':
      need(models, change.id).status = 'active';
      return;
    case 'removeModel': {
      const model = need(models, change.id);
      model.status = 'removed';
      return;
    }
    default:
      throw new Error(`an import makes no ${change.type}`);
  }
}

function add(models: Map<string, FoldedModel>, change: ChangeOf<'addModel'>): void {
  const { id, extra, status, ...fields } = plain(change.model);
  const before = models.get(String(id));
  if (before !== undefined && before.status !== 'removed') throw new Error(`${String(id)} is there already`);
  models.set(String(id), {
    fields,
    extra: isEntry(extra) ? extra : {},
    // A price outlives the removal of its model.
    price: before?.price ?? {},
    prices: before?.prices ?? [],
    status: status === undefined ? 'active' : String(status),
  });
}

function need(models: Map<string, FoldedModel>, id: string): FoldedModel {
  const model = models.get(id);
  if (model === undefined || model.status === 'removed') throw new Error(`${id} is not there`);
  return model;
}

function merged(before: Entry, patch: Entry): Entry {
  return Object.fromEntries(Object.entries({ ...before, ...patch }).filter(([, value]) => value !== null));
}

function plain(value: object): Entry {
  return JSON.parse(JSON.stringify(value));
}

function isEntry(value: Json | undefined): value is Entry {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

const flags = [
  ['attachments', 'attachment'],
  ['reasoning', 'reasoning'],
  ['tools', 'tool_call'],
  ['structured_output', 'structured_output'],
  ['temperature', 'temperature'],
] as const;

/** A folded model in the source's shape, by dotted path; prices as decimal strings, context tiers as `tiers`. */
export function asSource(model: FoldedModel): Entry {
  const { contextWindow, outputLimit, modalities, capabilities, ...rest } = model.fields;
  const words = Array.isArray(capabilities) ? capabilities : [];
  const { input, output } = isEntry(modalities) ? modalities : {};
  const sees = Array.isArray(input) && input.includes('image');
  if (words.includes('vision') !== sees) throw new Error('vision does not fit the modalities');
  const known = new Set<Json>([...flags.map(([word]) => word), 'vision']);
  if (words.some((word) => !known.has(word))) throw new Error(`unknown capability in ${words.join(', ')}`);
  const status = model.extra['status'] ?? (model.status === 'active' ? undefined : model.status);
  return defined({
    ...rest,
    ...model.extra,
    ...Object.fromEntries(flags.filter(([word]) => words.includes(word)).map(([, field]) => [field, true])),
    'limit.context': contextWindow,
    'limit.output': outputLimit,
    'modalities.input': input,
    'modalities.output': output,
    status,
    ...Object.fromEntries(Object.entries(model.price).map(([part, value]) => [`price.${part}`, value])),
  });
}

const parts: { readonly [field: string]: string } = {
  input: 'input',
  output: 'output',
  cache_read: 'cacheRead',
  cache_write: 'cacheWrite',
  reasoning: 'reasoning',
  input_audio: 'inputAudio',
  output_audio: 'outputAudio',
};

/** The source's own entry, by the same paths; both of its spellings of context tiers become `price.tiers`. */
export function normalized(flat: Entry): Entry {
  const result: Entry = {};
  const tiers: Entry[] = [];
  const over: Entry = {};
  for (const [path, value] of Object.entries(flat)) {
    const field = path.replace(/^cost\.(context_over_200k\.)?/, '');
    const part = parts[field];
    if (path === 'cost.tiers' && Array.isArray(value)) tiers.push(...value.filter(isEntry).map(listedTier));
    else if (path.startsWith('cost.context_over_200k.') && part !== undefined) over[part] = String(value);
    else if (path.startsWith('cost.') && part !== undefined) result[`price.${part}`] = String(value);
    else if (path.startsWith('cost.')) result[path] = String(value);
    else result[path] = value;
  }
  if (Object.keys(over).length > 0) tiers.push({ overTokens: 200_000, ...over });
  if (tiers.length > 0)
    result['price.tiers'] = tiers.sort((a, b) => Number(a['overTokens']) - Number(b['overTokens']));
  return result;
}

function listedTier(tier: Entry): Entry {
  const { tier: head, ...amounts } = tier;
  const size = isEntry(head) ? Number(head['size']) : Number.NaN;
  const named = Object.entries(amounts).map(([field, value]) => [parts[field] ?? field, String(value)]);
  return { overTokens: size, ...Object.fromEntries(named) };
}

/** Leaves by dotted path. */
export function flattened(entry: Entry, prefix = ''): Entry {
  const pairs = Object.entries(entry).flatMap(([name, value]): [string, Json][] =>
    isEntry(value) ? Object.entries(flattened(value, `${prefix}${name}.`)) : [[`${prefix}${name}`, value]],
  );
  return Object.fromEntries(pairs);
}

function defined(entry: { [name: string]: Json | undefined }): Entry {
  return JSON.parse(JSON.stringify(entry));
}
