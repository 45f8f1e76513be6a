/** Notices with the queue on Redis: the promises of notices-cases.ts. */
import { Redis } from 'ioredis';
import { afterAll, beforeAll, beforeEach, inject } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { wipeRedisQueues } from '../support/queue-places.ts';
import { testNotices, testWipes } from './notices-cases.ts';
import type { NoticesPlace } from './notices-stand.ts';

const url = inject('redisUrl');
let redis: Redis;
let database: TestDatabase;
beforeAll(async () => {
  redis = new Redis(url);
  database = await createTestDatabase();
});
beforeEach(() => wipeRedisQueues(redis));
afterAll(async () => {
  await database.drop();
  await redis.quit();
});

const place = (): NoticesPlace => ({
  database,
  connection: { kind: 'redis', url },
  wipe: () => wipeRedisQueues(redis),
});

testWipes(place, 100);
testNotices(place);
