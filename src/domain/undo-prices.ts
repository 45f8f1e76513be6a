/**
 * Undo of a model's prices, which have two clocks: a change is taken out from now on, a correction in the past too.
 * In: the selected price events and all prices of the model; out: what its price is to be, and the later prices of the
 * same time, which are left.
 */
import { inForce, withoutPast } from './assertion.ts';
import type { RecordedEvent } from './event.ts';
import type { JsonValue } from './json.ts';
import type { OpenConflict, Resolution } from './rollback-plan.ts';
import type { PriceAssertion } from './subject-state.ts';
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
  const past =
    corrections.size === 0 ? {} : { past: prices.filter(({ revision }) => !corrections.has(revision)) };
  const later = laterOver(taken, without, now);
  const standing = new Set(withoutPast(without, now));
  const earlier = without.filter((price) => !later.has(price));
  if (resolution === 'undo') return { wanted: earlier, conflicts: [], ...past };
  const open = [...later].filter(([price]) => standing.has(price));
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
  return { wanted: without, conflicts, ...past };
}

const asJson = (value: unknown) => value as JsonValue;
