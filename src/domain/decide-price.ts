/**
 * Deciders of prices, which have two clocks: a price that changed on a day, and a price that we had wrong.
 * Events hold the whole price, so that asking for one is one look-up; what is not named stays.
 */
import { alreadyHolds, forever, inForce } from './assertion.ts';
import type { ChangeOf } from './change.ts';
import { type Circumstances, type Decision, decided, refuse, unchanged } from './decision.ts';
import { formatInstant, parseInstant } from './instant.ts';
import type { View } from './live-state.ts';
import { observedIn, standingModel } from './model-lookup.ts';
import { applyPricing, equalPricing } from './pricing.ts';
import type { ModelState } from './subject-state.ts';

/** The most prices that are kept of one model: a new one every day for 27 years. */
export const maxPrices = 10_000;

export function decideChangePrice(
  view: View,
  change: ChangeOf<'changePrice'>,
  { now }: Circumstances,
): Decision {
  const model = standingModel(view, change.id);
  const { effectiveFrom } = change;
  const from = effectiveFrom === undefined ? now : (parseInstant(effectiveFrom) ?? now);
  const pricing = applyPricing(inForce(model.prices, from)?.pricing ?? {}, change.pricing);
  const isEmpty = Object.keys(pricing).length === 0;
  const interval = { from, until: forever };
  const same =
    alreadyHolds(model.prices, interval, (price) => equalPricing(price.pricing, pricing)) ||
    (isEmpty && inForce(model.prices, from) === undefined);
  if (same) return unchanged(`the price of ${model.id} is so already`);
  refuseTooMany(model);
  const later = model.prices.length - 1 - model.prices.findLastIndex((price) => price.from <= from);
  return decided(
    {
      type: 'ModelPriceChanged',
      data: {
        id: model.id,
        pricing,
        ...(effectiveFrom === undefined ? {} : { effectiveFrom }),
        ...(change.source === undefined ? {} : { source: change.source }),
        ...observedIn(change),
      },
    },
    later === 0
      ? []
      : [{ code: 'later_price_stands', message: `${later} later price(s) of ${model.id} stand` }],
  );
}

export function decideCorrectPrice(view: View, change: ChangeOf<'correctPrice'>): Decision {
  const model = standingModel(view, change.id);
  const from = parseInstant(change.effectiveFrom) ?? 0;
  const until =
    change.effectiveUntil === undefined ? forever : (parseInstant(change.effectiveUntil) ?? forever);
  if (until <= from) throw refuse('empty_interval', 'effectiveUntil is not after effectiveFrom');
  const wrong = model.prices.findLast((price) => price.from === from);
  if (wrong === undefined) {
    const starts = model.prices.slice(-5).map((price) => formatInstant(price.from));
    throw refuse(
      'nothing_to_correct',
      `no price of ${model.id} starts at ${change.effectiveFrom}; a correction names the start of what it corrects (${
        starts.length > 0 ? `known: ${starts.join(', ')}` : 'none is known'
      })`,
    );
  }
  const pricing = applyPricing(wrong.pricing, change.pricing);
  if (alreadyHolds(model.prices, { from, until }, (price) => equalPricing(price.pricing, pricing))) {
    return unchanged(`the price of ${model.id} from ${change.effectiveFrom} is so already`);
  }
  refuseTooMany(model);
  return decided({
    type: 'ModelPriceCorrected',
    data: {
      id: model.id,
      pricing,
      effectiveFrom: change.effectiveFrom,
      ...(change.effectiveUntil === undefined ? {} : { effectiveUntil: change.effectiveUntil }),
      ...(change.source === undefined ? {} : { source: change.source }),
      ...observedIn(change),
      corrects: wrong.revision,
    },
  });
}

function refuseTooMany({ id, prices }: ModelState): void {
  if (prices.length >= maxPrices)
    throw refuse('too_many_prices', `${id} has ${maxPrices} prices, the most that are kept`);
}
