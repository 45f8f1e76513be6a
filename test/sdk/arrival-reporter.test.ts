/**
 * A client that names itself tells what it has applied: soon, not too often, without harm when it cannot be told; and who
 * asked, when that is wanted.
 */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Failure } from '../../src/failure.ts';
import { maxAskedContexts } from '../../src/sdk/asked-contexts.ts';
import { defineNumber, type SdkStand, set, startSdkStand, until } from '../support/sdk-stand.ts';

let stand: SdkStand;
beforeEach(async () => {
  stand = await startSdkStand({ heartbeatWriteMs: 30 });
  await stand.http.change(defineNumber);
});
afterEach(() => stand.close());

/** A slow machine must not drive it to polling. */
const chat = { client: 'chat', transport: 'stream' } as const;
const often = { heartbeatMs: 40, heartbeatGapMs: 10, newsMs: 5 };
const head = () => stand.http.ledger().state.revision;
const heartbeats = (status = 200) => stand.http.counted.requests.get(`POST /v1/heartbeats ${status}`) ?? 0;
const consumers = async () => (await stand.http.call('GET', '/v1/consumers')).body.items;

test('is listed by its name as soon as it has values, again after each change, and gone when it is closed', async () => {
  const varve = stand.client({ ...chat }, {}, { heartbeatMs: 60_000, heartbeatGapMs: 10, newsMs: 5 });
  await varve.ready();
  await until(() => heartbeats() === 1);
  expect(await consumers()).toMatchObject([{ client: 'chat', revision: head(), state: 'current' }]);
  await until(() => varve.status().transport === 'stream');
  await stand.http.change(set(1));
  await until(() => heartbeats() === 2);
  expect(await consumers()).toMatchObject([{ client: 'chat', revision: head(), lag: 0 }]);
  await varve.close();
  expect(await consumers()).toEqual([]);
});

test('goes on while nothing happens, and processes of one name are two', async () => {
  const clients = [1, 2].map(() => stand.client({ ...chat }, {}, often));
  await Promise.all(clients.map((varve) => varve.ready()));
  await until(() => heartbeats() >= 8);
  const listed = await consumers();
  expect(listed).toHaveLength(2);
  expect(new Set(listed.map(({ instance }: { instance: string }) => instance)).size).toBe(2);
});

test('one that holds some scopes only tells of every change as well', async () => {
  const varve = stand.client({ ...chat, scopes: ['tenant:acme'] }, {}, often);
  await varve.ready();
  await until(() => heartbeats() >= 1);
  const waiting = '/v1/changesets?waitFor=consumers&waitMs=20000';
  const { body } = await stand.http.call('POST', waiting, { reason: 'x', changes: [set(1, 'user:u')] });
  expect(body.consumers).toMatchObject({ revision: head(), reached: ['chat'], missing: [] });
});

test('without a name nothing is told', async () => {
  const varve = stand.client({}, {}, often);
  await varve.ready();
  await stand.http.change(set(1));
  await varve.reached(head());
  await varve.close();
  expect([heartbeats(), await consumers()]).toEqual([0, []]);
});

test('many changes are no more heartbeats than there may be', async () => {
  const varve = stand.client({ ...chat }, {}, { heartbeatMs: 60_000, heartbeatGapMs: 60_000, newsMs: 1 });
  await varve.ready();
  await until(() => heartbeats() === 1);
  for (let value = 1; value <= 30; value++) await stand.http.change(set(value));
  await varve.reached(head());
  expect(heartbeats()).toBe(1);
});

test('its own write that waits for consumers has itself among them', async () => {
  const varve = stand.client({ ...chat }, {}, often);
  await varve.ready();
  await until(() => heartbeats() >= 1);
  const how = { waitFor: 'consumers', waitMs: 20_000 } as const;
  const { consumers: arrival } = await varve.write({ reason: 'because', changes: [set(5)] }, how);
  expect(arrival).toMatchObject({ revision: head(), reached: ['chat'], missing: [] });
  const nothing = await varve.write({ reason: 'because', changes: [set(5)] }, how);
  expect(nothing).not.toHaveProperty('consumers');
});

