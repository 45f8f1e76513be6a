/** Prices on two clocks: what became of a price on a day, and what we had wrong. */
import { describe, expect, test } from 'vitest';
import type { AnyChange, ChangeOf } from '../../src/domain/change.ts';
import { maxPrices } from '../../src/domain/decide-price.ts';
import type { DataOf, EventBody } from '../../src/domain/event.ts';
import type { Pricing } from '../../src/domain/pricing.ts';
import { modelAdded, modelDeprecated, modelRemoved, priceChanged } from '../support/drafts.ts';
import { day, given } from '../support/specification.ts';

const id = 'deepseek/chat';
const added = modelAdded(id);

const change = (
  pricing: ChangeOf<'changePrice'>['pricing'],
  rest: Partial<ChangeOf<'changePrice'>> = {},
): AnyChange => ({ type: 'changePrice', id, pricing, ...rest });
const correct = (
  pricing: ChangeOf<'correctPrice'>['pricing'],
  effectiveFrom: string,
  rest: Partial<ChangeOf<'correctPrice'>> = {},
): AnyChange => ({ type: 'correctPrice', id, pricing, effectiveFrom, ...rest });
const corrected = (
  pricing: Pricing,
  effectiveFrom: string,
  corrects: number,
  rest: Partial<DataOf<'ModelPriceCorrected'>> = {},
): EventBody => ({ type: 'ModelPriceCorrected', data: { id, pricing, effectiveFrom, corrects, ...rest } });

describe('a price that changed', () => {
  test('is kept whole: what is named replaces, null removes, the rest stays', () => {
    const is = priceChanged(id, { input: '1', output: '2', cacheRead: '0.1' });
    given(added, is)
      .when(change({ input: '3.0', cacheRead: null }))
      .then([priceChanged(id, { input: '3', output: '2' })]);
    given(added, is)
      .when(change({ tiers: [{ overTokens: 200_000, input: '5' }] }))
      .then([
        priceChanged(id, {
          input: '1',
          output: '2',
          cacheRead: '0.1',
          tiers: [{ overTokens: 200_000, input: '5' }],
        }),
      ]);
    given(added, is)
      .when(change({ input: null, output: null, cacheRead: null }))
      .then([priceChanged(id, {})]);
  });

  test('says where it was read and what its source says of the date', () => {
    given(added)
      .when(change({ input: '1' }, { source: 'https://example.com/pricing', observedAt: day(-3) }))
      .then([
        {
          type: 'ModelPriceChanged',
          data: { id, pricing: { input: '1' }, source: 'https://example.com/pricing', observedAt: day(-3) },
        },
      ]);
  });

  test('starts now, later or earlier', () => {
    for (const effectiveFrom of [day(-300), day(0), day(300)]) {
      given(added)
        .when(change({ input: '1' }, { effectiveFrom }))
        .then([priceChanged(id, { input: '1' }, effectiveFrom)]);
    }
  });

  test('rests on the price of its own start, not on the newest', () => {
    given(
      added,
      priceChanged(id, { input: '1', output: '2' }, day(-30)),
      priceChanged(id, { input: '9' }, day(-10)),
    )
      .when(change({ input: '3' }, { effectiveFrom: day(-20) }))
      .then([priceChanged(id, { input: '3', output: '2' }, day(-20))], ['later_price_stands']);
    given(added, priceChanged(id, { input: '1', output: '2' }, day(10)))
      .when(change({ input: '3' }))
      .then([priceChanged(id, { input: '3' })], ['later_price_stands']);
  });

  test('that is so already makes no event', () => {
    given(added, priceChanged(id, { input: '1', output: '2' }))
      .when(change({ input: '1.0' }))
      .thenNothing();
    given(added, priceChanged(id, { input: '1' }, day(-30)))
      .when(change({ input: '1' }, { effectiveFrom: day(-20) }))
      .thenNothing();
    given(added)
      .when(change({ input: null }))
      .thenNothing();
    given(added).when(change({})).thenNothing();
    given(modelAdded(id, { pricing: { input: '1' } }))
      .when(change({ input: '1' }))
      .thenNothing();
  });

  test('that is so in between only makes one', () => {
    given(added, priceChanged(id, { input: '1' }, day(-30)), priceChanged(id, { input: '2' }, day(-20)))
      .when(change({ input: '1' }, { effectiveFrom: day(-10) }))
      .then([priceChanged(id, { input: '1' }, day(-10))]);
    given(
      added,
      priceChanged(id, { input: '1' }, day(-30)),
      corrected({ input: '2' }, day(-30), 2, { effectiveUntil: day(-25) }),
    )
      .when(change({ input: '2' }, { effectiveFrom: day(-30) }))
      .then([priceChanged(id, { input: '2' }, day(-30))]);
  });

  test('of a start that has a price replaces it', () => {
    given(added, priceChanged(id, { input: '1' }, day(-30)))
      .when(change({ input: '2' }, { effectiveFrom: day(-30) }))
      .then([priceChanged(id, { input: '2' }, day(-30))]);
  });

  test('of any standing model, deprecated or retired', () => {
    given(added, modelDeprecated(id, { sunsetAt: day(-1) }))
      .when(change({ input: '1' }))
      .then([priceChanged(id, { input: '1' })]);
    given(added)
      .when(change({ input: '1' }, { id: 'deepseek:chat' }))
      .then([priceChanged(id, { input: '1' })]);
    given()
      .when(change({ input: '1' }))
      .thenRefused('unknown_model');
    given(added, modelRemoved(id))
      .when(change({ input: '1' }))
      .thenRefused('removed_model');
  });

  test(`no more than ${maxPrices} are kept`, () => {
    const prices = Array.from({ length: maxPrices }, (_, n) =>
      priceChanged(id, { input: `${n + 1}` }, day(n)),
    );
    given(added, ...prices)
      .when(change({ input: '0' }))
      .thenRefused('too_many_prices');
    given(added, ...prices.slice(1))
      .when(change({ input: '0' }))
      .then([priceChanged(id, { input: '0' })], ['later_price_stands']);
  });
});

