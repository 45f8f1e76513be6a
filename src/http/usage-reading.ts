/**
 * Usage read in pages, and the prices of its models: what costs and restatements are counted from.
 * In: a window of usage and a point of knowledge; out: whole pages one after the other, with a turn for other requests
 * between them, and never more records than one request may read.
 */
import { setImmediate } from 'node:timers/promises';
import { type PriceOverTime, priceOverTime } from '../domain/usage/price-over-time.ts';
import type { UsageRecord } from '../domain/usage/usage.ts';
import type { UsageFilter, UsageReads } from '../domain/usage/usage-questions.ts';
import { Failure } from '../failure.ts';

/** The most records that one request reads. */
const maxRecords = 1_000_000;

/** Models whose prices are kept at once; a full house is emptied. */
const maxModels = 20_000;

/** How many records a request may still read, over all windows that it looks at. */
export interface ReadingBudget {
  left: number;
}

export function readingBudget(): ReadingBudget {
  return { left: maxRecords };
}

/** Pages by time and id, none of them empty. Throws Failure `limited`, naming `place`, once the budget is spent. */
export async function* usagePages(
  reads: Pick<UsageReads, 'usagePage'>,
  ledger: string,
  filter: UsageFilter,
  budget: ReadingBudget,
  place = 'query.from',
): AsyncGenerator<readonly UsageRecord[], void, void> {
  let page = await reads.usagePage(ledger, filter, undefined);
  for (let last = page.at(-1); last !== undefined; last = page.at(-1)) {
    budget.left -= page.length;
    if (budget.left < 0) throw tooMuch(place);
    yield page;
    await setImmediate();
    page = await reads.usagePage(ledger, filter, last);
  }
}

/** Loads the prices of all models that a page names; the function answers each model's price at a time. */
export type PriceLoader = (page: readonly UsageRecord[]) => Promise<(model: string) => PriceOverTime>;

/** Prices as known at a revision; each model's are read once, however many pages name it. */
export function priceLoader(
  reads: Pick<UsageReads, 'pricesOfModels'>,
  ledger: string,
  asOf: number,
): PriceLoader {
  const byModel = new Map<string, PriceOverTime>();
  return async (page) => {
    const wanted = new Set<string>();
    for (const { model } of page) if (model !== undefined && !byModel.has(model)) wanted.add(model);
    if (byModel.size + wanted.size > maxModels) {
      byModel.clear();
      for (const { model } of page) if (model !== undefined) wanted.add(model);
    }
    const prices = await reads.pricesOfModels(ledger, asOf, [...wanted]);
    for (const model of wanted) byModel.set(model, priceOverTime(prices.get(model) ?? []));
    return (model) => byModel.get(model) ?? unknown;
  };
}

const unknown: PriceOverTime = () => undefined;

function tooMuch(path: string): Failure {
  return new Failure('limited', `this is more than ${maxRecords} records of usage; narrow the window`, {
    reason: 'too_much_usage',
    details: [{ path, message: 'ask about a shorter time, one model, tenant or key' }],
  });
}
