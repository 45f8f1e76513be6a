/**
 * Seed and import through the domain's own deciders and fold: nothing is refused, nothing that was said is lost.
 * A ledger in memory: every event is decided, put on top and folded as the writer does it, without a database.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { inForce } from '../../src/domain/assertion.ts';
import { type Change, changeSchema } from '../../src/domain/change.ts';
import { type DecidedEvent, decideAll } from '../../src/domain/decide.ts';
import { formatInstant } from '../../src/domain/instant.ts';
import { LiveState } from '../../src/domain/live-state.ts';
import { priceModel } from '../../src/import/catalogue-facts.ts';
import { readRecord } from '../../src/import/history-record.ts';
import { type ChangesetReply, type ImportReport, runImport } from '../../src/import/import-run.ts';
import { seedCatalogue } from '../../src/seed/seed-catalogue.ts';
import { seedChanges } from '../../src/seed/seed-changes.ts';
import { leftOutNote, realDataFolder } from '../support/real-data.ts';

const now = Date.parse('2026-11-21T12:00:00Z');

interface Decided {
  readonly events: readonly DecidedEvent[];
  readonly warnings: readonly { readonly code: string; readonly message: string }[];
}

/** Decides and folds a changeset, as it comes out of the schema that the server checks it by. */
function take(state: LiveState, changes: readonly Change[], source: 'system' | 'import'): Decided {
  const parsed = changes.map((change) => changeSchema.parse(JSON.parse(JSON.stringify(change))));
  const { events, warnings } = decideAll(state, parsed, now, source);
  for (const { body, revision } of events) {
    state.apply({ ...body, revision, recordedAt: formatInstant(now) });
  }
  return { events, warnings };
}

async function importInto(state: LiveState, text: string): Promise<ImportReport> {
  async function* lines(): AsyncGenerator<string> {
    yield* text.split('\n');
  }
  return runImport({
    lines: lines(),
    send: async ({ changes }): Promise<ChangesetReply> => {
      const { events, warnings } = take(state, changes, 'import');
      expect(events.length).toBeGreaterThan(0);
      return { events: events.map(({ body }) => ({ type: body.type })), warnings, isReplay: false };
    },
  });
}

function seeded(): LiveState {
  const state = new LiveState();
  take(state, seedChanges({ catalogue: true }), 'system');
  return state;
}

function priceAt(state: LiveState, id: string, day: string): unknown {
  const price = inForce(state.model(id)?.prices ?? [], Date.parse(`${day}T00:00:00Z`))?.pricing;
  return [price?.input, price?.output];
}

function deepseekPrices(state: LiveState): unknown[] {
  const days = ['2025-07-01', '2025-09-01', '2025-12-01', '2026-06-01'];
  return days.map((day) => priceAt(state, 'deepseek/deepseek-chat', day));
}

const wantedPrices = [
  ['0.27', '1.1'],
  ['0.57', '1.68'],
  ['0.28', '0.42'],
  ['0.14', '0.28'],
];

describe('the seed', () => {
  test('is taken as a whole, with an event for every change and no warning', () => {
    for (const catalogue of [true, false]) {
      const changes = seedChanges({ catalogue });
      const { events, warnings } = take(new LiveState(), changes, 'system');
      expect(events).toHaveLength(changes.length);
      expect(catalogue ? warnings : []).toEqual([]);
    }
  });

  test('leaves the catalogue as the fixture says', () => {
    const state = seeded();
    for (const { id, name, pricing, deprecated, status = 'active' } of seedCatalogue) {
      const model = state.model(id);
      expect(model, id).toMatchObject({ name, status: deprecated === undefined ? status : 'deprecated' });
      expect(inForce(model?.prices ?? [], now)?.pricing, id).toEqual(pricing);
    }
  });
});

describe('the fixture', () => {
  const path = fileURLToPath(new URL('../fixtures/deepseek-history.ndjson', import.meta.url));
  const text = readFileSync(path, 'utf8');

  test.each([
    ['an empty ledger', () => new LiveState()],
    ['a seeded ledger', seeded],
  ])('is taken by %s, with the prices of every day', async (_, create) => {
    const state = create();
    const report = await importInto(state, text);
    expect(report.changesets).toEqual({ added: 22, replayed: 0, unchanged: 0 });
    expect(deepseekPrices(state)).toEqual(wantedPrices);
    expect(state.model('deepseek/deepseek-v3.2')?.status).toBe('removed');
  });
});

describe.skipIf(realDataFolder === undefined)(`the real history${leftOutNote}`, () => {
  test.each([
    ['an empty ledger', () => new LiveState()],
    ['a seeded ledger', seeded],
  ])('is taken by %s, and leaves the real catalogue', async (_, create) => {
    const folder = realDataFolder ?? '';
    const state = create();
    const report = await importInto(state, readFileSync(join(folder, 'model-history.ndjson'), 'utf8'));
    expect(report.changesets).toEqual({ added: 535, replayed: 0, unchanged: 0 });
    expect(report.events).toMatchObject({ ModelPriceChanged: 1086, ModelRemoved: 277, ModelDeprecated: 60 });
    expect(deepseekPrices(state)).toEqual(wantedPrices);
    const entrySchema = z.array(z.object({ provider: z.string(), id: z.string(), model: z.unknown() }));
    const entries = entrySchema.parse(JSON.parse(readFileSync(join(folder, 'model-catalogue.json'), 'utf8')));
    for (const { provider, id, model } of entries) {
      const origin = { at: '2026-07-01T00:00:00Z', commit: '0000000', kind: 'added' };
      const { facts } = readRecord(JSON.stringify({ ...origin, provider, id, model }), 1);
      const held = state.model(`${provider}/${id}`);
      expect(inForce(held?.prices ?? [], now)?.pricing ?? {}, `${provider}/${id}`).toEqual(priceModel(facts));
      expect(held?.status === 'deprecated', `${provider}/${id}`).toBe(facts.get('status') === 'deprecated');
      expect(held).toMatchObject({ name: facts.get('name'), contextWindow: facts.get('limit.context') });
    }
  });
});
