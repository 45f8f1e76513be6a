/** A server that is cut off from its database, with writes on their way, still ends when it is asked to, in order and in time. */
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { postChangeset } from './client.ts';
import { openSharedStand } from './shared-stand.ts';
import { setupBody } from './workload.ts';

/** src/main.ts ends by force after it. */
const stopLimitMs = 20_000;

test('whoever waits for a write is told, and the server ends', async () => {
  const stand = await openSharedStand({ servers: 1 });
  onTestFinished(async () => {
    await stand.stop();
    await stand.remove();
  });
  const [client] = stand.clients;
  expect((await postChangeset(client, { marker: 'setup', body: setupBody }, true)).kind).toBe('acknowledged');
  stand.proxies[0]?.swallow(['up', 'down']);
  let isOver = false;
  const told: string[] = [];
  const write = async (writer: number): Promise<void> => {
    const body = JSON.stringify({
      reason: 'nobody hears it',
      changes: [{ type: 'setOverride', key: 'disaster.red', scope: `user:u-${writer}`, value: 'x' }],
    });
    for (let number = 0; !isOver; number += 1) {
      const outcome = await postChangeset(client, { marker: `w${writer}-${number}`, body }, true);
      if (outcome.kind === 'improper') told.push(outcome.why);
    }
  };
  const writers = Promise.all([1, 2, 3, 4].map(write));
  // Until the server knows that it is cut off.
  await sleep(7_000);
  const askedAt = performance.now();
  const complaints = await stand.servers[0]?.stop(stopLimitMs);
  isOver = true;
  await writers;
  expect([complaints, told]).toEqual([0, []]);
  expect(performance.now() - askedAt).toBeLessThan(stopLimitMs);
});
