/**
 * The stream over a real socket: live and from the log, cut at random points and resumed, slow and revoked clients,
 * the end of the server. The law: whatever is cut, a client that comes again has every revision once, in order.
 */
import type { AddressInfo } from 'node:net';
import type { EventSourceMessage } from 'eventsource-parser';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { LiveState } from '../../src/domain/live-state.ts';
import { resolve } from '../../src/domain/resolve.ts';
import { putSnapshotLine } from '../../src/domain/snapshot.ts';
import { putValuesEvent } from '../../src/domain/values-view.ts';
import { type HttpAssembly, startHttp } from '../support/http-assembly.ts';
import { type StreamStand, startStreamStand } from '../support/stream-stand.ts';

let stand: StreamStand;
let http: HttpAssembly;

beforeEach(async () => {
  stand = await startStreamStand({ type: 'defineKey', key: 'a.b', valueType: 'integer', fallback: 0 });
  ({ http } = stand);
});
afterEach(() => stand.close());

const stream = (query: string, headers: Record<string, string> = {}) => stand.stream(query, headers);

const set = (value: number, scope = 'global') => ({ type: 'setOverride', key: 'a.b', scope, value });
const ids = (messages: readonly EventSourceMessage[]) => messages.map(({ id }) => Number(id));
const data = (message: EventSourceMessage | undefined) => JSON.parse(message?.data ?? 'null');
const head = () => http.ledger().state.revision;

describe('live', () => {
  test('tells the head at once, then every changeset as a whole', async () => {
    const client = await stream('');
    expect(client.status).toBe(200);
    expect(client.headers).toMatchObject({
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store',
      'x-accel-buffering': 'no',
    });
    const start = head();
    await client.until(1);
    expect([client.messages[0]?.event, data(client.messages[0])]).toEqual([
      'revision',
      { revision: start, recordedAt: '2026-03-01T12:00:00.000Z', last: true },
    ]);
    await http.change(set(1), set(2, 'tier:1'));
    const [, first, second] = await client.until(3);
    expect(ids([...client.messages])).toEqual([start, start + 1, start + 2]);
    expect(data(first)).toMatchObject({
      revision: start + 1,
      type: 'OverrideSet',
      last: false,
      reason: 'a test wants it',
      actor: { id: 'admin' },
    });
    expect(data(second)).toMatchObject({ revision: start + 2, last: true });
    expect(data(first)).not.toHaveProperty('ledger');
    expect(data(first)).not.toHaveProperty('idempotency');
    expect(client.retries).toEqual([1000]);
  });

  test('sends signs of life: the moment and the age of what is told, without an id', async () => {
    const client = await stream('?from=2');
    while (client.signsOfLife.length < 1) await new Promise((go) => client.response.once('data', go));
    http.pass(1_234);
    const later = client.signsOfLife.length + 1;
    while (client.signsOfLife.length <= later) await new Promise((go) => client.response.once('data', go));
    const [first, last] = [client.signsOfLife[0], client.signsOfLife.at(-1)];
    expect([first?.id, data(first)]).toEqual([undefined, { at: '2026-03-01T12:00:00.000Z', ageMs: 0 }]);
    expect(data(last)).toEqual({ at: '2026-03-01T12:00:01.234Z', ageMs: 1_234 });
  });

  test('what resolution does not need only moves the revision on in the view values', async () => {
    const client = await stream('?view=values');
    await http.change({ type: 'tagRevision', name: 'one' });
    await http.change(set(1), { type: 'tagRevision', name: 'two' });
    await http.change({ type: 'tagRevision', name: 'three' }, set(2));
    const messages = await client.until(5);
    expect(messages.map((message) => [message.id, message.event, data(message).type])).toEqual([
      ['2', 'revision', undefined],
      ['3', 'revision', undefined],
      ['4', undefined, 'OverrideSet'],
      ['5', 'revision', undefined],
      ['7', undefined, 'OverrideSet'],
    ]);
    expect(data(messages[2])).not.toHaveProperty('actor');
  });
});

