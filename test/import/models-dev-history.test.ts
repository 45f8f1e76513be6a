/**
 * Whole histories through the mapping: the project's own fixture, and the real file where it is. Every model that a
 * commit touches is compared after that commit with a naive fold of the raw lines, and at the end with the catalogue.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { type Change, changeSchema, maxChanges } from '../../src/domain/change.ts';
import { type ImportRecord, readRecord } from '../../src/import/history-record.ts';
import { changesOf, createImportState, type LeftOut } from '../../src/import/models-dev.ts';
import { leftOutNote, realDataFolder } from '../support/real-data.ts';
import {
  asSource,
  type Entry,
  type FoldedModel,
  flattened,
  foldChange,
  normalized,
} from './reference-fold.ts';

interface Imported {
  readonly commits: {
    readonly commit: string;
    readonly records: ImportRecord[];
    readonly changes: Change[];
  }[];
  readonly leftOut: LeftOut[];
}

function importAll(text: string): Imported {
  const state = createImportState();
  const commits: { commit: string; records: ImportRecord[]; changes: Change[] }[] = [];
  const leftOut: LeftOut[] = [];
  for (const [index, line] of text.trimEnd().split('\n').entries()) {
    const record = readRecord(line, index + 1);
    const open = commits.at(-1);
    if (open !== undefined && open.commit === record.commit) open.records.push(record);
    else commits.push({ commit: record.commit, records: [record], changes: [] });
  }
  for (const { records, changes } of commits) {
    const mapped = changesOf(state, records);
    changes.push(...mapped.changes);
    leftOut.push(...mapped.leftOut);
  }
  return { commits, leftOut };
}

const rawLineSchema = z.object({
  at: z.string(),
  provider: z.string(),
  id: z.string(),
  kind: z.string(),
  model: z.json().optional(),
  fields: z.record(z.string(), z.tuple([z.json(), z.json()])).optional(),
});

/** Folds the raw lines beside the changes, and compares every model that a commit touches after that commit. */
function checkAgainstRaw(text: string, { commits }: Imported): Map<string, FoldedModel> {
  const raw = new Map<string, Entry>();
  const folded = new Map<string, FoldedModel>();
  const lines = text.trimEnd().split('\n');
  for (const { commit, records, changes } of commits) {
    const effects = changes.map((change) => foldChange(folded, change));
    // Else the ledger would have no changeset of this commit.
    expect(effects, commit).toContain(true);
    for (const { line } of records) {
      const parsed = rawLineSchema.parse(JSON.parse(lines[line - 1] ?? ''));
      const id = `${parsed.provider}/${parsed.id.trim()}`;
      if (parsed.kind === 'removed') raw.delete(id);
      else if (parsed.kind === 'added')
        raw.set(id, flattened(z.record(z.string(), z.json()).parse(parsed.model)));
      else {
        const after = Object.entries(parsed.fields ?? {}).map(([path, [, value]]) => [path, value] as const);
        const merged = Object.entries({ ...raw.get(id), ...Object.fromEntries(after) });
        raw.set(id, Object.fromEntries(merged.filter(([, value]) => value !== null)));
      }
    }
    for (const { id, line } of records) {
      const model = folded.get(id);
      const wanted = raw.get(id);
      if (wanted === undefined) expect(model?.status, `line ${line}`).toBe('removed');
      else
        expect(model === undefined ? undefined : asSource(model), `line ${line}`).toEqual(normalized(wanted));
    }
  }
  return folded;
}

function priceAt(model: FoldedModel | undefined, moment: string): unknown[] {
  const price = model?.prices.filter((entry) => entry.at <= moment).at(-1)?.pricing ?? {};
  return [price['input'], price['output']];
}

const deepseekPrices = [
  ['2025-07-01', '0.27', '1.1'],
  ['2025-09-01', '0.57', '1.68'],
  ['2025-12-01', '0.28', '0.42'],
  ['2026-06-01', '0.14', '0.28'],
];

