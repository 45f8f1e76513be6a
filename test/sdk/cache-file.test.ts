/**
 * Last known good values on disk: a client starts from its file without a server, goes on from there, and never uses a
 * file that is damaged, torn or of somebody else; a disk that fails is told and nothing else.
 */
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Failure } from '../../src/failure.ts';
import type { Varve, VarveOptions } from '../../src/sdk/varve.ts';
import type { VarveWaits } from '../../src/sdk/varve-parts.ts';
import { page } from '../support/odd-server.ts';
import { defineNumber, type SdkStand, set, startSdkStand, until } from '../support/sdk-stand.ts';

let stand: SdkStand;
let cacheFile: string;

beforeEach(async () => {
  stand = await startSdkStand();
  await stand.http.change(defineNumber, set(1), set(2, 'user:u'));
  cacheFile = join(await stand.folder(), 'varve.cache');
});
afterEach(() => stand.close());

const head = () => stand.http.ledger().state.revision;

/** Keeps everything up to the head in the file, and ends the server. */
async function fill(options: Partial<VarveOptions> = {}): Promise<void> {
  const varve = stand.client({ cacheFile, ...options });
  await varve.ready();
  await until(() => varve.status().transport === 'stream');
  await stand.http.change(set(3));
  await stand.http.change(set(4, 'tier:1'), { type: 'clearOverride', key: 'a.b', scope: 'user:u' });
  await varve.reached(head());
  await varve.close();
  await stand.stop();
}

function starting(options: Partial<VarveOptions> = {}, waits: Partial<VarveWaits> = {}) {
  const troubles: Failure[] = [];
  const onTrouble = (failure: Failure) => void troubles.push(failure);
  const varve = stand.client({ cacheFile, onTrouble, ...options }, {}, waits);
  return { varve, reasons: () => troubles.map(({ reason }) => reason) };
}

const answers = (varve: Varve) =>
  [{}, { user: 'u' }, { tier: '1' }].map((context) => varve.value('a.b', context));

const lines = async () => (await readFile(cacheFile, 'utf8')).split('\n');

describe('without a server', () => {
  test('values are there at once, and say where they come from', async () => {
    await fill();
    const { varve } = starting();
    await varve.ready();
    expect(answers(varve)).toEqual([3, 3, 4]);
    expect(varve.resolve('a.b')).toMatchObject({ source: 'file', stateRevision: head(), isStale: false });
    expect(varve.status()).toMatchObject({ source: 'file', transport: 'none', revision: head() });
    expect(varve.status().failure).toMatchObject({ code: 'unavailable', reason: 'not_reached' });
  });

  test('they are followed from their revision when it comes', async () => {
    await fill();
    const { varve } = starting();
    await varve.ready();
    await stand.http.change(set(5));
    await stand.start();
    await varve.reached(head());
    expect(answers(varve)).toEqual([5, 5, 4]);
    await until(() => varve.status().source === 'server');
    expect(varve.status().transport).toBe('stream');
    await varve.close();
    await stand.stop();
    const next = starting().varve;
    await next.ready();
    expect(answers(next)).toEqual([5, 5, 4]);
  });

  test('a start waits a moment for the server before it is content with the file', async () => {
    await fill();
    await stand.http.change(set(5));
    await stand.start();
    const { varve } = starting();
    await varve.ready();
    expect(varve.status().source).toBe('server');
  });

  test('their age is counted from when they were last known to be the newest', async () => {
    await fill();
    stand.http.pass(3_600_000);
    const { varve } = starting();
    await varve.ready();
    expect(varve.status()).toMatchObject({ state: 'stale', source: 'file' });
    expect(varve.status().ageMs).toBeGreaterThan(3_590_000);
  });
});

