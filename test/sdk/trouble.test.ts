/**
 * What goes wrong between a client and its server: whatever it is, values go on being answered, are never older than
 * before, and are up to date again when it is over.
 */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Failure } from '../../src/failure.ts';
import type { Varve, VarveOptions } from '../../src/sdk/varve.ts';
import { page } from '../support/odd-server.ts';
import { defineNumber, type SdkStand, set, startSdkStand, until } from '../support/sdk-stand.ts';

let stand: SdkStand;

beforeEach(async () => {
  stand = await startSdkStand();
  await stand.http.change(defineNumber, set(1));
});
afterEach(() => stand.close());

const head = () => stand.http.ledger().state.revision;

function starting(options: Partial<VarveOptions> = {}, waits = {}) {
  const troubles: Failure[] = [];
  const onTrouble = (failure: Failure) => void troubles.push(failure);
  return { varve: stand.client({ onTrouble, ...options }, {}, waits), troubles };
}

const isStreaming = (varve: Varve) => () => varve.status().transport === 'stream';

describe('the server', () => {
  test('ends and comes again: nothing of what happened meanwhile is missed', async () => {
    const { varve } = starting();
    await varve.ready();
    await until(isStreaming(varve));
    await stand.stop();
    await until(() => varve.status().transport === 'none');
    await stand.http.change(set(2), set(3, 'tier:1'));
    expect(varve.value('a.b')).toBe(1);
    await stand.start();
    await varve.reached(head());
    expect([varve.value('a.b'), varve.value('a.b', { tier: '1' })]).toEqual([2, 3]);
    await until(isStreaming(varve));
    expect(varve.status().failure).toBeUndefined();
  });

  test('is not there yet: a client waits for it', async () => {
    await stand.stop();
    const { varve, troubles } = starting();
    await expect(varve.ready(60)).rejects.toMatchObject({ code: 'unavailable' });
    expect(() => varve.value('a.b')).toThrow('there are no values yet');
    expect(varve.resolve('a.b', {}, { fallback: 5 })).toMatchObject({
      value: 5,
      source: 'caller',
      stateRevision: 0,
      failure: { code: 'unavailable', reason: 'no_values' },
    });
    expect(troubles[0]).toMatchObject({ code: 'unavailable', reason: 'not_reached' });
    await stand.start();
    await varve.ready();
    expect(varve.value('a.b')).toBe(1);
  });

  test('does not know the key: a start fails at once, and succeeds when the key is there', async () => {
    const { varve } = starting({ apiKey: 'varve_service_none_none' });
    await expect(varve.ready()).rejects.toMatchObject({ code: 'unauthenticated' });
    const other = starting({ ledger: 'elsewhere' }, { maxRetryMs: 30 }).varve;
    await expect(other.ready()).rejects.toMatchObject({ code: 'not_found' });
    await stand.http.call('POST', '/v1/ledgers', { name: 'elsewhere' });
    await until(() => other.status().source === 'server');
    expect(other.status().ledger).toBe('elsewhere');
  });

  test('says nothing any more although the connection stands: it is left, and another one is made', async () => {
    const proxy = await stand.openProxy();
    const { varve, troubles } = starting({ url: proxy.url }, { silenceMs: 250 });
    await varve.ready();
    await until(isStreaming(varve));
    proxy.swallow(['down']);
    await stand.http.change(set(2));
    await until(() => troubles.some(({ reason }) => reason === 'silent'));
    proxy.heal();
    await varve.reached(head());
    expect(varve.value('a.b')).toBe(2);
  });

  test('is behind what is held: what is held stays until it is there again', async () => {
    await stand.http.change(set(2), set(3, 'tier:1'));
    const odd = await stand.openOdd();
    const { varve } = starting({ url: odd.url, pollMs: 10 }, { firstByteMs: 50 });
    await varve.ready();
    const behind = await startSdkStand();
    try {
      await behind.http.change(defineNumber, set(7));
      odd.target = behind.url;
      odd.cut();
      await until(() => varve.status().failure !== undefined);
      expect([varve.status().revision, varve.value('a.b')]).toEqual([head(), 2]);
    } finally {
      odd.target = stand.url;
      odd.cut();
      await behind.close();
    }
    await stand.http.change(set(4));
    await varve.reached(head());
    expect(varve.value('a.b')).toBe(4);
  });
});

