/** The seed: what a fresh ledger is told, held against the design notes, the rules of the domain and the real data. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { changeSchema, maxChanges } from '../../src/domain/change.ts';
import { isModelId, splitModelId } from '../../src/domain/model-reference.ts';
import { priceModel } from '../../src/import/catalogue-facts.ts';
import { readRecord } from '../../src/import/history-record.ts';
import { seedKeys } from '../../src/seed/keys.ts';
import { seedCatalogue } from '../../src/seed/seed-catalogue.ts';
import { seedChanges } from '../../src/seed/seed-changes.ts';
import { leftOutNote, realDataFolder } from '../support/real-data.ts';

const byId = new Map(seedCatalogue.map((model) => [model.id, model]));

const fallbacks = {
  'ai.section_builder.model': 'gemini/gemini-2.5-pro',
  'ai.planner.model': 'gemini/gemini-2.5-pro',
  'ai.outcomes.model': 'gemini/gemini-2.5-flash',
  'ai.repair.model': 'gemini/gemini-2.5-flash',
  'ai.fenster.model': 'gemini/gemini-2.5-flash',
  'ai.writing.model': 'gemini/gemini-2.5-flash',
  'ai.tutor.model': 'gemini/gemini-2.5-flash',
  'ai.illustration.model': 'gemini/gemini-2.5-flash-image',
  'ai.youtube.model': 'gemini/gemini-2.0-flash',
  'ai.research.model': 'gemini/gemini-1.5-pro',
  'ai.research.router_model': 'gemini/gemini-1.5-flash',
};

const namedInNotes = [
  'anthropic/claude-3-sonnet',
  'anthropic/claude-3-5-haiku',
  'anthropic/claude-3-5-haiku-20241022',
  'anthropic/claude-opus-5',
  'openai/gpt-4-turbo',
  'openai/gpt-4o',
  'google/gemini-2.5-flash',
  'vertexai/vertex-gemini-3.0-pro',
  'qwen/qwen-image-edit',
  'black-forest-labs/flux-kontext-max',
  'bytedance/seedream-3',
];

describe('the catalogue', () => {
  test('has at least 62 models, with unique canonical ids', () => {
    expect(seedCatalogue.length).toBeGreaterThanOrEqual(62);
    expect(byId.size).toBe(seedCatalogue.length);
    for (const { id, provider } of seedCatalogue) {
      expect(isModelId(id), id).toBe(true);
      expect(splitModelId(id).provider).toBe(provider);
    }
  });

  test('has the models of the notes under the ids of the notes, ready for use', () => {
    for (const id of [...Object.values(fallbacks), ...namedInNotes]) {
      expect(byId.has(id), id).toBe(true);
      expect(byId.get(id)?.deprecated, id).toBeUndefined();
    }
  });

  test('knows the price of the note that adds a model', () => {
    expect(byId.get('anthropic/claude-opus-5')?.pricing).toEqual({ input: '15', output: '75' });
    expect(byId.get('openai/gpt-4o')?.pricing).toMatchObject({ input: '2.5', output: '10' });
  });

  test('leads from every deprecated model to a successor that is not deprecated, where one is known', () => {
    const deprecated = seedCatalogue.filter((model) => model.deprecated !== undefined);
    expect(deprecated.length).toBeGreaterThanOrEqual(8);
    for (const { id, deprecated: end } of deprecated) {
      if (end?.successor === undefined) continue;
      expect(byId.has(end.successor), id).toBe(true);
      expect(byId.get(end.successor)?.deprecated, id).toBeUndefined();
    }
  });

  test('has prices in decimal strings', () => {
    const priced = seedCatalogue.filter((model) => model.pricing !== undefined);
    expect(priced.length).toBeGreaterThanOrEqual(58);
    for (const { id, pricing } of priced) {
      const amounts = JSON.stringify(pricing).match(/:"?[^",{}[\]]+"?/g) ?? [];
      for (const amount of amounts) expect(amount, id).toMatch(/^:("\d+(\.\d+)?"|\d+)$/);
    }
  });
});

describe('the keys', () => {
  test('are the eleven of the note with its fallbacks', () => {
    expect(Object.fromEntries(seedKeys.map(({ key, fallback }) => [key, fallback]))).toEqual(fallbacks);
    for (const { valueType, defaultProvider, description } of seedKeys) {
      expect({ valueType, defaultProvider }).toEqual({ valueType: 'model', defaultProvider: 'gemini' });
      expect(description).toMatch(/\w/);
    }
  });
});

describe('the changes', () => {
  test('pass the schema of changesets as they are', () => {
    for (const catalogue of [true, false]) {
      const changes = seedChanges({ catalogue });
      expect(changes.length).toBeLessThanOrEqual(maxChanges);
      expect(changes.map((change) => changeSchema.parse(change))).toEqual(changes);
    }
  });

  test('name models before their deprecations, and those before the keys', () => {
    const changes = seedChanges({ catalogue: true });
    const order = ['addModel', 'deprecateModel', 'defineKey'];
    const places = changes.map(({ type }) => order.indexOf(type));
    expect(places).toEqual([...places].sort((a, b) => a - b));
    expect(changes.filter(({ type }) => type === 'defineKey')).toHaveLength(11);
    expect(changes.filter(({ type }) => type === 'addModel')).toHaveLength(seedCatalogue.length);
    expect(changes.some((change) => change.type === 'defineKey' && change.allowUnlisted)).toBe(false);
  });

  test('without the catalogue define the keys all the same', () => {
    const changes = seedChanges({ catalogue: false });
    expect(changes).toHaveLength(11);
    expect(changes.every((change) => change.type === 'defineKey' && change.allowUnlisted)).toBe(true);
  });
});

test.skipIf(realDataFolder === undefined)(
  `prices are those of the real catalogue where it has the id${leftOutNote}`,
  () => {
    const path = join(realDataFolder ?? '', 'model-catalogue.json');
    expect(existsSync(path)).toBe(true);
    const entrySchema = z.array(z.object({ provider: z.string(), id: z.string(), model: z.unknown() }));
    let compared = 0;
    for (const { provider, id, model } of entrySchema.parse(JSON.parse(readFileSync(path, 'utf8')))) {
      const seeded = byId.get(`${provider}/${id}`);
      if (seeded === undefined) continue;
      const origin = { at: '2026-07-01T00:00:00Z', commit: '0000000', kind: 'added' };
      const { facts } = readRecord(JSON.stringify({ ...origin, provider, id, model }), 1);
      expect(seeded.pricing ?? {}, `${provider}/${id}`).toEqual(priceModel(facts));
      compared += 1;
    }
    expect(compared).toBeGreaterThanOrEqual(58);
  },
);
