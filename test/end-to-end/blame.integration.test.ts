/**
 * Blame and first difference on the whole product: who made today's values, and since when a value is another one.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTestVarve, type TestVarve } from '../support/varve.ts';

let varve: TestVarve;
/** Of the changesets, by what they did. */
const revisions = { defined: 0, base: 0, acme: 0, replaced: 0, cleared: 0 };
const soon = (ms: number) => new Date(Date.now() + ms).toISOString();

beforeAll(async () => {
  varve = await startTestVarve({ seed: 'none' });
  const change = async (reason: string, changes: readonly object[]): Promise<number> => {
    const answer = await varve.call('POST', '/v1/changesets', { reason, changes });
    if (answer.status !== 201) throw new Error(JSON.stringify(answer.body));
    return answer.body.revisions.last;
  };
  const model = (id: string) => ({ type: 'addModel', model: { id, name: id, contextWindow: 1 } });
  revisions.defined = await change('What we need', [
    model('acme/old'),
    model('acme/new'),
    { type: 'defineKey', key: 'b.model', valueType: 'model', fallback: 'acme/old' },
    { type: 'defineKey', key: 'a.limit', valueType: 'number', fallback: 1 },
    { type: 'defineKey', key: 'c.flag', valueType: 'boolean', fallback: false },
  ]);
  revisions.base = await change('For all', [
    { type: 'setOverride', key: 'a.limit', scope: 'global', value: 2 },
  ]);
  revisions.acme = await change('They pay for it', [
    { type: 'setOverride', key: 'a.limit', scope: 'tenant:acme', value: 3 },
  ]);
  await change('The same again for others', [
    { type: 'setOverride', key: 'a.limit', scope: 'tenant:other', value: 9 },
  ]);
  revisions.replaced = await change('The vendor turns it off', [
    { type: 'deprecateModel', id: 'acme/old', successor: 'acme/new', sunsetAt: soon(-1) },
  ]);
  revisions.cleared = await change('They pay no more', [
    { type: 'clearOverride', key: 'a.limit', scope: 'tenant:acme' },
  ]);
});
afterAll(() => varve.stop());

const get = async (path: string) => {
  const answer = await varve.call('GET', path);
  expect([path, answer.status, answer.body.detail]).toEqual([path, 200, undefined]);
  return answer;
};

describe('blame', () => {
  test('tells for each key the event behind the value, in the order of keys', async () => {
    const { body, headers } = await get('/v1/blame?tenant=acme&keys=c.flag,a.limit,b.model');
    expect(body.nextCursor).toBeNull();
    expect(body.items.map(({ key }: { key: string }) => key)).toEqual(['a.limit', 'b.model', 'c.flag']);
    expect(body.items[0]).toMatchObject({
      value: 2,
      scope: 'global',
      reason: 'STATIC',
      revision: revisions.base,
      event: { revision: revisions.base, type: 'OverrideSet', reason: 'For all', source: 'api' },
    });
    expect(body.items[2].event).toMatchObject({ type: 'KeyDefined', reason: 'What we need' });
    expect(headers.get('varve-revision')).toBe(String(revisions.cleared));
  });

  test('names the deprecation of a model that was stepped over', async () => {
    const { body } = await get('/v1/blame?keys=b.model');
    expect(body.items).toHaveLength(1);
    expect(body.items[0]).toMatchObject({
      value: 'acme/new',
      model: { followed: ['acme/old'] },
      event: { type: 'KeyDefined' },
      modelEvent: {
        revision: revisions.replaced,
        type: 'ModelDeprecated',
        reason: 'The vendor turns it off',
      },
    });
    const before = await get(`/v1/blame?keys=b.model&asOf=${revisions.replaced - 1}`);
    expect(before.body.items[0].value).toBe('acme/old');
    expect(before.body.items[0].modelEvent).toBeUndefined();
  });

  test('of the past tells what held then, and who had made it by then', async () => {
    const { body } = await get(`/v1/blame?tenant=acme&keys=a.limit&asOf=${revisions.acme}`);
    expect(body.items[0]).toMatchObject({
      value: 3,
      scope: 'tenant:acme',
      event: { revision: revisions.acme, reason: 'They pay for it' },
    });
  });

  test('goes over every key, page by page', async () => {
    const all = (await get('/v1/blame')).body.items.map(({ key }: { key: string }) => key);
    expect(all).toEqual(expect.arrayContaining(['a.limit', 'ai.planner.model', 'b.model', 'c.flag']));
    expect(all).toEqual(all.toSorted());
    const first = await get('/v1/blame?limit=2&keys=a.limit,b.model,c.flag');
    expect(first.body.items.map(({ key }: { key: string }) => key)).toEqual(['a.limit', 'b.model']);
    const second = await get(`/v1/blame?limit=2&keys=a.limit,b.model,c.flag&cursor=${first.body.nextCursor}`);
    expect(second.body.items.map(({ key }: { key: string }) => key)).toEqual(['c.flag']);
    expect(second.body.nextCursor).toBeNull();
  });

  test.each([
    ['/v1/blame?keys=no.such_key', 404, 'query.keys'],
    [`/v1/blame?keys=no.such_key&asOf=1`, 404, 'query.keys'],
    ['/v1/blame?keys=Bad', 400, 'query.keys.0'],
    ['/v1/blame?limit=0', 400, 'query.limit'],
    ['/v1/blame?cursor=nothing', 400, 'query.cursor'],
    ['/v1/blame?asOf=99999', 400, 'query.asOf'],
    ['/v1/blame?key=a.limit', 400, 'query.key'],
  ])('%s is turned away at its place', async (path, status, place) => {
    const answer = await varve.call('GET', path);
    expect([answer.status, answer.body.errors[0].path]).toEqual([status, place]);
  });
});

