/**
 * The cache file is made anew while a client goes on: whatever becomes of that, the file holds one snapshot and what follows
 * it, up to what was held.
 */
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Failure } from '../../src/failure.ts';
import { CacheFile, type OnPiece } from '../../src/sdk/cache-file.ts';
import { heldScopes } from '../../src/sdk/held-scopes.ts';
import { ValuesState } from '../../src/sdk/values-state.ts';
import type { VarveOptions } from '../../src/sdk/varve.ts';
import { page } from '../support/odd-server.ts';
import { defineNumber, type SdkStand, set, startSdkStand, until } from '../support/sdk-stand.ts';

let stand: SdkStand;
let cacheFile: string;

beforeEach(async () => {
  stand = await startSdkStand();
  await stand.http.change(defineNumber, set(1));
  cacheFile = join(await stand.folder(), 'varve.cache');
});
afterEach(() => stand.close());

const head = () => stand.http.ledger().state.revision;

function starting(options: Partial<VarveOptions> = {}) {
  const troubles: Failure[] = [];
  const onTrouble = (failure: Failure) => void troubles.push(failure);
  const varve = stand.client({ cacheFile, onTrouble, ...options });
  return { varve, reasons: () => troubles.map(({ reason }) => reason) };
}

const lines = async () => (await readFile(cacheFile, 'utf8')).split('\n');

describe('what is appended outgrows the snapshot', () => {
  const big = 'x'.repeat(60_000);

  beforeEach(() =>
    stand.http.change({ type: 'defineKey', key: 'a.text', valueType: 'string', fallback: '' }),
  );

  /** Changes of 1.2 MB. */
  async function outgrow(): Promise<void> {
    for (let count = 0; count < 20; count++) {
      const value = `${count}${big}`;
      await stand.http.change({ type: 'setOverride', key: 'a.text', scope: 'global', value });
    }
  }

  async function found(url: string): Promise<unknown[]> {
    const { varve, reasons } = starting({ url });
    await varve.ready();
    expect(reasons()).not.toContain('damaged_cache_end');
    return [varve.status().revision, varve.value('a.b'), varve.value<string>('a.text').slice(0, 3)];
  }

  test('the file is made anew', async () => {
    const { varve, reasons } = starting();
    await varve.ready();
    const before = head();
    await outgrow();
    await varve.reached(head());
    while (JSON.parse((await lines())[1] ?? '').revision <= before) await sleep(2);
    await stand.http.change(set(8));
    await varve.reached(head());
    await varve.close();
    await stand.stop();
    expect((await stat(cacheFile)).size).toBeLessThan(1_000_000);
    expect([await found(stand.url), reasons()]).toEqual([[head(), 8, '19x'], []]);
  });

  test('and the server is away: it goes on as it is, and is tried again only after a while', async () => {
    const odd = await stand.openOdd();
    const { varve, reasons } = starting({ url: odd.url });
    await varve.ready();
    const isSnapshot = ({ url = '' }) => url.startsWith('/v1/snapshot');
    odd.mood = (request, response) => (isSnapshot(request) ? page(response, 502) : 'through');
    await outgrow();
    await until(() => reasons().length > 0);
    await stand.http.change(set(8));
    await varve.reached(head());
    await varve.close();
    expect(odd.asked.filter((asked) => asked.includes('/v1/snapshot'))).toHaveLength(2);
    odd.mood = (_, response) => page(response, 503);
    expect([await found(odd.url), reasons().length]).toEqual([[head(), 8, '19x'], 1]);
  });

  test('and the client ends while it is made anew: what came meanwhile is in it, and that is no trouble', async () => {
    const odd = await stand.openOdd();
    const { varve, reasons } = starting({ url: odd.url });
    await varve.ready();
    odd.mood = ({ url = '' }, response) => {
      if (!url.startsWith('/v1/snapshot')) return 'through';
      response.writeHead(200, { 'content-type': 'application/x-ndjson' }).write('{"type":"snapshot",');
      return 'answered';
    };
    await outgrow();
    await until(() => odd.asked.filter((asked) => asked.includes('/v1/snapshot')).length === 2);
    await stand.http.change(set(8));
    await varve.reached(head());
    await varve.close();
    expect([reasons(), await readdir(join(cacheFile, '..'))]).toEqual([[], ['varve.cache']]);
    odd.mood = (_, response) => page(response, 503);
    expect(await found(odd.url)).toEqual([head(), 8, '19x']);
  });
});

describe('the file by itself', () => {
  /** What cannot be written. */
  const torn = undefined as unknown as Uint8Array;
  let failed: unknown[];
  beforeEach(() => {
    failed = [];
  });

  const fileOf = (fetchSnapshot: (onPiece: OnPiece) => Promise<void>, againMs: number) =>
    new CacheFile({
      path: cacheFile,
      owner: { server: 'x', ledger: 'x', scopes: null },
      scopes: heldScopes(undefined),
      now: () => 0,
      wallClock: () => 0,
      newId: () => crypto.randomUUID(),
      againMs,
      fetchSnapshot,
      onTrouble: ({ reason }) => failed.push(reason),
    });

  async function keep(
    file: CacheFile,
    piece: Uint8Array,
    meanwhile: () => void = () => undefined,
  ): Promise<void> {
    await file.keep(async (onPiece) => {
      await onPiece(piece);
      meanwhile();
      return { state: new ValuesState(), ledger: 'x', log: undefined };
    });
  }

  const piece = (text: string) => Buffer.from(`${text}\n`);
  const changeset = { revision: 5, recordedAt: 'of the one before', events: [] };

  test('what cannot be written is not fetched to its end', async () => {
    let fetched = 0;
    const file = fileOf(async (onPiece) => {
      for (fetched = 1; fetched < 10; fetched++) await onPiece(torn);
    }, 1);
    await keep(file, torn);
    await until(() => failed.length > 2);
    await file.close(undefined);
    expect(fetched).toBe(1);
    expect(await readdir(join(cacheFile, '..'))).toEqual([]);
  });

  test('what follows a snapshot that could not be written does not follow the one before', async () => {
    const file = fileOf(() => Promise.resolve(), 60_000);
    await keep(file, piece('the one before'));
    await keep(file, torn);
    file.append(changeset, 4);
    await file.close(undefined);
    expect((await lines()).slice(1)).toEqual(['the one before', expect.stringContaining('checksum'), '']);
    expect(failed).toEqual(['cache_file']);
  });

  test('what still waited when a snapshot came does not follow that one', async () => {
    const file = fileOf(() => Promise.resolve(), 60_000);
    await keep(file, piece('the one before'));
    await keep(file, piece('the new one'), () => file.append(changeset, 4));
    await file.close(undefined);
    expect((await lines()).slice(1)).toEqual(['the new one', expect.stringContaining('checksum'), '']);
    expect(failed).toEqual([]);
  });
});
