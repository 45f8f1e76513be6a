/**
 * Reading from a server as such: whatever becomes of a question, nothing of it is left behind, and what is of another log
 * is not handed out.
 */
import { getEventListeners } from 'node:events';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createApiClient } from '../../src/sdk/api-client.ts';
import { createServerReads } from '../../src/sdk/server-reads.ts';
import { usualWaits } from '../../src/sdk/varve-parts.ts';
import { page } from '../support/odd-server.ts';
import { defineNumber, type SdkStand, set, startSdkStand } from '../support/sdk-stand.ts';

let stand: SdkStand;
beforeEach(async () => {
  stand = await startSdkStand({ logId: 'log-one' });
  await stand.http.change(defineNumber, set(1));
});
afterEach(() => stand.close());

const nothing = () => undefined;

const readsOf = (url: string) =>
  createServerReads({
    api: createApiClient({ url, apiKey: stand.http.adminKey }),
    elapsed: () => performance.now(),
    waits: usualWaits,
    scopes: undefined,
    onTime: nothing,
    onFresh: nothing,
    onRetry: nothing,
    onActivation: nothing,
  });

test('what ends all questions is listened to by none that is over', async () => {
  const odd = await stand.openOdd();
  const reads = readsOf(odd.url);
  const { signal } = new AbortController();
  const poll = (apply: () => Promise<void>) =>
    reads.follow({
      revision: 0,
      log: undefined,
      isFollowing: false,
      signal,
      apply,
      onOpen: nothing,
      onCaughtUp: nothing,
    });
  const left = () => getEventListeners(signal, 'abort').length;
  await poll(() => Promise.resolve());
  expect(left()).toBe(0);
  await expect(poll(() => Promise.reject(new Error('does not fit')))).rejects.toThrow('does not fit');
  expect(left()).toBe(0);
  await reads.snapshot({ minRevision: 0, log: undefined, signal });
  expect(left()).toBe(0);
  const question = {
    minRevision: 0,
    log: undefined,
    signal,
    onPiece: () => Promise.reject(new Error('full')),
  };
  await expect(reads.copySnapshot(question)).rejects.toThrow('full');
  expect(left()).toBe(0);
  odd.mood = (_, response) => page(response, 200);
  await expect(poll(() => Promise.resolve())).rejects.toMatchObject({ reason: 'foreign_answer' });
  expect(left()).toBe(0);
  odd.mood = (_, response) => {
    response.writeHead(204, { 'content-type': 'text/event-stream' }).end();
    return 'answered';
  };
  await poll(() => Promise.resolve());
  expect(left()).toBe(0);
});

test('a snapshot of another log is not handed out, not even its first piece', async () => {
  const { signal } = new AbortController();
  const pieces: Uint8Array[] = [];
  const onPiece = async (piece: Uint8Array) => void pieces.push(piece);
  const reads = readsOf(stand.url);
  await expect(reads.copySnapshot({ minRevision: 0, log: 'log-two', signal, onPiece })).rejects.toMatchObject(
    { code: 'conflict', reason: 'other_log' },
  );
  expect(pieces).toEqual([]);
  await reads.copySnapshot({ minRevision: 0, log: 'log-one', signal, onPiece });
  expect(pieces.length).toBeGreaterThan(0);
});