describe('a file that is not sound', () => {
  test.each([
    ['is cut inside the snapshot', (text: string) => text.slice(0, 300)],
    ['has another value in the snapshot', (text: string) => text.replace('"value":1', '"value":9')],
    ['lacks a line of the snapshot', (text: string) => text.replace(/\{"type":"key".*\n/, '')],
    ['is something else', () => 'hello\n'],
    ['is empty', () => ''],
  ])('%s: is told and not used', async (_, damage) => {
    await fill();
    await writeFile(cacheFile, damage(await readFile(cacheFile, 'utf8')));
    const { varve, reasons } = starting();
    await until(() => reasons().includes('not_reached'));
    expect(['damaged_cache', 'bad_snapshot', 'foreign_cache']).toContain(reasons()[0]);
    expect(varve.status()).toMatchObject({ source: 'none', revision: 0 });
    expect(varve.value('a.b', {}, { fallback: 77 })).toBe(77);
    await stand.start();
    await varve.ready();
    await varve.close();
    await stand.stop();
    const next = starting().varve;
    await next.ready();
    expect(answers(next)).toEqual([3, 3, 4]);
  });

  test('ends in a torn line: what stands before it is used', async () => {
    await fill();
    const all = await lines();
    const [closing = '', last = ''] = [all.at(-2), all.at(-3)];
    expect([closing, last].map((line) => JSON.parse(line.slice(33)).revision)).toEqual([head(), head()]);
    const text = all.join('\n');
    await writeFile(cacheFile, text.slice(0, text.indexOf(last) + 50));
    const { varve, reasons } = starting();
    await varve.ready();
    expect(reasons()).toContain('damaged_cache_end');
    expect(varve.status().revision).toBe(head() - 2);
    expect(answers(varve)).toEqual([3, 2, 3]);
  });

  test('has a changeset that was written by nobody: it and what comes after it is not used', async () => {
    await fill();
    const all = await lines();
    await writeFile(cacheFile, all.map((line) => line.replace('"value":3', '"value":9')).join('\n'));
    const { varve, reasons } = starting();
    await varve.ready();
    expect(reasons()).toContain('damaged_cache_end');
    expect(answers(varve)).toEqual([1, 2, 1]);
  });

  test('lacks a changeset in between: nothing after it is used', async () => {
    await fill();
    const all = await lines();
    await writeFile(cacheFile, all.toSpliced(-4, 1).join('\n'));
    const { varve, reasons } = starting();
    await varve.ready();
    expect(reasons()).toContain('damaged_cache_end');
    expect(answers(varve)).toEqual([1, 2, 1]);
  });

  test.each([
    ['ledger', { ledger: 'other' }],
    ['key, whose ledger may be another', { apiKey: 'varve_service_other_key' }],
    ['choice of scopes', { scopes: ['tier:*'] }],
  ])('of another %s is not used', async (_, options) => {
    await fill();
    const { varve, reasons } = starting(options);
    await until(() => reasons().includes('not_reached'));
    expect(reasons()[0]).toBe('foreign_cache');
    expect(varve.status().source).toBe('none');
  });
});

test('two processes with one file harm neither it nor each other', async () => {
  const both = [stand.client({ cacheFile }), stand.client({ cacheFile })];
  for (const varve of both) await varve.ready();
  for (let value = 10; value < 20; value++) await stand.http.change(set(value));
  for (const varve of both) await varve.reached(head());
  for (const varve of both) await varve.close();
  await stand.stop();
  const { varve, reasons } = starting();
  await varve.ready();
  expect(reasons()).not.toContain('damaged_cache_end');
  expect(varve.status().revision).toBe(head());
  expect(answers(varve)).toEqual([19, 2, 19]);
});

test('of another path of the same address is not used', async () => {
  await fill();
  const { varve, reasons } = starting({ url: `${stand.url}/other` });
  await until(() => reasons().includes('not_reached'));
  expect([reasons()[0], varve.status().source]).toEqual(['foreign_cache', 'none']);
});

test('only its owner may read it, and nothing is left beside it', async () => {
  await fill();
  expect((await stat(cacheFile)).mode & 0o777).toBe(0o600);
  expect(await readdir(join(cacheFile, '..'))).toEqual(['varve.cache']);
});

test('a place that cannot be written is told, values come from the server, and it is tried again', async () => {
  const elsewhere = join(cacheFile, '..', 'later');
  const odd = await stand.openOdd();
  const { varve, reasons } = starting(
    { cacheFile: join(elsewhere, 'varve.cache'), url: odd.url },
    { cacheAgainMs: 20 },
  );
  await varve.ready();
  expect(answers(varve)).toEqual([1, 2, 1]);
  expect(reasons()).toEqual(['cache_file']);
  await until(() => reasons().length > 3);
  expect(odd.asked.filter((asked) => asked.includes('/v1/snapshot'))).toHaveLength(1);
  await stand.http.change(set(3));
  await varve.reached(head());
  await mkdir(elsewhere);
  while (!existsSync(join(elsewhere, 'varve.cache'))) await stand.http.change(set(head()));
  const last = head();
  await varve.reached(last);
  await varve.close();
  odd.mood = (_, response) => page(response, 503);
  const next = starting({ cacheFile: join(elsewhere, 'varve.cache'), url: odd.url }).varve;
  await next.ready();
  expect([next.status().revision, next.value('a.b')]).toEqual([last, last - 1]);
});

test('what a process left over that died while it wrote is removed after a while', async () => {
  const [old, young] = ['old', 'young'].map((word) => `${cacheFile}.${word}.tmp`);
  for (const path of [old, young]) await writeFile(path ?? '', 'half');
  const longAgo = new Date(stand.http.now() - 7_200_000);
  await utimes(old ?? '', longAgo, longAgo);
  await fill();
  expect(await readdir(join(cacheFile, '..'))).toEqual(['varve.cache', 'varve.cache.young.tmp']);
});
