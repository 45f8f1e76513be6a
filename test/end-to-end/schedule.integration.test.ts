/**
 * Schedules on the whole product: what is announced is what happens. The schedule lists it, resolve answers it for the
 * moment to come, the stream tells it when it is there, and the answer of that day is the one that was read before.
 */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openStream } from '../support/event-stream.ts';
import { startTestVarve, type TestVarve } from '../support/varve.ts';

let varve: TestVarve;
beforeAll(async () => {
  varve = await startTestVarve();
  await varve.change([
    { type: 'addModel', model: { id: 'acme/old', name: 'Old', contextWindow: 1, pricing: { input: '1' } } },
    { type: 'addModel', model: { id: 'acme/new', name: 'New', contextWindow: 1 } },
    { type: 'defineKey', key: 'ai.model', valueType: 'model', fallback: 'acme/old' },
    { type: 'defineKey', key: 'app.greeting', valueType: 'string', fallback: 'hello' },
  ]);
}, 60_000);
afterAll(() => varve.stop());

const set = (value: string, options: object = {}, scope = 'global') => ({
  type: 'setOverride',
  key: 'app.greeting',
  scope,
  value,
  ...options,
});

async function answers(at?: string) {
  const clock = at === undefined ? '' : `&at=${at}`;
  const { body } = await varve.call('GET', `/v1/resolve?user=u&tier=1${clock}`);
  return body.values;
}

test('what is listed and read ahead is what happens, told without an id', async () => {
  const inMs = (ms: number) => new Date(Date.now() + ms).toISOString();
  const { port } = new URL(varve.url);
  const authorization = { authorization: `Bearer ${varve.adminKey}` };
  const stream = await openStream(Number(port), '/v1/stream', authorization);
  const [starts, ends, sunset] = [inMs(3_000), inMs(3_500), inMs(4_000)];
  const { body: planned } = await varve.change([
    set('sale', { effectiveFrom: starts, effectiveUntil: ends }),
    set('never', { effectiveFrom: ends }, 'tier:1'),
    { type: 'deprecateModel', id: 'acme/old', successor: 'acme/new', sunsetAt: sunset },
    { type: 'changePrice', id: 'acme/old', pricing: { input: '2' }, effectiveFrom: ends },
  ]);
  const [sale, never] = planned.events.map(({ revision }: { revision: number }) => revision);
  await varve.change([{ type: 'withdrawOverride', revision: never }]);

  const { body: schedule } = await varve.call('GET', `/v1/schedule?from=${planned.events[0].recordedAt}`);
  expect(schedule.nextCursor).toBeNull();
  expect(schedule.items).toMatchObject([
    {
      at: starts,
      kind: 'activation',
      subject: 'override:app.greeting@global',
      key: 'app.greeting',
      scope: 'global',
      before: null,
      after: { value: 'sale', revision: sale },
      shadowed: false,
      effectiveFrom: starts,
      effectiveUntil: ends,
      revision: sale,
      event: { revision: sale, type: 'OverrideSet', reason: 'a test', actor: { id: 'admin' } },
    },
    { at: ends, kind: 'expiry', before: { value: 'sale' }, after: null, revision: sale },
    { at: ends, kind: 'price', before: { pricing: { input: '1' } }, after: { pricing: { input: '2' } } },
    {
      at: sunset,
      kind: 'sunset',
      subject: 'model:acme/old',
      model: 'acme/old',
      successor: 'acme/new',
      before: { status: 'deprecated' },
      after: { status: 'retired' },
    },
  ]);

  const ahead = { starts: await answers(starts), ends: await answers(ends), sunset: await answers(sunset) };
  expect(ahead.starts['app.greeting']).toMatchObject({ value: 'sale', validUntil: ends });
  expect(ahead.ends['app.greeting']).toMatchObject({ value: 'hello' });
  expect(ahead.sunset['ai.model']).toMatchObject({ value: 'acme/new', model: { followed: ['acme/old'] } });

  const told = async (count: number) => {
    for (;;) {
      const activations = stream.messages.filter(({ event }) => event === 'activation');
      if (activations.length >= count) return activations.map(({ id, data }) => [id, JSON.parse(data)]);
      await stream.until(stream.messages.length + 1);
    }
  };
  const place = { subject: 'override:app.greeting@global', key: 'app.greeting', scope: 'global' };
  expect(await told(1)).toEqual([
    [undefined, { at: starts, items: [{ kind: 'activation', ...place, revision: sale }] }],
  ]);
  // Of this moment, which is one of those that were read ahead: from the start on, before or after the end.
  expect(Object.values(ahead).map((then) => then['app.greeting'])).toContainEqual(
    (await answers())['app.greeting'],
  );
  const messages = await told(3);
  expect(messages.map(([id, { at }]) => [id, at])).toEqual([
    [undefined, starts],
    [undefined, ends],
    [undefined, sunset],
  ]);
  expect(await answers()).toEqual(ahead.sunset);
  await varve.change([set('after')]);
  while (stream.messages.at(-1)?.event === 'activation') await stream.until(stream.messages.length + 1);
  const { body: last } = await varve.call('GET', '/v1/history?limit=1');
  expect(stream.messages.at(-1)?.id).toBe(String(last.items[0].revision));
  stream.cut();
});