describe('something in between', () => {
  test('holds streams back: the client asks again and again, and tries the stream later', async () => {
    const odd = await stand.openOdd();
    odd.mood = () => 'buffered';
    const { varve } = starting({ url: odd.url, pollMs: 10 }, { firstByteMs: 100, streamAgainMs: 300 });
    await varve.ready();
    await until(() => varve.status().transport === 'polling');
    await stand.http.change(set(2));
    await varve.reached(head());
    expect(varve.value('a.b')).toBe(2);
    const streams = () =>
      odd.asked.filter((asked) => asked.includes('/v1/stream') && !asked.includes('follow')).length;
    const before = streams();
    odd.mood = () => 'through';
    await until(isStreaming(varve));
    expect(streams()).toBe(before + 1);
    await stand.http.change(set(3));
    await varve.reached(head());
  });

  test('ends streams before they begin: the client asks instead', async () => {
    const odd = await stand.openOdd();
    odd.mood = ({ url = '' }, response) => {
      if (!url.startsWith('/v1/stream') || url.includes('follow=false')) return 'through';
      response.writeHead(200, { 'content-type': 'text/event-stream' }).end();
      return 'answered';
    };
    const { varve } = starting({ url: odd.url, pollMs: 10 });
    await varve.ready();
    await until(() => varve.status().transport === 'polling');
    await stand.http.change(set(2));
    await varve.reached(head());
    expect(varve.value('a.b')).toBe(2);
  });

  test('answers for a while instead of the server: the stream is not to blame', async () => {
    const odd = await stand.openOdd();
    const { varve } = starting({ url: odd.url }, { firstByteMs: 100 });
    await varve.ready();
    await until(isStreaming(varve));
    odd.mood = (_, response) => page(response, 502);
    await stand.stop();
    await stand.start();
    await until(() => varve.status().failure !== undefined);
    odd.mood = () => 'through';
    await until(isStreaming(varve));
    expect(odd.asked.filter((asked) => asked.includes('follow=false'))).toEqual([]);
  });

  test.each([
    ['a page with 200', 200, {}, 'unavailable'],
    ['503', 503, { 'retry-after': '0' }, 'unavailable'],
    ['429', 429, {}, 'limited'],
    ['502', 502, {}, 'unavailable'],
    ['500', 500, {}, 'corrupt'],
  ])('answers with %s: it is tried again', async (_, status, headers, code) => {
    const odd = await stand.openOdd();
    odd.mood = (_request, response) => page(response, status, headers);
    const { varve, troubles } = starting({ url: odd.url });
    await until(() => troubles.length >= 3);
    expect(troubles[0]?.code).toBe(code);
    odd.mood = () => 'through';
    await varve.ready();
    await until(isStreaming(varve));
    odd.mood = (_request, response) => page(response, status, headers);
    await stand.stop();
    await stand.start();
    await until(() => varve.status().failure?.code === code);
    expect(varve.value('a.b')).toBe(1);
    odd.mood = () => 'through';
    await stand.http.change(set(2));
    await varve.reached(head());
    expect(varve.value('a.b')).toBe(2);
  });

  test.each([
    ['no JSON', 'id: 9\ndata: {"revision":\n\n'],
    ['no event', 'id: 9\ndata: {"revision":"x"}\n\n'],
    [
      'an event of tomorrow',
      'data: {"type":"KeyPainted","subject":"key:a.b","version":9,"revision":99,"schemaVersion":1,"recordedAt":"2026-03-01T12:00:00.000Z","changesetId":"c","last":true,"data":{}}\n\n',
    ],
  ])('a stream with %s: a whole snapshot helps, and nothing of it is taken', async (_, text) => {
    const odd = await stand.openOdd();
    const { varve, troubles } = starting({ url: odd.url });
    await varve.ready();
    await until(isStreaming(varve));
    odd.mood = ({ url = '' }, response) => {
      if (!url.startsWith('/v1/stream')) return 'through';
      response.writeHead(200, { 'content-type': 'text/event-stream' }).end(text);
      return 'answered';
    };
    await stand.stop();
    await stand.start();
    await stand.http.change(set(2));
    await until(() => varve.status().revision === head());
    expect(varve.value('a.b')).toBe(2);
    expect(troubles.map(({ code }) => code)).toContain('corrupt');
    odd.mood = () => 'through';
    await stand.http.change(set(3));
    await varve.reached(head());
    await until(isStreaming(varve));
  });

  test('cuts a snapshot: none of it is taken', async () => {
    const odd = await stand.openOdd();
    const whole = (await stand.http.call('GET', '/v1/snapshot')).text;
    odd.mood = (_request, response) => {
      response.writeHead(200, { 'content-type': 'application/x-ndjson' }).end(whole.slice(0, -20));
      return 'answered';
    };
    const { varve, troubles } = starting({ url: odd.url });
    await until(() => troubles.length >= 2);
    expect(troubles[0]).toMatchObject({ code: 'corrupt', reason: 'bad_snapshot' });
    expect(varve.status()).toMatchObject({ source: 'none', state: 'starting' });
    odd.mood = () => 'through';
    await varve.ready();
  });
});

