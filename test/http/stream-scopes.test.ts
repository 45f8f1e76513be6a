/**
 * The stream for clients that need only some scopes, and for those that cannot hold one. The law: whatever happened,
 * wherever it is cut, a client that folds what it is told resolves for its scopes as the server does.
 */
import type { EventSourceMessage } from 'eventsource-parser';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { LiveState } from '../../src/domain/live-state.ts';
import { resolve } from '../../src/domain/resolve.ts';
import { putValuesEvent } from '../../src/domain/values-view.ts';
import type { HttpAssembly } from '../support/http-assembly.ts';
import { type StreamStand, startStreamStand } from '../support/stream-stand.ts';

let stand: StreamStand;
let http: HttpAssembly;

beforeEach(async () => {
  stand = await startStreamStand({ type: 'defineKey', key: 'a.b', valueType: 'integer', fallback: 0 });
  ({ http } = stand);
});
afterEach(() => stand.close());

const stream = (query: string, headers: Record<string, string> = {}) =>
  stand.stream(`?view=values${query}`, headers);

const set = (value: number, scope: string) => ({ type: 'setOverride', key: 'a.b', scope, value });
const data = (message: EventSourceMessage | undefined) => JSON.parse(message?.data ?? 'null');
const head = () => http.ledger().state.revision;
const short = (messages: readonly EventSourceMessage[]) =>
  messages.map((message) => [Number(message.id), message.event ?? data(message).data.scope ?? 'other']);

describe('scopes', () => {
  const mixed = async () => {
    await http.change(set(1, 'global'), set(2, 'user:u'), set(3, 'tenant:acme'));
    await http.change(set(4, 'user:u'), { type: 'tagRevision', name: 'one' });
    await http.change(set(5, 'tier:1'), set(6, 'tier:2'));
    await http.change({ type: 'defineKey', key: 'a.c', valueType: 'integer', fallback: 0 });
    await http.change({ type: 'clearOverride', key: 'a.b', scope: 'tier:2' });
  };
  const wanted = [
    [3, 'global'],
    [5, 'tenant:acme'],
    [7, 'revision'],
    [8, 'tier:1'],
    [9, 'revision'],
    [10, 'other'],
    [11, 'revision'],
  ];

  test('other overrides make no message; the end of their changeset is told', async () => {
    const client = await stream('&from=2&scopes=global,tenant:*&scopes=tier:1');
    await mixed();
    expect(short(await client.until(wanted.length))).toEqual(wanted);
  });

  test('the same from the log, and when it is cut inside a changeset', async () => {
    await mixed();
    const query = '&scopes=tier:1,global,tenant:*,tenant:acme';
    expect(short(await (await stream(`${query}&from=2`)).until(wanted.length))).toEqual(wanted);
    const resumed = await stream(query, { 'last-event-id': '4' });
    expect(short(await resumed.until(wanted.length - 1))).toEqual(wanted.slice(1));
    const atEnd = await stream(query, { 'last-event-id': '8' });
    expect(short(await atEnd.until(3))).toEqual(wanted.slice(4));
  });

  test('none of a kind: definitions and models come all the same', async () => {
    const client = await stream('&scopes=user:nobody');
    await http.change({ type: 'addModel', model: { id: 'acme/m', name: 'M', contextWindow: 1 } });
    await http.change(set(1, 'global'));
    expect(short(await client.until(3))).toEqual([
      [2, 'revision'],
      [3, 'other'],
      [4, 'revision'],
    ]);
  });

  test('what turns by itself in other scopes is not told', async () => {
    const client = await stream('&scopes=tier:1');
    await client.until(1);
    const inMs = (ms: number) => new Date(http.now() + ms).toISOString();
    await http.change(
      { ...set(1, 'tier:1'), effectiveFrom: inMs(100) },
      { ...set(1, 'tier:2'), effectiveFrom: inMs(100) },
      { ...set(1, 'global'), effectiveFrom: inMs(200) },
    );
    http.pass(100);
    await client.until(4);
    http.pass(100);
    await http.change(set(3, 'tier:1'));
    const told = (await client.until(5)).map((message) =>
      message.event === 'activation'
        ? data(message).items.map((item: { scope: string }) => item.scope)
        : message.id,
    );
    expect(told).toEqual(['2', '3', '5', ['tier:1'], '6']);
  });

  test('they go with the view values, at most 1000', async () => {
    const ask = (query: string) => http.call('GET', `/v1/stream?${query}`);
    expect((await ask('scopes=global')).body).toMatchObject({ code: 'invalid', reason: 'wrong_view' });
    expect((await ask('view=events&scopes=global')).status).toBe(400);
    expect((await ask('view=values&scopes=everybody')).body.errors[0].path).toMatch(/^query\.scopes/);
    const many = Array.from({ length: 1_001 }, (_, n) => `tier:${n}`).join(',');
    expect((await ask(`view=values&scopes=${many}`)).status).toBe(400);
  });

  test('a client of some scopes resolves for them as the server does, wherever it is cut', async () => {
    const scopes = ['global', 'tier:1', 'tenant:a', 'tenant:b', 'user:u', 'user:v'] as const;
    await fc.assert(
      fc.asyncProperty(
        fc.array(
          fc.array(fc.tuple(fc.constantFrom(...scopes), fc.boolean()), { minLength: 1, maxLength: 4 }),
          {
            minLength: 1,
            maxLength: 6,
          },
        ),
        fc.subarray(['global', 'tier:*', 'tenant:a', 'user:*', 'user:u'], { minLength: 1 }),
        fc.array(fc.integer({ min: 1, max: 4 }), { maxLength: 3 }),
        async (changesets, patterns, cuts) => {
          for (const [n, changes] of changesets.entries()) {
            const all = new Map(changes.map(([scope, isClear]) => [scope, isClear]));
            await http.call('POST', '/v1/changesets', {
              reason: 'a test wants it',
              changes: [...all].map(([scope, isClear]) =>
                isClear ? { type: 'clearOverride', key: 'a.b', scope } : set(head() + n, scope),
              ),
            });
          }
          const state = new LiveState();
          let position = 0;
          const seen: number[] = [];
          for (const count of [...cuts, Number.POSITIVE_INFINITY]) {
            const client = await stream(`&follow=false&scopes=${patterns.join(',')}`, {
              'last-event-id': String(position),
            });
            await client.ended();
            for (const message of client.messages.slice(0, count)) {
              seen.push(Number(message.id));
              position = Number(message.id);
              if (message.event === undefined) putValuesEvent(state, data(message));
            }
          }
          expect(seen).toEqual([...new Set(seen)].sort((one, other) => one - other));
          expect(position).toBe(head());
          const asks = {
            user: patterns.some((p) => p.startsWith('user')),
            tenant: patterns.includes('tenant:a'),
          };
          const context = {
            ...(asks.user ? { user: 'u' } : {}),
            ...(asks.tenant ? { tenant: 'a' } : {}),
            ...(patterns.includes('tier:*') ? { tier: '1' } : {}),
          };
          const server = resolve(http.ledger().state, 'a.b', context, http.now());
          const own = resolve(state, 'a.b', context, http.now());
          // Without the scope global, only what a narrower layer says is known.
          if (patterns.includes('global') || server?.scope !== 'global') expect(own).toEqual(server);
          else expect(own?.scope).toBe('fallback');
        },
      ),
      { numRuns: 20 },
    );
  });
});