describe('a price that we had wrong', () => {
  const prices = [
    added,
    priceChanged(id, { input: '1', output: '2' }, day(-30)),
    priceChanged(id, { input: '9' }, day(-10)),
  ];

  test('is named by its start; later ones stand', () => {
    given(...prices)
      .when(correct({ input: '1.5' }, day(-30), { source: 'invoice', observedAt: day(-1) }))
      .then([
        corrected({ input: '1.5', output: '2' }, day(-30), 2, { source: 'invoice', observedAt: day(-1) }),
      ]);
    given(...prices)
      .when(correct({ output: null }, day(-30)))
      .then([corrected({ input: '1' }, day(-30), 2)]);
  });

  test('for a part of its time only', () => {
    given(...prices)
      .when(correct({ input: '1.5' }, day(-30), { effectiveUntil: day(-20) }))
      .then([corrected({ input: '1.5', output: '2' }, day(-30), 2, { effectiveUntil: day(-20) })]);
    given(...prices)
      .when(correct({ input: '1.5' }, day(-30), { effectiveUntil: day(-30) }))
      .thenRefused('empty_interval');
    given(...prices)
      .when(correct({ input: '1.5' }, day(-30), { effectiveUntil: day(-31) }))
      .thenRefused('empty_interval');
  });

  test('is a price that is there', () => {
    given(...prices)
      .when(correct({ input: '1.5' }, day(-29)))
      .thenRefused('nothing_to_correct');
    given(added)
      .when(correct({ input: '1.5' }, day(-30)))
      .thenRefused('nothing_to_correct');
    expect(() =>
      given(...prices)
        .when(correct({ input: '1.5' }, day(-29)))
        .decided(),
    ).toThrow(`known: ${day(-30)}, ${day(-10)}`);
  });

  test('may be the one that the model was added with', () => {
    given(modelAdded(id, { pricing: { input: '1' } }))
      .when(correct({ input: '2' }, day(-59)))
      .then([corrected({ input: '2' }, day(-59), 1)]);
  });

  test('may be a correction', () => {
    given(...prices, corrected({ input: '1.5', output: '2' }, day(-30), 2))
      .when(correct({ input: '1.6' }, day(-30)))
      .then([corrected({ input: '1.6', output: '2' }, day(-30), 4)]);
  });

  test('that was right makes no event', () => {
    given(...prices)
      .when(correct({ input: '1' }, day(-30)))
      .thenNothing();
    given(...prices)
      .when(correct({ input: '1' }, day(-30), { effectiveUntil: day(-20) }))
      .thenNothing();
    given(...prices, corrected({ input: '5', output: '2' }, day(-30), 2, { effectiveUntil: day(-20) }))
      .when(correct({ input: '5' }, day(-30)))
      .then([corrected({ input: '5', output: '2' }, day(-30), 4)]);
  });

  test('of a model that is there', () => {
    given()
      .when(correct({ input: '1' }, day(-30)))
      .thenRefused('unknown_model');
    given(...prices, modelRemoved(id))
      .when(correct({ input: '2' }, day(-30)))
      .thenRefused('removed_model');
  });
});

describe('a model that comes back', () => {
  test('has its prices still', () => {
    given(added, priceChanged(id, { input: '1' }, day(-30)), modelRemoved(id), added)
      .when(change({ input: '1' }))
      .thenNothing();
    given(added, priceChanged(id, { input: '1' }, day(-30)), modelRemoved(id), added)
      .when(correct({ input: '2' }, day(-30)))
      .then([corrected({ input: '2' }, day(-30), 2)]);
  });
});
