/**
 * GET /v1/diff on the whole product: what it says, in every order of its points, over pages, and when only time passes.
 */
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTestVarve, type TestVarve } from '../support/varve.ts';

interface Item {
  readonly subject: string;
  readonly field: string;
  readonly before: unknown;
  readonly after: unknown;
  readonly events: readonly number[];
}

let varve: TestVarve;
/** The heads after each changeset. */
const heads: number[] = [];

beforeAll(async () => {
  varve = await startTestVarve();
  const change = async (...changes: readonly object[]): Promise<void> => {
    const { body } = await varve.change(changes);
    heads.push(body.revisions.last);
  };
  await change(
    { type: 'defineKey', key: 'a.text', valueType: 'string', fallback: 'f' },
    { type: 'defineKey', key: 'b.object', valueType: 'object', fallback: {} },
    { type: 'setOverride', key: 'b.object', scope: 'tenant:t', value: { same: 1, list: [1] } },
    { type: 'addModel', model: { id: 'acme/one', name: 'One', contextWindow: 1, pricing: { input: '1' } } },
  );
  await change({ type: 'tagRevision', name: 'first' });
  await change(
    { type: 'setOverride', key: 'a.text', scope: 'global', value: 'one' },
    { type: 'setOverride', key: 'b.object', scope: 'tenant:t', value: { same: 1, list: [1, 2], more: true } },
    { type: 'changePrice', id: 'acme/one', pricing: { output: '2' } },
  );
  await change({ type: 'setOverride', key: 'a.text', scope: 'global', value: 'two' });
});
afterAll(() => varve.stop());

async function ask(
  query: string,
): Promise<{ readonly items: readonly Item[]; readonly [more: string]: unknown }> {
  const { status, body } = await varve.call('GET', `/v1/diff?${query}`);
  expect({ query, status }).toEqual({ query, status: 200 });
  return body;
}

const [first, tagged, second, third] = [0, 1, 2, 3] as const;
const head = (place: number): number => heads[place] ?? 0;

test('tells each field before and after with the events in between, inverse the other way round', async () => {
  const forth = await ask(`from=tag:first&to=${head(third)}`);
  const wanted = [
    { subject: 'model:acme/one', field: 'pricing.output', before: null, after: '2' },
    { subject: 'override:a.text@global', field: 'value', before: null, after: 'two' },
    { subject: 'override:b.object@tenant:t', field: 'value.list', before: [1], after: [1, 2] },
    { subject: 'override:b.object@tenant:t', field: 'value.more', before: null, after: true },
    { subject: 'tag:first', field: 'name', before: null, after: 'first' },
    { subject: 'tag:first', field: 'revision', before: null, after: head(first) },
    { subject: 'tag:first', field: 'taggedAt', before: null, after: expect.any(Number) },
  ];
  expect(forth.items.map(({ events: _, ...item }) => item)).toEqual(wanted);
  expect(forth.items.map(({ events }) => events)).toEqual([
    [head(second)],
    [head(third), head(second) - 2],
    [head(second) - 1],
    [head(second) - 1],
    [head(tagged)],
    [head(tagged)],
    [head(tagged)],
  ]);
  expect(forth).toMatchObject({
    from: { revision: head(first), at: expect.stringMatching(/Z$/) },
    to: { revision: head(third), at: expect.stringMatching(/Z$/) },
    nextCursor: null,
  });
  const back = await ask(`from=${head(third)}&to=tag:first`);
  expect(back.items).toEqual(
    forth.items.map(({ before, after, ...item }) => ({ ...item, before: after, after: before })),
  );
  expect((await ask(`from=${head(third)}&to=${head(third)}`)).items).toEqual([]);
});

test('from the empty ledger to now is all there is; filters take parts of it', async () => {
  const all = (await ask('from=0&limit=1000')).items;
  expect(new Set(all.map(({ subject }) => subject.slice(0, subject.indexOf(':'))))).toEqual(
    new Set(['api-key', 'key', 'model', 'override', 'tag']),
  );
  expect(all.every(({ before }) => before === null)).toBe(true);
  const filtered = async (query: string) => (await ask(`from=0&limit=1000&${query}`)).items;
  const of = (pattern: RegExp) => all.filter(({ subject }) => pattern.test(subject));
  expect(await filtered('key=a.*')).toEqual(of(/:a\./));
  expect(await filtered('scope=tenant:t')).toEqual(of(/tenant:t$/));
  expect(await filtered('model=acme:one')).toEqual(of(/^model:acme\/one$/));
  expect(await filtered('model=acme/*')).toEqual(of(/^model:/));
  expect(await filtered('subject=tag:first')).toEqual(of(/^tag:/));
  expect(of(/^model:/).length).toBeGreaterThan(0);
});

test('pages of one make the same list, also while the ledger goes on', async () => {
  const all = await ask('from=0&limit=1000');
  const items: Item[] = [];
  let cursor = '';
  do {
    const page = await ask(`from=0&limit=1${cursor === '' ? '' : `&cursor=${cursor}`}`);
    items.push(...page.items);
    cursor = page['nextCursor'] === null ? '' : String(page['nextCursor']);
    if (items.length === 1) {
      await varve.change([{ type: 'setOverride', key: 'a.text', scope: 'user:late', value: 'x' }]);
    }
  } while (cursor !== '');
  expect(items).toEqual(all.items);
});

test('a scheduled start that passes shows with no events in between', async () => {
  const startsAt = new Date(Date.now() + 1_500).toISOString();
  const { body } = await varve.change([
    { type: 'setOverride', key: 'a.text', scope: 'user:soon', value: 'now', effectiveFrom: startsAt },
  ]);
  const from = String(body.revisions.last);
  const entry = [{ effectiveFrom: startsAt, value: 'now' }];
  expect((await ask(`from=${from}&to=${from}`)).items).toEqual([]);
  while (Date.now() <= Date.parse(startsAt)) await wait(20);
  const subject = 'override:a.text@user:soon';
  expect((await ask(`from=${from}&to=${startsAt}`)).items).toEqual([
    { subject, field: 'scheduled', before: entry, after: null, events: [] },
    { subject, field: 'value', before: null, after: 'now', events: [] },
  ]);
  expect((await ask(`from=${from}`)).items).toHaveLength(2);
});

test('waits for a revision, and answers what is not there with the place', async () => {
  const { body } = await varve.change([
    { type: 'setOverride', key: 'a.text', scope: 'user:fresh', value: 'x' },
  ]);
  const { last } = body.revisions;
  const { items } = await ask(`from=${last - 1}&minRevision=${last}&scope=user:fresh`);
  expect(items).toMatchObject([{ subject: 'override:a.text@user:fresh', events: [last] }]);
  const bad = await varve.call('GET', '/v1/diff?from=0&cursor=nothing');
  expect(bad.status).toBe(400);
  expect(bad.body.errors).toMatchObject([{ path: 'query.cursor' }]);
});
