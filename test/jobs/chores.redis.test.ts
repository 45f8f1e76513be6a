/** Background work on Redis: the promises of chores-cases.ts, and a Redis that is away. */
import { Redis } from 'ioredis';
import { afterAll, beforeAll, beforeEach, expect, inject, test } from 'vitest';
import { startChores } from '../../src/jobs/chores.ts';
import { wipeRedisQueues } from '../support/queue-places.ts';
import { type QueuePlace, testChores } from './chores-cases.ts';

const url = inject('redisUrl');
let redis: Redis;
let place: QueuePlace;
beforeAll(() => {
  redis = new Redis(url);
  place = {
    connection: { kind: 'redis', url },
    wipe: () => wipeRedisQueues(redis),
    connections: async () =>
      String(await redis.client('LIST'))
        .trim()
        .split('\n').length,
  };
});
beforeEach(() => place.wipe());
afterAll(() => redis.quit());

testChores(() => place);

test('a Redis that is away holds up neither the start nor the stop, and is told', async () => {
  const troubles: unknown[] = [];
  const running = await startChores({
    connection: { kind: 'redis', url: 'redis://127.0.0.1:1' },
    chores: [{ name: 'away', everyMs: 1_000, run: async () => 1 }],
    onTrouble: (failure) => troubles.push(failure),
  });
  expect(running.status()).toEqual([{ name: 'away', state: 'waiting', lastResult: null }]);
  while (troubles.length === 0) await new Promise((resolve) => setTimeout(resolve, 10));
  expect(troubles[0]).toMatchObject({ code: 'ECONNREFUSED' });
  await running.stop();
  const told = troubles.length;
  await new Promise((resolve) => setTimeout(resolve, 2_500));
  expect(troubles).toHaveLength(told);
});
