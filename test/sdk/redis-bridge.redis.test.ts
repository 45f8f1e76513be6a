/** What the SDK's README says of Redis: one process holds the stream, another asks when it is told to. */
import { Redis } from 'ioredis';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { type SdkStand, startSdkStand } from '../support/sdk-stand.ts';

let stand: SdkStand;
const connections: Redis[] = [];
beforeAll(async () => {
  stand = await startSdkStand();
});
afterAll(async () => {
  await stand.close();
  await Promise.all(connections.map((redis) => redis.quit()));
});

const connect = () => {
  const redis = new Redis(inject('redisUrl'));
  connections.push(redis);
  return redis;
};

test('a process that cannot hold a stream has a change as soon as it is told', async () => {
  await stand.http.change({ type: 'defineKey', key: 'a.b', valueType: 'number', fallback: 0 });
  const holding = stand.client();
  const polling = stand.client({ transport: 'polling', pollMs: 3_600_000 });
  await Promise.all([holding.ready(), polling.ready()]);
  const [saying, hearing] = [connect(), connect()];
  await hearing.subscribe('varve');
  holding.onChange('*', ({ revision }) => void saying.publish('varve', String(revision)));
  hearing.on('message', () => polling.refresh());

  const { body } = await stand.http.change({ type: 'setOverride', key: 'a.b', scope: 'global', value: 1 });
  await polling.reached(body.revisions.last);
  expect(polling.value('a.b')).toBe(1);
});
