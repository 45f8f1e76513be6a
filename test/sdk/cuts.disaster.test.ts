/**
 * The connection is cut 1,000 times, after random bytes, while changes go on: every client ends at the head, and has
 * applied every changeset once, as a whole, in order.
 */
import { randomInt } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createRandom } from '../bench/world.ts';
import { type CuttingProxy, openCuttingProxy } from '../support/cutting-proxy.ts';
import { defineNumber, type SdkStand, set, startSdkStand, until } from '../support/sdk-stand.ts';

const clientCount = 5;
const cutCount = 1_000;
const seed = randomInt(2 ** 31);

let stand: SdkStand;
let proxies: CuttingProxy[];

beforeEach(async () => {
  stand = await startSdkStand();
  proxies = [];
  await stand.http.change(defineNumber, set(0), set(0, 'tier:1'), set(0, 'user:u'));
});
afterEach(async () => {
  for (const proxy of proxies) await proxy.close();
  await stand.close();
});

const head = () => stand.http.ledger().state.revision;
const cuts = () => proxies.reduce((sum, proxy) => sum + proxy.cuts, 0);

test(`1,000 cuts (seed ${seed})`, { timeout: 60_000 }, async () => {
  const random = createRandom(seed);
  const limit = () => (cuts() < cutCount ? 1 + random(6_000) : undefined);
  const clients = await Promise.all(
    Array.from({ length: clientCount }, async () => {
      const proxy = await openCuttingProxy(stand.url, limit);
      proxies.push(proxy);
      const varve = stand.client({ url: proxy.url, transport: 'stream' });
      const seen: { readonly revision: number; readonly values: readonly unknown[] }[] = [];
      varve.onChange('a.b', ({ revision }) => {
        const values = [{}, { tier: '1' }, { user: 'u' }].map((context) => varve.value('a.b', context));
        seen.push({ revision, values });
      });
      return { varve, seen };
    }),
  );
  const written = [{ revision: head(), values: [0, 0, 0] }];
  for (let value = 1; cuts() < cutCount; value++) {
    await stand.http.change(set(value), set(value, 'tier:1'), set(value, 'user:u'));
    written.push({ revision: head(), values: [value, value, value] });
    await sleep(random(5));
  }
  for (const { varve, seen } of clients) {
    await until(() => varve.status().revision === head());
    // The first one is the snapshot that it began with.
    expect(seen).toEqual(written.slice(written.findIndex(({ revision }) => revision === seen[0]?.revision)));
    expect(seen.length).toBeGreaterThan(written.length / 2);
  }
  expect(cuts()).toBeGreaterThanOrEqual(cutCount);
  console.log(
    `${cuts()} cuts, ${written.length - 1} changesets, ${clientCount} clients at revision ${head()}: no gap, no repeat, no step back`,
  );
});