describe('first difference', () => {
  const ask = (query: string) => get(`/v1/first-difference?${query}`);

  test('tells the event after which the value is another one, and both values', async () => {
    const { body } = await ask(`key=a.limit&tenant=acme&from=${revisions.acme}`);
    expect(body).toMatchObject({
      key: 'a.limit',
      context: { tenant: 'acme' },
      from: { revision: revisions.acme },
      to: { revision: revisions.cleared },
      difference: {
        revision: revisions.cleared,
        before: { key: 'a.limit', value: 3, scope: 'tenant:acme' },
        after: { value: 2, scope: 'global' },
        event: { revision: revisions.cleared, type: 'OverrideCleared', reason: 'They pay no more' },
      },
    });
    expect(body.difference.at).toBe(body.difference.event.recordedAt);
  });

  test('sees what a successor does, and nothing up to just before it', async () => {
    const { body } = await ask(`key=b.model&from=${revisions.defined}`);
    expect(body.difference).toMatchObject({
      revision: revisions.replaced,
      before: { value: 'acme/old' },
      after: { value: 'acme/new', model: { followed: ['acme/old'] } },
      event: { type: 'ModelDeprecated' },
    });
    const none = await ask(`key=b.model&from=${revisions.defined}&to=${revisions.replaced - 1}`);
    expect(none.body.difference).toBeNull();
  });

  test('tells when a key became known: nothing was answered before', async () => {
    const { body } = await ask('key=c.flag&from=0');
    expect(body.from).toEqual({ revision: 0, at: '1970-01-01T00:00:00.000Z' });
    expect(body.difference).toMatchObject({
      before: null,
      after: { value: false },
      event: { type: 'KeyDefined' },
    });
  });

  test('an end that passes by itself is told with its time, and the revision that came after it', async () => {
    const until = soon(400);
    const set = { type: 'setOverride', key: 'c.flag', scope: 'user:u', value: true, effectiveUntil: until };
    const { body: written } = await varve.change([set]);
    const from = written.revisions.last;
    await expect
      .poll(async () => (await varve.call('GET', '/v1/resolve/c.flag?user=u')).body.value, { timeout: 5_000 })
      .toBe(false);
    const open = await ask(`key=c.flag&user=u&from=${from}`);
    expect(open.body.difference).toMatchObject({
      revision: null,
      at: until,
      before: { value: true },
      after: { value: false },
    });
    expect(open.body.difference.event).toBeUndefined();
    await varve.change([{ type: 'setOverride', key: 'a.limit', scope: 'user:someone', value: 5 }]);
    const closed = await ask(`key=c.flag&user=u&from=${from}`);
    expect(closed.body.difference).toMatchObject({ revision: from + 1, at: until });
    expect((await ask(`key=c.flag&user=u&from=${from}&to=${from}`)).body.difference).toBeNull();
  });

  test('times and tags are points, too', async () => {
    await varve.change([{ type: 'tagRevision', name: 'before-acme', revision: revisions.acme - 1 }]);
    const tagged = await ask('key=a.limit&tenant=acme&from=tag:before-acme');
    expect(tagged.body.difference.revision).toBe(revisions.acme);
    const { recordedAt } = (await get(`/v1/events/${revisions.acme}`)).body;
    const timed = await ask(`key=a.limit&tenant=acme&from=${recordedAt}&to=${revisions.cleared}`);
    expect(timed.body.difference.revision).toBeGreaterThan(revisions.acme);
  });

  test.each([
    ['from=0', 400, 'query.key'],
    ['key=a.limit', 400, 'query.from'],
    ['key=Bad&from=0', 400, 'query.key'],
    ['key=no.such_key&from=0', 404, 'query.key'],
    ['key=a.limit&from=3&to=2', 400, 'query.from'],
    ['key=a.limit&from=99999', 400, 'query.from'],
    ['key=a.limit&from=0&to=99999', 400, 'query.to'],
    ['key=a.limit&from=tag:nowhere', 400, 'query.from'],
    ['key=a.limit&from=0&to=9999-12-31T23:59:59Z', 400, 'query.to'],
    ['key=a.limit&from=yesterday', 400, 'query.from'],
    ['key=a.limit&from=0&user=', 400, 'query.user'],
    ['key=a.limit&from=0&at=2026-01-01T00:00:00Z', 400, 'query.at'],
  ])('%s is turned away at its place', async (query, status, place) => {
    const answer = await varve.call('GET', `/v1/first-difference?${query}`);
    expect([answer.status, answer.body.errors[0].path]).toEqual([status, place]);
  });
});
