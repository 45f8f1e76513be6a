/**
 * Five processes with the SDK: three are well, the connection of one is held up, one is not heard of any more. A write that
 * waits for consumers names the two, and the three have it meanwhile.
 */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { defineNumber, type SdkStand, set, startSdkStand, until } from '../support/sdk-stand.ts';
import { openTcpProxy, type TcpProxy } from '../support/tcp-proxy.ts';

let stand: SdkStand;
let heldUp: TcpProxy;
let cutOff: TcpProxy;
beforeEach(async () => {
  stand = await startSdkStand({ heartbeatWriteMs: 30 });
  await stand.http.change(defineNumber);
  // It knows databases; what it hands on is bytes.
  const place = stand.url.replace('http:', 'postgresql:');
  [heldUp, cutOff] = await Promise.all([openTcpProxy(place), openTcpProxy(place)]);
});
afterEach(async () => {
  heldUp.heal();
  cutOff.heal();
  await stand.close();
  await Promise.all([heldUp.close(), cutOff.close()]);
});

const waits = { heartbeatMs: 100, heartbeatLimitMs: 500, heartbeatGapMs: 20, newsMs: 20 };
const head = () => stand.http.ledger().state.revision;

/** A write that waits for consumers; the same again is the same write. */
const write = (change: object, waitMs: number) =>
  stand.http.call(
    'POST',
    `/v1/changesets?waitFor=consumers&waitMs=${waitMs}`,
    { reason: 'x', changes: [change] },
    { 'idempotency-key': JSON.stringify(change) },
  );

interface Listed {
  readonly client: string;
  readonly state: string;
}

async function untilStates(wanted: Readonly<Record<string, string>>): Promise<void> {
  for (;;) {
    const { items } = (await stand.http.call('GET', '/v1/consumers')).body;
    const states = items.map(({ client, state }: Listed) => [client, state]);
    if (JSON.stringify(states) === JSON.stringify(Object.entries(wanted))) return;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

test('a slow or stuck consumer is named, and never slows the others', async () => {
  const through = (proxy: TcpProxy) => `http://127.0.0.1:${new URL(proxy.url).port}`;
  const start = (client: string, url = stand.url) =>
    stand.client({ client, url, transport: 'stream' }, {}, waits);
  const good = ['good-1', 'good-2', 'good-3'].map((client) => start(client));
  const slow = start('held-up', through(heldUp));
  const gone = start('cut-off', through(cutOff));
  const all = [...good, slow, gone];
  await Promise.all(all.map((varve) => varve.ready()));
  await until(() => all.every((varve) => varve.status().transport === 'stream'));
  const wellOnes = { 'good-1': 'current', 'good-2': 'current', 'good-3': 'current' };
  await untilStates({ 'cut-off': 'current', ...wellOnes, 'held-up': 'current' });

  // One hears nothing and is heard, the other is not even heard.
  heldUp.swallow(['down']);
  cutOff.swallow(['up', 'down']);
  stand.http.pass(61_000);
  await untilStates({ 'cut-off': 'silent', ...wellOnes, 'held-up': 'current' });

  const before = head();
  let isAnswered = false;
  const waiting = write(set(7), 30_000).finally(() => {
    isAnswered = true;
  });
  await until(() => head() > before);
  await Promise.all(good.map((varve) => varve.reached(head())));
  expect(good.map((varve) => varve.value('a.b'))).toEqual([7, 7, 7]);
  // Nor is anybody else held up: a write that does not wait is answered and has arrived while the other one waits.
  await stand.http.change(set(8));
  await Promise.all(good.map((varve) => varve.reached(head())));
  expect([isAnswered, good.map((varve) => varve.value('a.b'))]).toEqual([false, [8, 8, 8]]);

  // The same request again, which waits for less long, tells who has it by now.
  let now = await write(set(7), 20);
  while (now.body.consumers.reachedCount < 3) now = await write(set(7), 20);
  expect(now).toMatchObject({ status: 201, headers: { 'idempotent-replayed': 'true' } });
  expect(now.body.consumers).toMatchObject({
    revision: before + 1,
    reached: ['good-1', 'good-2', 'good-3'],
    missing: [
      { client: 'cut-off', revision: before, state: 'silent' },
      { client: 'held-up', revision: before, state: 'behind' },
    ],
  });
  expect([slow.value('a.b'), gone.value('a.b')]).toEqual([0, 0]);

  // It is heard of, and has been behind for longer than half a minute.
  stand.http.pass(31_000);
  await untilStates({ 'cut-off': 'silent', ...wellOnes, 'held-up': 'stuck' });

  expect(isAnswered).toBe(false);
  heldUp.heal();
  const { status, body } = await waiting;
  expect([status, body.consumers.missing]).toMatchObject([201, [{ client: 'cut-off', state: 'silent' }]]);
  cutOff.heal();
  await untilStates({ 'cut-off': 'current', ...wellOnes, 'held-up': 'current' });
  const last = await write(set(9), 20_000);
  expect(last.body.consumers).toMatchObject({ reachedCount: 5, missing: [] });
  expect(all.map((varve) => varve.value('a.b'))).toEqual([9, 9, 9, 9, 9]);
});
