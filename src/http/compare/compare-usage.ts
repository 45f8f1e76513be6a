/**
 * What recorded usage costs in two worlds: reads it page by page, and weighs each record on both sides.
 * In: two open worlds and a window of time; out: exact sums. Every (key, context) is resolved once a world and every model
 * priced once; other requests get a turn between slices.
 */
import { setImmediate as turn } from 'node:timers/promises';
import { type CostScale, createCostScale, type Use } from '../../domain/compare/compare-cost.ts';
import type { Asked } from '../../domain/compare/excerpt.ts';
import type { Sides } from '../../domain/compare/world.ts';
import { resolve } from '../../domain/resolve.ts';
import type { Context } from '../../domain/scope.ts';
import type { UsageRecord } from '../../domain/usage/usage.ts';
import type { UsageFilter, UsageReads } from '../../domain/usage/usage-questions.ts';
import { readingBudget, usagePages } from '../usage-reading.ts';
import type { OpenWorld } from './open-world.ts';

/** Records between two turns of other requests: about 10 ms. */
const sliceSize = 1_000;
/** The most askers that are remembered; a full house is emptied. */
const maxAskers = 200_000;

const sides = ['left', 'right'] as const;
type Side = (typeof sides)[number];

/** A key and a context that usage names, and the model that each world resolves for them. */
interface Asker {
  /** Any of the records that name them. */
  readonly key: string;
  readonly context: Context;
  /** Null where the key is none of models in that world; undefined until it is resolved. */
  readonly models: { [S in Side]: string | null | undefined };
}

/** Failures: `limited` for more than 1,000,000 records; unavailable. */
export async function weighUsage(
  reads: Pick<UsageReads, 'usagePage'>,
  ledger: string,
  worlds: Sides<OpenWorld>,
  window: Pick<UsageFilter, 'from' | 'to'>,
): Promise<CostScale> {
  const scale = createCostScale();
  const askerOf = createAskers();
  const usesOf = { left: new Map<string | null, Use>(), right: new Map<string | null, Use>() };
  const pages = usagePages(reads, ledger, window, readingBudget(), 'usage.from');
  for await (const page of readAhead(pages)) {
    for (let start = 0; start < page.length; start += sliceSize) {
      const records = page.slice(start, start + sliceSize);
      const askers = records.map(askerOf);
      await Promise.all(
        sides.map(async (side) => {
          await resolveModels(worlds[side], side, askers);
          await priceModels(worlds[side], usesOf[side], modelsOf(side, records, askers));
        }),
      );
      for (const [index, record] of records.entries()) {
        const asker = askers[index];
        const left = usesOf.left.get(modelOf('left', record, asker)) ?? nothing;
        scale.add(record, left, usesOf.right.get(modelOf('right', record, asker)) ?? nothing);
      }
      await turn();
    }
  }
  return scale;
}

/** The same, each page read while the one before it is used. */
async function* readAhead<T>(pages: AsyncGenerator<T, void, void>): AsyncGenerator<T, void, void> {
  for (let next = pages.next(); ; ) {
    const page = await next;
    if (page.done === true) return;
    next = pages.next();
    // Its failure is met where it is awaited; until then nobody may call it unhandled.
    next.catch(() => undefined);
    yield page.value;
  }
}

const nothing: Use = { model: null, pricing: undefined };

/** The same asker for the same key and context; none for a record without a key. */
function createAskers(): (record: UsageRecord) => Asker | undefined {
  const askers = new Map<string, Asker>();
  return (record) => {
    const { key, user = '', tenant = '', tier = '' } = record;
    if (key === undefined) return undefined;
    // Ids hold no control characters, so that no two contexts share a name.
    const name = `${key}\n${user}\n${tenant}\n${tier}`;
    const known = askers.get(name);
    if (known !== undefined) return known;
    if (askers.size >= maxAskers) askers.clear();
    const asker = { key, context: record, models: { left: undefined, right: undefined } };
    askers.set(name, asker);
    return asker;
  };
}

async function resolveModels(
  open: OpenWorld,
  side: Side,
  askers: readonly (Asker | undefined)[],
): Promise<void> {
  const missing = new Set<Asker>();
  for (const asker of askers) if (asker !== undefined && asker.models[side] === undefined) missing.add(asker);
  if (missing.size === 0) return;
  const excerpt = await open.excerptFor(askedBy(missing));
  for (const { key, context, models } of missing) {
    models[side] = resolve(excerpt, key, context, open.world.at)?.model?.id ?? null;
  }
}

function askedBy(askers: Iterable<Asker>): Asked {
  const asked = new Map<string, Context[]>();
  for (const { key, context } of askers) {
    const contexts = asked.get(key);
    if (contexts === undefined) asked.set(key, [context]);
    else contexts.push(context);
  }
  return asked;
}

/** The model that a record uses: what its key resolves to, where that is a model; otherwise the recorded one. */
function modelOf(side: Side, record: UsageRecord, asker: Asker | undefined): string | null {
  return asker?.models[side] ?? record.model ?? null;
}

function modelsOf(
  side: Side,
  records: readonly UsageRecord[],
  askers: readonly (Asker | undefined)[],
): ReadonlySet<string | null> {
  return new Set(records.map((record, index) => modelOf(side, record, askers[index])));
}

async function priceModels(
  open: OpenWorld,
  uses: Map<string | null, Use>,
  models: ReadonlySet<string | null>,
): Promise<void> {
  const missing: string[] = [];
  for (const model of models) if (model !== null && !uses.has(model)) missing.push(model);
  if (missing.length === 0) return;
  for (const [model, pricing] of await open.pricesFor(missing)) uses.set(model, { model, pricing });
}