test('while a client is behind its values grow older, although its server speaks', async () => {
  const odd = await stand.openOdd();
  odd.mood = ({ url = '' }, response) => {
    if (!url.startsWith('/v1/stream')) return 'through';
    response.writeHead(200, { 'content-type': 'text/event-stream', 'varve-revision': '999' });
    const timer = setInterval(
      () => response.write('event: alive\ndata: {"at":"2026-03-01T12:00:00Z","ageMs":0}\n\n'),
      10,
    );
    response.on('close', () => clearInterval(timer));
    return 'answered';
  };
  const { varve } = starting({ url: odd.url, staleAfterMs: 200 });
  await varve.ready();
  expect(varve.status().state).toBe('live');
  await until(isStreaming(varve));
  await until(() => varve.status().state === 'stale');
  expect(varve.resolve('a.b')).toMatchObject({ value: 1, isStale: true });
});

test('polling alone asks for what is new, and never opens a stream', async () => {
  const odd = await stand.openOdd();
  const { varve } = starting({ url: odd.url, transport: 'polling', pollMs: 10 });
  await varve.ready();
  const seen: number[] = [];
  varve.onChange('*', ({ revision }) => seen.push(revision));
  for (let value = 2; value < 6; value++) await stand.http.change(set(value));
  await varve.reached(head());
  expect([varve.value('a.b'), seen]).toEqual([5, [4, 5, 6, 7]]);
  const streams = odd.asked.filter((asked) => asked.includes('/v1/stream'));
  expect(streams.every((asked) => asked.includes('follow=false'))).toBe(true);
  expect(odd.asked.filter((asked) => asked.includes('/v1/snapshot'))).toHaveLength(1);
});

test('who hears of a change by other ways has it asked for at once', async () => {
  const { varve } = starting({ transport: 'polling', pollMs: 3_600_000 });
  await varve.ready();
  await stand.http.change(set(2));
  varve.refresh();
  await varve.reached(head());
  expect(varve.value('a.b')).toBe(2);
});

test('a closed client answers nothing, and closing it twice is closing it once', async () => {
  const { varve } = starting();
  await varve.ready();
  await until(isStreaming(varve));
  const states: string[] = [];
  varve.onStatus(({ state, transport }) => states.push(`${state} ${transport}`));
  await Promise.all([varve.close(), varve.close()]);
  expect(states).toEqual(['closed none']);
  expect(() => varve.value('a.b')).toThrow('closed');
  expect(varve.resolve('a.b', {}, { fallback: 9 })).toMatchObject({
    value: 9,
    failure: { reason: 'closed' },
  });
  await expect(varve.ready()).rejects.toMatchObject({ reason: 'closed' });
});