describe('cut and resumed', () => {
  test('inside a changeset: the rest of it comes, without gap or repeat', async () => {
    await http.change(set(1), set(2, 'tier:1'), set(3, 'tier:2'), set(4, 'tier:3'));
    const client = await stream('', { 'last-event-id': '4' });
    expect(ids(await client.until(2))).toEqual([5, 6]);
    await http.change(set(9));
    expect(ids(await client.until(3))).toEqual([5, 6, 7]);
  });

  test('Last-Event-ID goes before from, and 0 is the beginning', async () => {
    await http.change(set(1));
    expect(ids(await (await stream('?from=0', { 'last-event-id': '2' })).until(1))).toEqual([3]);
    expect(ids(await (await stream('?from=0')).until(3))).toEqual([1, 2, 3]);
  });

  test.each(['events', 'values'] as const)(
    'at random, while changes go on: every revision once, in the view %s',
    async (view) => {
      await fc.assert(
        fc.asyncProperty(
          fc.array(fc.record({ size: fc.integer({ min: 1, max: 5 }), plain: fc.boolean() }), {
            minLength: 1,
            maxLength: 8,
          }),
          fc.array(fc.integer({ min: 1, max: 6 }), { maxLength: 6 }),
          async (changesets, cuts) => {
            const start = head();
            const writing = (async () => {
              for (const [index, { size, plain }] of changesets.entries()) {
                const changes = Array.from({ length: size }, (_, n) =>
                  plain
                    ? { type: 'tagRevision', name: `t${start}-${index}-${n}` }
                    : set(start * 100 + index * 10 + n, `user:u${n}`),
                );
                await http.change(...changes);
              }
            })();
            const seen: number[] = [];
            let position = start;
            for (const count of cuts) {
              const client = await stream(`?view=${view}`, { 'last-event-id': String(position) });
              // Cut after so many messages, wherever in a changeset that is; none may come any more when all is written.
              await Promise.race([client.until(count), writing]);
              client.cut();
              const taken = ids(client.messages.slice(0, count));
              seen.push(...taken);
              position = taken.at(-1) ?? position;
            }
            await writing;
            if (position < head()) {
              const client = await stream(`?view=${view}`, { 'last-event-id': String(position) });
              while (client.messages.length === 0 || ids(client.messages).at(-1) !== head())
                await client.until(client.messages.length + 1);
              seen.push(...ids(client.messages));
              client.cut();
            }
            const wanted = Array.from({ length: head() - start }, (_, n) => start + 1 + n);
            if (view === 'events') expect(seen).toEqual(wanted);
            else {
              expect(seen).toEqual([...new Set(seen)].sort((one, other) => one - other));
              expect(seen.at(-1)).toBe(head());
            }
          },
        ),
        { numRuns: 25 },
      );
    },
  );

  test('a snapshot and the stream from its revision on make the same state', async () => {
    await http.change(set(1), set(2, 'user:u'));
    const lines = (await http.call('GET', '/v1/snapshot')).text
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    const state = new LiveState();
    for (const line of lines) putSnapshotLine(state, line);
    expect(lines.at(-1)).toEqual({ type: 'end', count: lines.length - 2 });
    await http.change(set(3), { type: 'clearOverride', key: 'a.b', scope: 'user:u' });
    const client = await stream(`?view=values&from=${lines[0].revision}`);
    for (const message of await client.until(2)) putValuesEvent(state, data(message));
    const context = { user: 'u' };
    expect(resolve(state, 'a.b', context, http.now())).toEqual(
      resolve(http.ledger().state, 'a.b', context, http.now()),
    );
    expect(resolve(state, 'a.b', context, http.now())?.value).toBe(3);
  });

  test('a long past comes in pages, the changesets that cross them whole', async () => {
    const many = (count: number, start: number) =>
      Array.from({ length: count }, (_, n) => set(start + n, `user:u${n}`));
    await http.change(...many(900, 0));
    await http.change(...many(900, 10_000));
    await http.change(...many(900, 20_000));
    const client = await stream('?from=0');
    const messages = await client.until(head());
    expect(ids(messages)).toEqual(Array.from({ length: head() }, (_, n) => n + 1));
  });
});

describe('limits', () => {
  test('a client that does not read loses nothing and holds up nobody', async () => {
    const slow = await stream('?from=2');
    slow.response.pause();
    const quick = await stream('?from=2');
    const big = 'x'.repeat(60_000);
    await http.change({ type: 'defineKey', key: 'a.text', valueType: 'string', fallback: '' });
    for (let n = 0; n < 120; n++) {
      await http.change({ type: 'setOverride', key: 'a.text', scope: `user:u${n}`, value: `${n}${big}` });
    }
    expect(ids(await quick.until(121))).toHaveLength(121);
    slow.response.resume();
    const wanted = Array.from({ length: 121 }, (_, n) => 3 + n);
    expect(ids(await slow.until(121))).toEqual(wanted);
  });

  test('more at once than may wait to be told: clients read on in the log, without gap or repeat', async () => {
    const client = await stream('?from=2');
    const many = (half: number) => ({
      reason: 'a test wants it',
      changes: Array.from({ length: 1_100 }, (_, n) => set(n, `user:u${half}-${n}`)),
    });
    await Promise.all([1, 2].map((half) => http.call('POST', '/v1/changesets', many(half))));
    await http.change(set(1));
    const wanted = Array.from({ length: 2_201 }, (_, n) => 3 + n);
    expect(ids(await client.until(wanted.length))).toEqual(wanted);
  });

  test('so many streams and no more', async () => {
    const small = await startHttp({ maxStreams: 1 });
    await small.app.listen({ port: 0, host: '127.0.0.1' });
    const { port } = small.app.server.address() as AddressInfo;
    const ask = () =>
      fetch(`http://127.0.0.1:${port}/v1/stream`, { headers: { authorization: `Bearer ${small.adminKey}` } });
    const first = await ask();
    const second = await ask();
    expect([first.status, second.status, JSON.parse(await second.text()).code]).toEqual([
      200,
      429,
      'limited',
    ]);
    expect(second.headers.get('retry-after')).toBe('10');
    await first.body?.cancel();
    await small.close();
  });

  test('a service sees the view values and no other', async () => {
    const service = { authorization: `Bearer ${await http.keyOf('service')}` };
    expect((await stream('?view=events', service)).status).toBe(403);
    const client = await stream('?from=0', service);
    expect(client.status).toBe(200);
    expect(data((await client.until(2))[1])).not.toHaveProperty('actor');
  });

  test('a key that is revoked loses its stream', async () => {
    const key = await http.keyOf('service', { name: 'revoked-soon' });
    const client = await stream('', { authorization: `Bearer ${key}` });
    const { items } = (await http.call('GET', '/v1/api-keys')).body;
    const { id } = items.find((item: { name: string }) => item.name === 'revoked-soon');
    await http.call('DELETE', `/v1/api-keys/${id}`);
    await client.ended();
    expect((await stream('', { authorization: `Bearer ${key}` })).status).toBe(401);
  });
});

test('when the server ends, streams end in order and say when to come again', async () => {
  const client = await stream('');
  await client.until(1);
  const closing = http.app.close();
  await client.ended();
  await closing;
  expect(client.response.complete).toBe(true);
  expect(client.retries).toEqual([1000, 1000]);
});