test('the schedule of an earlier state of knowledge, of a stretch, of a kind', async () => {
  const first = '2099-01-01T00:00:00.000Z';
  const then = '2099-02-01T00:00:00.000Z';
  const { body } = await varve.change([
    set('a', { effectiveFrom: first }, 'user:u'),
    set('b', { effectiveFrom: then }, 'user:u'),
  ]);
  const known = body.revisions.last;
  await varve.change([{ type: 'withdrawOverride', revision: known }]);
  const listed = async (query: string) => {
    const { status, body: page } = await varve.call('GET', `/v1/schedule?scope=user:u${query}`);
    return [status, (page.items ?? []).map((item: { at: string }) => item.at)];
  };
  expect(await listed('')).toEqual([200, [first]]);
  expect(await listed(`&asOf=${known}`)).toEqual([200, [first, then]]);
  expect(await listed(`&asOf=${known}&from=${first}`)).toEqual([200, [then]]);
  expect(await listed(`&asOf=${known}&to=${first}`)).toEqual([200, [first]]);
  expect(await listed(`&asOf=${known}&kind=expiry`)).toEqual([200, []]);
});

test('what makes no sense is invalid, and says where', async () => {
  for (const [query, path] of [
    ['from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z', 'query.to'],
    ['model=acme/old&key=app.greeting', 'query.model'],
    ['kind=tag', 'query.kind'],
    ['from=tomorrow', 'query.from'],
    ['cursor=nonsense', 'query.cursor'],
    ['limit=1001', 'query.limit'],
  ]) {
    const { status, body } = await varve.call('GET', `/v1/schedule?${query}`);
    expect([status, body.errors?.[0]?.path]).toEqual([400, path]);
  }
});

test('a plan that meets another one is told of, and planned nevertheless', async () => {
  const may = { effectiveFrom: '2098-05-01T00:00:00.000Z', effectiveUntil: '2098-06-01T00:00:00.000Z' };
  await varve.change([set('may', may, 'tenant:t')]);
  const { body } = await varve.change([
    set('june', { effectiveFrom: '2098-05-15T00:00:00.000Z' }, 'tenant:t'),
  ]);
  expect(body.warnings).toMatchObject([{ code: 'takes_over', path: 'changes.0' }]);
  const { body: schedule } = await varve.call('GET', '/v1/schedule?scope=tenant:t');
  expect(
    schedule.items.map(({ at, kind, shadowed }: Record<string, unknown>) => [at, kind, shadowed]),
  ).toEqual([
    ['2098-05-01T00:00:00.000Z', 'activation', false],
    ['2098-05-15T00:00:00.000Z', 'activation', false],
    ['2098-06-01T00:00:00.000Z', 'expiry', true],
  ]);
});
