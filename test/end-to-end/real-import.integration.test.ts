/**
 * The history of models and prices through the API, as `npm run import:models` sends it: into a seeded ledger, twice.
 * The deepseek records lie with the project; the whole history is read where it is there.
 */
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runImport } from '../../src/import/import-run.ts';
import { readLines } from '../../src/import/read-lines.ts';
import { createSendChangeset } from '../../src/import/send-changeset.ts';
import { leftOutNote, realDataFolder } from '../support/real-data.ts';
import { startTestVarve, type TestVarve } from '../support/varve.ts';

const fixture = join(import.meta.dirname, '..', 'fixtures', 'deepseek-history.ndjson');

const importFile = (varve: TestVarve, path: string) =>
  runImport({
    lines: readLines(path).lines,
    send: createSendChangeset({ fetch, wait }, { url: varve.url, apiKey: varve.adminKey }),
  });

async function expectDeepseekPrices(varve: TestVarve): Promise<void> {
  const id = encodeURIComponent('deepseek/deepseek-chat');
  const wanted = [
    ['2025-07-01', '0.27', '1.1'],
    ['2025-09-01', '0.57', '1.68'],
    ['2025-12-01', '0.28', '0.42'],
    ['2026-06-01', '0.14', '0.28'],
  ] as const;
  for (const [day, input, output] of wanted) {
    const { body } = await varve.call('GET', `/v1/models/${id}?at=${day}T00:00:00Z`);
    expect(body.pricing, day).toMatchObject({ input, output });
  }
  const { body: history } = await varve.call('GET', `/v1/models/${id}/history?limit=1000`);
  const inputs = history.flatMap(
    (item: { version: number; changes: { field: string; newValue: unknown }[] }) =>
      item.changes.filter(({ field }) => field === 'pricing.input').map(({ newValue }) => newValue),
  );
  expect(inputs.slice(-4)).toEqual(['0.27', '0.57', '0.28', '0.14']);
  const versions = history.map((item: { version: number }) => item.version);
  expect(versions).toEqual(versions.map((_: number, index: number) => index + 1));
}

describe('the deepseek records', () => {
  let varve: TestVarve;
  beforeAll(async () => {
    varve = await startTestVarve();
  });
  afterAll(() => varve.stop());

  test('give the prices of each day, and the second import adds nothing', async () => {
    const first = await importFile(varve, fixture);
    expect(first.changesets.replayed).toBe(0);
    await expectDeepseekPrices(varve);
    const { body: before } = await varve.call('GET', '/v1/status');
    const second = await importFile(varve, fixture);
    expect(second.changesets).toMatchObject({ added: 0, replayed: first.changesets.added });
    expect((await varve.call('GET', '/v1/status')).body.revision).toBe(before.revision);
  });

  test("keep the record's date in the event and show it", async () => {
    const { body } = await varve.call(
      'GET',
      '/v1/history?model=deepseek%2Fdeepseek-chat&type=ModelPriceChanged',
    );
    expect(body.items.length).toBeGreaterThan(3);
    for (const item of body.items) {
      expect(item).toMatchObject({ source: 'import', data: { observedAt: item.data.effectiveFrom } });
      expect(Date.parse(item.recordedAt)).toBeGreaterThan(Date.parse(item.data.observedAt));
    }
  });
});

describe.skipIf(realDataFolder === undefined)(`the whole history${leftOutNote}`, () => {
  let varve: TestVarve;
  beforeAll(async () => {
    varve = await startTestVarve({ seed: 'catalogue' });
  });
  afterAll(() => varve.stop());

  test('is 535 changesets on a seeded ledger, and the second import adds 0 events', {
    timeout: 180_000,
  }, async () => {
    const path = join(realDataFolder ?? '', 'model-history.ndjson');
    const first = await importFile(varve, path);
    expect(first).toMatchObject({ records: 3_718, changesets: { added: 535, replayed: 0, unchanged: 0 } });
    await expectDeepseekPrices(varve);
    const second = await importFile(varve, path);
    expect(second).toMatchObject({ changesets: { added: 0, replayed: 535 }, events: {} });
  });
});
