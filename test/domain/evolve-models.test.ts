/** What the events of a model mean: its fields, its life, its prices. */
import { describe, expect, test } from 'vitest';
import { forever } from '../../src/domain/assertion.ts';
import type { EventBody } from '../../src/domain/event.ts';
import { evolve } from '../../src/domain/evolve.ts';
import { formatInstant as instant } from '../../src/domain/instant.ts';
import { type ModelState, type SubjectState, statusAt } from '../../src/domain/subject-state.ts';
import {
  modelAdded,
  modelDeprecated,
  modelReinstated,
  modelRemoved,
  priceChanged,
} from '../support/drafts.ts';

const id = 'openai/gpt-4o';
const recorded = (revision: number) => 1_000_000 + revision * 1_000;

/** The state of one subject after these events, at revisions 1 … n, a second apart. */
function stateAfter(...events: readonly EventBody[]): SubjectState | undefined {
  return events.reduce<SubjectState | undefined>(
    (state, body, index) =>
      evolve(state, { ...body, revision: index + 1, recordedAt: instant(recorded(index + 1)) }),
    undefined,
  );
}

describe('models', () => {
  const added = modelAdded(id, { pricing: { input: '1' } });
  const model = (...events: readonly EventBody[]) => stateAfter(added, ...events) as ModelState;
  const update = (updates: Extract<EventBody, { type: 'ModelUpdated' }>['data']['updates']): EventBody => ({
    type: 'ModelUpdated',
    data: { id, updates },
  });

  test('are what they were added as', () => {
    expect(model()).toStrictEqual({
      id,
      provider: 'openai',
      model: 'gpt-4o',
      name: id,
      contextWindow: 128_000,
      status: 'active',
      version: 1,
      revision: 1,
      prices: [{ revision: 1, from: recorded(1), until: forever, pricing: { input: '1' } }],
    });
    expect(stateAfter(modelAdded('openrouter/deepseek/r1'))).toMatchObject({
      provider: 'openrouter',
      model: 'deepseek/r1',
      prices: [],
    });
  });

  test('are updated field by field; null removes; extra is merged', () => {
    expect(model(update({ name: 'GPT', family: 'gpt', extra: { a: 1, b: 2 } }))).toMatchObject({
      version: 2,
      revision: 2,
      name: 'GPT',
      family: 'gpt',
      extra: { a: 1, b: 2 },
    });
    const removed = model(
      update({ family: 'gpt', extra: { a: 1, b: 2 } }),
      update({ family: null, extra: { a: null, c: 3 } }),
    );
    expect(removed).not.toHaveProperty('family');
    expect(removed.extra).toStrictEqual({ b: 2, c: 3 });
    expect(model(update({ extra: { a: 1 } }), update({ extra: { a: null } }))).not.toHaveProperty('extra');
    expect(model(update({ extra: { a: 1 } }), update({ extra: null }))).not.toHaveProperty('extra');
  });

  test('are deprecated with just what the last deprecation says, and reinstated without it', () => {
    const sunsetAt = recorded(50);
    const deprecated = model(modelDeprecated(id, { successor: 'openai/b', sunsetAt: instant(sunsetAt) }));
    expect(deprecated).toMatchObject({ status: 'deprecated', successor: 'openai/b', sunsetAt });
    expect([sunsetAt - 1, sunsetAt].map((at) => statusAt(deprecated, at))).toStrictEqual([
      'deprecated',
      'retired',
    ]);
    const plain = model(
      modelDeprecated(id, { successor: 'openai/b', sunsetAt: instant(sunsetAt) }),
      modelDeprecated(id),
    );
    expect(plain).not.toHaveProperty('successor');
    expect(plain).not.toHaveProperty('sunsetAt');
    const back = model(
      modelDeprecated(id, { successor: 'openai/b', sunsetAt: instant(sunsetAt) }),
      modelReinstated(id),
    );
    expect(back).toMatchObject({ status: 'active', version: 3 });
    expect(back).not.toHaveProperty('successor');
    expect(back).not.toHaveProperty('sunsetAt');
  });

  test('are removed, and added again with new fields and their old prices', () => {
    expect(model(modelDeprecated(id, { successor: 'openai/b' }), modelRemoved(id))).toMatchObject({
      status: 'removed',
      version: 3,
    });
    const again = model(update({ family: 'gpt' }), modelRemoved(id), modelAdded(id, { status: 'beta' }));
    expect(again).toMatchObject({
      status: 'beta',
      version: 4,
      revision: 4,
      prices: [{ pricing: { input: '1' } }],
    });
    expect(again).not.toHaveProperty('family');
  });

  test('have their prices in order of start, all of them', () => {
    const corrected: EventBody = {
      type: 'ModelPriceCorrected',
      data: {
        id,
        pricing: { input: '0' },
        effectiveFrom: instant(recorded(1)),
        effectiveUntil: instant(recorded(2)),
        corrects: 1,
      },
    };
    const { prices, revision, version } = model(
      priceChanged(id, { input: '3' }),
      priceChanged(id, { input: '2' }, instant(0)),
      corrected,
    );
    expect({ revision, version }).toStrictEqual({ revision: 4, version: 4 });
    expect(prices).toStrictEqual([
      { revision: 3, from: 0, until: forever, pricing: { input: '2' } },
      { revision: 1, from: recorded(1), until: forever, pricing: { input: '1' } },
      { revision: 4, from: recorded(1), until: recorded(2), pricing: { input: '0' } },
      { revision: 2, from: recorded(2), until: forever, pricing: { input: '3' } },
    ]);
  });
});
