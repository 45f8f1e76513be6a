/**
 * The time machine on the imported history of real models and prices: what a month cost at the prices of two days, and
 * rolling back. The whole history is read where it is there, and otherwise the deepseek records that lie with the project.
 */
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, describe, test } from 'vitest';
import { runImport } from '../../src/import/import-run.ts';
import { readLines } from '../../src/import/read-lines.ts';
import { createSendChangeset } from '../../src/import/send-changeset.ts';
import { leftOutNote, realDataFolder } from '../support/real-data.ts';
import { startTestVarve, type TestVarve } from '../support/varve.ts';
import { expectOctober } from './october-cost.ts';
import { testRealRollbacks } from './real-rollback-cases.ts';

const path =
  realDataFolder === undefined
    ? join(import.meta.dirname, '..', 'fixtures', 'deepseek-history.ndjson')
    : join(realDataFolder, 'model-history.ndjson');

describe(`the real history${leftOutNote}`, () => {
  let varve: TestVarve;
  beforeAll(async () => {
    varve = await startTestVarve();
    await runImport({
      lines: readLines(path).lines,
      send: createSendChangeset({ fetch, wait }, { url: varve.url, apiKey: varve.adminKey }),
    });
  }, 180_000);
  afterAll(() => varve.stop());

  test('tells what October costs at the prices of both days', () => expectOctober(varve));

  testRealRollbacks(() => varve);
});