function deepseekPricesIn(folded: Map<string, FoldedModel>): unknown[] {
  return deepseekPrices.map(([moment = '']) => [
    moment,
    ...priceAt(folded.get('deepseek/deepseek-chat'), moment),
  ]);
}

function checkWellFormed({ commits }: Imported): void {
  for (const { commit, changes } of commits) {
    expect(changes.length, commit).toBeGreaterThan(0);
    expect(changes.length, commit).toBeLessThanOrEqual(maxChanges);
    for (const change of changes)
      expect(changeSchema.safeParse(change).error?.issues, commit).toBeUndefined();
  }
}

describe('the fixture', () => {
  const path = fileURLToPath(new URL('../fixtures/deepseek-history.ndjson', import.meta.url));
  const text = readFileSync(path, 'utf8');
  const imported = importAll(text);

  test('is 38 records in 22 commits, all of which say something', () => {
    expect(imported.commits.flatMap(({ records }) => records)).toHaveLength(38);
    expect(imported.commits).toHaveLength(22);
    expect(imported.leftOut).toEqual([]);
    checkWellFormed(imported);
  });

  test('folds to what the source says after every commit, prices included', () => {
    expect(deepseekPricesIn(checkAgainstRaw(text, imported))).toEqual(deepseekPrices);
  });

  test('gives the same changes again, byte for byte', () => {
    expect(JSON.stringify(importAll(text))).toBe(JSON.stringify(imported));
  });
});

describe.skipIf(realDataFolder === undefined)(`the real history${leftOutNote}`, () => {
  const folder = realDataFolder ?? '';
  const text = realDataFolder === undefined ? '' : readFileSync(join(folder, 'model-history.ndjson'), 'utf8');
  const imported: Imported = realDataFolder === undefined ? { commits: [], leftOut: [] } : importAll(text);

  test('is 535 changesets, each with something to say', () => {
    expect(imported.commits).toHaveLength(535);
    expect(new Set(imported.commits.map(({ commit }) => commit)).size).toBe(535);
    checkWellFormed(imported);
  });

  test('makes every record that changes a price a changePrice at its moment', () => {
    const touching = imported.commits
      .flatMap(({ records }) => records)
      .filter(
        ({ kind, facts }) => kind === 'changed' && [...facts.keys()].some((path) => path.startsWith('cost.')),
      );
    expect(touching).toHaveLength(330);
    const priced = new Set(
      imported.commits
        .flatMap(({ changes }) => changes)
        .flatMap((change) => (change.type === 'changePrice' ? [`${change.id} ${change.effectiveFrom}`] : [])),
    );
    for (const { id, at: moment, line } of touching)
      expect(priced.has(`${id} ${moment}`), `line ${line}`).toBe(true);
  });

  test('leaves out nothing but the space of an id', () => {
    expect(imported.leftOut.map(({ line, field }) => [line, field])).toEqual([
      [1188, 'id'],
      [1195, 'id'],
      [1196, 'id'],
    ]);
  });

  test('folds to what the source says after every commit, and to its catalogue at the end', () => {
    const folded = checkAgainstRaw(text, imported);
    expect(deepseekPricesIn(folded)).toEqual(deepseekPrices);
    const entrySchema = z.array(
      z.object({ provider: z.string(), id: z.string(), model: z.record(z.string(), z.json()) }),
    );
    const catalogue = entrySchema.parse(
      JSON.parse(readFileSync(join(folder, 'model-catalogue.json'), 'utf8')),
    );
    const wanted = catalogue.map(
      ({ provider, id, model }) => [`${provider}/${id}`, normalized(flattened(model))] as const,
    );
    const standing = [...folded].filter(([, model]) => model.status !== 'removed');
    expect(wanted).toHaveLength(576);
    expect(Object.fromEntries(standing.map(([id, model]) => [id, asSource(model)]))).toEqual(
      Object.fromEntries(wanted),
    );
  });

  test('fits into changesets of less than 1 MB', () => {
    const sizes = imported.commits.map(({ changes }) => JSON.stringify(changes).length);
    expect(Math.max(...sizes)).toBeLessThan(1_000_000);
  });
});