describe('when it cannot be told', () => {
  test('that is said once an outage, and values go on being answered', async () => {
    const store = stand.http.dependencies.consumers;
    const { keep } = store;
    const away = () => Promise.reject(new Failure('limited', 'away', { reason: 'test' }));
    const troubles: Failure[] = [];
    Object.assign(store, { keep: away });
    const varve = stand.client({ ...chat, onTrouble: (failure) => troubles.push(failure) }, {}, often);
    await varve.ready();
    await until(() => heartbeats(429) >= 4);
    expect(troubles).toMatchObject([{ code: 'limited', reason: 'test' }]);
    expect(varve.value('a.b')).toBe(0);
    Object.assign(store, { keep });
    await until(() => heartbeats() >= 1);
    // What changes nothing but the time is not waited for: only news can fail.
    Object.assign(store, { keep: away });
    await stand.http.change(set(1));
    const before = heartbeats(429);
    await until(() => heartbeats(429) >= before + 2);
    expect(troubles).toHaveLength(2);
  });

  test('a server that is gone keeps nobody from closing', async () => {
    const varve = stand.client({ ...chat }, {}, often);
    await varve.ready();
    await until(() => heartbeats() >= 1);
    await stand.http.app.close();
    await varve.close();
    expect(varve.status().state).toBe('closed');
  });
});

describe('who asked', () => {
  const contexts = async () => (await stand.http.call('GET', '/v1/contexts?limit=1000')).body.items;

  test('is told when that is wanted, each once, and only since the last time', async () => {
    const varve = stand.client({ ...chat, reportContexts: true }, {}, often);
    await varve.ready();
    for (let n = 0; n < 3; n++) varve.value('a.b', { user: 'ann', tenant: 'acme' });
    varve.resolve('a.b', { user: 'bob' });
    varve.value('a.b', { tenant: 'nobody' });
    // What a server would refuse must not keep the rest from it.
    varve.value('a.b', { user: 'a\u0000' });
    const before = heartbeats();
    await until(() => heartbeats() >= before + 2);
    const told = (await contexts()).map(({ user, tenant }: { user: string; tenant: string | null }) => [
      user,
      tenant,
    ]);
    expect(told.toSorted()).toEqual([
      ['ann', 'acme'],
      ['bob', null],
    ]);
    expect(heartbeats(400)).toBe(0);
    // What could not be told is told with the next one.
    const store = stand.http.dependencies.consumers;
    const { noteContexts } = store;
    Object.assign(store, { noteContexts: () => Promise.reject(new Failure('limited', 'not now')) });
    varve.value('a.b', { user: 'cleo' });
    await until(() => heartbeats(429) >= 1);
    Object.assign(store, { noteContexts });
    const after = heartbeats();
    await until(() => heartbeats() >= after + 1);
    expect(await contexts()).toContainEqual(expect.objectContaining({ user: 'cleo' }));
    stand.http.pass(25 * 3_600_000);
    const then = heartbeats();
    await until(() => heartbeats() >= then + 2);
    expect(await contexts()).toEqual([]);
  });

  test('is bounded, and what finds no room is counted', async () => {
    const slow = { heartbeatMs: 60_000, heartbeatGapMs: 10, newsMs: 5 };
    const varve = stand.client({ ...chat, reportContexts: true }, {}, slow);
    await varve.ready();
    await until(() => heartbeats() === 1);
    for (let n = 0; n < maxAskedContexts + 7; n++) varve.value('a.b', { user: `u${n}` });
    expect(varve.status().droppedContexts).toBe(7);
    // A heartbeat that tells of a change leaves them for a regular one.
    await stand.http.change(set(1));
    await until(() => heartbeats() === 2);
    expect(await contexts()).toEqual([]);
  });

  test('is nobody’s business otherwise', async () => {
    const varve = stand.client({ ...chat }, {}, often);
    await varve.ready();
    varve.value('a.b', { user: 'ann' });
    const before = heartbeats();
    await until(() => heartbeats() >= before + 2);
    expect(await contexts()).toEqual([]);
    expect(varve.status()).not.toHaveProperty('droppedContexts');
    expect(() => stand.client({ reportContexts: true })).toThrow('reportContexts');
  });
});
