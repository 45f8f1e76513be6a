/**
 * Undo of a model's prices, which have two clocks: a change is taken out from now on, a correction in the past too.
 * In: the selected price events and all prices of the model; out: what its price is to be, and the later prices of the
 * same time, which are left.
 */
import { inForce, withoutPast } from '../assertion.ts';
import type { RecordedEvent } from '../event.ts';
import type { JsonValue } from '../json.ts';
import type { PriceAssertion } from '../subject-state.ts';
import type { OpenConflict, Resolution } from './rollback-plan.ts';
import { endsOf, laterOver, type Undone } from './undo-overrides.ts';

export interface PriceUndo {
  readonly subject: string;
  readonly selected: readonly RecordedEvent[];
  /** All prices of the model, sorted by start and revision. */
  readonly prices: readonly PriceAssertion[];
}

/** `past` is there when a correction is undone: then also the moments before now are to be as without it. */
export function undoPrices(
  { subject, selected, prices }: PriceUndo,
  now: number,
  resolution: Resolution | undefined,
): Undone<PriceAssertion> & { readonly past?: readonly PriceAssertion[] } {
  const revisions = new Set(selected.map(({ revision }) => revision));
  const corrections = new Set(
    selected.filter(({ type }) => type === 'ModelPriceCorrected').map(({ revision }) => revision),
  );
  const without = prices.filter(({ revision }) => !revisions.has(revision));
  const taken = prices.filter(({ revision }) => revisions.has(revision));
  const corrected = taken.filter(({ revision }) => corrections.has(revision));
  const again = laterCorrections(corrected, without);
  const later = new Map([...again, ...laterOver(taken, without, now)]);
  const earlier = without.filter((price) => !later.has(price));
  if (resolution === 'undo') return { wanted: earlier, conflicts: [], ...pastOf(prices, corrections, again) };
  const standing = new Set(withoutPast(without, now));
  const open = [...later].filter(([price, from]) => from < now || standing.has(price));
  const conflicts = open.map(
    ([price, from]): OpenConflict => ({
      subject,
      field: 'pricing',
      current: asJson(price.pricing),
      wanted: asJson(inForce(earlier, from)?.pricing ?? null),
      revision: price.revision,
      ...endsOf(from, price.until, now),
    }),
  );
  return { wanted: without, conflicts, ...pastOf(prices, corrections, new Map()) };
}

/** What was corrected again later, where the correction begins: a price that only starts later would stand either way. */
function laterCorrections(
  taken: readonly PriceAssertion[],
  without: readonly PriceAssertion[],
): ReadonlyMap<PriceAssertion, number> {
  const later = new Map<PriceAssertion, number>();
  for (const { revision, from } of taken) {
    for (const price of without) {
      if (price.revision > revision && price.from <= from && from < price.until) later.set(price, from);
    }
  }
  return later;
}

/** The prices of the past without the corrections, and without what is taken out with them. */
function pastOf(
  prices: readonly PriceAssertion[],
  corrections: ReadonlySet<number>,
  later: ReadonlyMap<PriceAssertion, number>,
): { readonly past?: readonly PriceAssertion[] } {
  if (corrections.size === 0) return {};
  return { past: prices.filter((price) => !corrections.has(price.revision) && !later.has(price)) };
}

const asJson = (value: unknown) => value as JsonValue;