describe('without following', () => {
  test('tells what there is up to the head and ends in order, without saying when to come again', async () => {
    await http.change(set(1, 'global'), set(2, 'tier:1'));
    const client = await stream('&follow=false&from=2');
    await client.ended();
    expect(client.response.complete).toBe(true);
    expect(short(client.messages)).toEqual([
      [3, 'global'],
      [4, 'tier:1'],
    ]);
    expect([client.retries, client.signsOfLife]).toEqual([[], []]);
    expect(client.headers).toMatchObject({
      'varve-revision': '4',
      'varve-at': '2026-03-01T12:00:00.000Z',
      'varve-age': '0',
    });
  });

  test('at the head there is nothing to tell; who names no revision is told the head', async () => {
    const none = await stream('&follow=false', { 'last-event-id': '2' });
    await none.ended();
    expect([none.response.complete, none.messages]).toEqual([true, []]);
    const unnamed = await stream('&follow=false');
    await unnamed.ended();
    expect(short(unnamed.messages)).toEqual([[2, 'revision']]);
  });

  test('it does not count among the streams once it is over, and a follower beside it goes on', async () => {
    const follower = await stream('&from=2');
    for (let n = 0; n < 3; n += 1) await (await stream('&follow=false')).ended();
    await http.change(set(1, 'global'));
    expect(short(await follower.until(1))).toEqual([[3, 'global']]);
  });

  test('a long past comes as a whole', async () => {
    for (const start of [0, 1]) {
      await http.change(...Array.from({ length: 900 }, (_, n) => set(start + n, `user:u${n}`)));
    }
    const client = await stream('&follow=false&from=0');
    await client.ended();
    expect(client.messages.at(-1)?.id).toBe(String(head()));
  });
});

test('a snapshot that one has already is not sent again, until something happens', async () => {
  const ask = async (query: string, tag: string) => {
    const answer = await http.call('GET', `/v1/snapshot${query}`, undefined, { 'if-none-match': tag });
    return [answer.status, answer.text.length > 0];
  };
  const { headers } = await http.call('GET', '/v1/snapshot?scopes=tier:2,global');
  const tag = String(headers['etag']);
  expect(tag).toMatch(/^W\/"[\w-]{27}"$/);
  expect(await ask('?scopes=global&scopes=tier:2,global', tag)).toEqual([304, false]);
  expect(await ask('?scopes=global', tag)).toEqual([200, true]);
  expect(await ask('', tag)).toEqual([200, true]);
  expect(await ask('?scopes=tier:2,global', `"other", ${tag}`)).toEqual([304, false]);
  await http.change({ type: 'tagRevision', name: 'later' });
  expect(await ask('?scopes=tier:2,global', tag)).toEqual([200, true]);
});
