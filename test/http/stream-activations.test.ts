/**
 * What turns by itself, on the stream: told without an id when its moment has come, to those that are up to date, and
 * never needed for the right value. The clock is turned by hand; timers run as they do.
 */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { formatInstant } from '../../src/domain/instant.ts';
import { Activations } from '../../src/http/activations.ts';
import type { EventStream } from '../support/event-stream.ts';
import type { HttpAssembly } from '../support/http-assembly.ts';
import { type StreamStand, startStreamStand } from '../support/stream-stand.ts';

let stand: StreamStand;
let http: HttpAssembly;

beforeEach(async () => {
  stand = await startStreamStand(
    { type: 'defineKey', key: 'a.b', valueType: 'integer', fallback: 0 },
    { type: 'addModel', model: { id: 'acme/old', name: 'Old', contextWindow: 1, pricing: { input: 1 } } },
    { type: 'addModel', model: { id: 'acme/new', name: 'New', contextWindow: 1 } },
  );
  ({ http } = stand);
});
afterEach(() => stand.close());

async function stream(query = '', headers: Record<string, string> = {}): Promise<EventStream> {
  const opened = await stand.stream(query, headers);
  await opened.until(1);
  return opened;
}

const inMs = (ms: number) => formatInstant(http.now() + ms);
const set = (value: number, options: object = {}, scope = 'global') => ({
  type: 'setOverride',
  key: 'a.b',
  scope,
  value,
  ...options,
});
const valueNow = async () => (await http.call('GET', '/v1/resolve/a.b')).body.value;
const short = ({ messages }: EventStream) =>
  messages.map(({ id, event, data }) => [id, event, event === 'activation' ? JSON.parse(data) : undefined]);

test('a scheduled override answers from its moment on; the stream tells it without an id, and goes on after it', async () => {
  const client = await stream();
  await http.change(set(1, { effectiveFrom: inMs(300), effectiveUntil: inMs(900) }));
  const revision = http.ledger().state.revision;
  await client.until(2);
  http.pass(299);
  expect(await valueNow()).toBe(0);
  http.pass(1);
  expect(await valueNow()).toBe(1);
  const at = inMs(0);
  await client.until(3);
  http.pass(600);
  expect(await valueNow()).toBe(0);
  await client.until(4);
  await http.change(set(2));
  await client.until(5);
  const place = { subject: 'override:a.b@global', key: 'a.b', scope: 'global', revision };
  expect(short(client)).toEqual([
    [String(revision - 1), 'revision', undefined],
    [String(revision), undefined, undefined],
    [undefined, 'activation', { at, items: [{ kind: 'activation', ...place }] }],
    [undefined, 'activation', { at: inMs(0), items: [{ kind: 'expiry', ...place }] }],
    [String(revision + 1), undefined, undefined],
  ]);
});

test('what was taken back is not told', async () => {
  const client = await stream();
  await http.change(set(1, { effectiveFrom: inMs(100) }), set(2, { effectiveFrom: inMs(200) }, 'tier:1'));
  const { revision } = http.ledger().state;
  await http.change({ type: 'withdrawOverride', revision: revision - 1 });
  http.pass(200);
  await client.until(5);
  const told = short(client).flatMap(([, event, data]) => (event === 'activation' ? data.items : []));
  expect(told.map((item: { scope: string }) => item.scope)).toEqual(['tier:1']);
});

test('what was scheduled before the first client came is told too; a client that catches up is spared the past', async () => {
  await http.change(set(1, { effectiveFrom: inMs(100) }), set(2, { effectiveFrom: inMs(200) }, 'tier:1'));
  http.pass(100);
  const client = await stream('?from=0');
  const { revision } = http.ledger().state;
  await client.until(revision);
  http.pass(100);
  await client.until(revision + 1);
  expect(short(client).at(-1)?.[2].items).toMatchObject([{ kind: 'activation', scope: 'tier:1', revision }]);
});

test('a sunset names the successor; prices are nothing for those that only resolve', async () => {
  const service = { authorization: `Bearer ${await http.keyOf('service')}` };
  const [all, values] = [await stream(), await stream('', service)];
  await http.change(
    { type: 'deprecateModel', id: 'acme/old', successor: 'acme/new', sunsetAt: inMs(100) },
    { type: 'changePrice', id: 'acme/old', pricing: { input: 2 }, effectiveFrom: inMs(100) },
    { type: 'changePrice', id: 'acme/new', pricing: { input: 3 }, effectiveFrom: inMs(200) },
  );
  const { revision } = http.ledger().state;
  http.pass(100);
  const model = { subject: 'model:acme/old', model: 'acme/old' };
  const sunset = { kind: 'sunset', ...model, successor: 'acme/new' };
  const [seenByAll, seenByService] = [(await all.until(5)).length, (await values.until(4)).length];
  const price = { kind: 'price', ...model, revision: revision - 1 };
  expect(short(all).at(-1)?.[2]).toEqual({ at: inMs(0), items: [sunset, price] });
  expect(short(values).at(-1)?.[2]).toEqual({ at: inMs(0), items: [sunset] });
  http.pass(100);
  await all.until(seenByAll + 1);
  expect(short(all).at(-1)?.[2].items).toMatchObject([{ kind: 'price', model: 'acme/new' }]);
  await http.change(set(9));
  await values.until(seenByService + 1);
  expect(short(values).at(-1)).toEqual([String(revision + 1), undefined, undefined]);
});

test('many at once come in messages of at most 1,000', async () => {
  const users = Array.from({ length: 2_300 }, (_, n) => set(n, { effectiveUntil: inMs(50) }, `user:${n}`));
  await http.change(...users);
  const client = await stream();
  http.pass(50);
  const seen = new Set<string>();
  let count = 1;
  while (seen.size < users.length) {
    count += 1;
    const message = (await client.until(count))[count - 1];
    const { items } = JSON.parse(message?.data ?? '');
    expect([message?.id, items.length <= 1_000]).toEqual([undefined, true]);
    for (const { subject } of items) seen.add(subject);
  }
  expect(seen.size).toBe(users.length);
});

test('a moment that is years away is waited for in peace, and told when it has come', async () => {
  const told: number[] = [];
  let looks = 0;
  const ledger = http.ledger();
  const now = () => {
    looks += 1;
    return http.now();
  };
  const activations = new Activations({ ledger, now, tell: (at) => told.push(at) });
  const years = 10 * 365 * 24 * 3_600_000;
  await http.change(set(1, { effectiveFrom: inMs(years) }));
  activations.note(await ledger.readLog(ledger.state.revision - 1, 1));
  // More milliseconds than a timer takes would make it fire at once, again and again.
  const before = looks;
  await new Promise((resolve) => setTimeout(resolve, 30));
  expect([looks - before, told]).toEqual([0, []]);
  http.pass(years);
  activations.check();
  await new Promise((resolve) => setImmediate(resolve));
  expect(told).toEqual([http.now()]);
  activations.stop();
});
