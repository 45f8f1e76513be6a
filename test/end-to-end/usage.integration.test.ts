/**
 * Usage as services report it to the whole product: each id once, the model of a key as it was then, bad batches refused
 * as a whole.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTestVarve, type TestVarve } from '../support/varve.ts';
import { createApi } from '../support/varve-on.ts';

const allTime = 'from=1970-01-01T00:00:00.000Z&to=2099-01-01T00:00:00.000Z';
const key = 'answers.model';

let varve: TestVarve;
/** When the first, the second and the third value of the key came into force. */
let changedAt: readonly string[];
beforeAll(async () => {
  varve = await startTestVarve();
  const model = (id: string, input: string) => ({
    type: 'addModel',
    model: { id, name: id, contextWindow: 1, pricing: { input } },
  });
  const defined = await varve.change([
    model('acme/one', '1'),
    model('acme/two', '2'),
    model('acme/three', '3'),
    { type: 'defineKey', key, valueType: 'model', fallback: 'acme/one' },
    { type: 'defineKey', key: 'ui.color', valueType: 'string', fallback: 'red' },
  ]);
  const second = await varve.change([{ type: 'setOverride', key, scope: 'global', value: 'acme/two' }]);
  const third = await varve.change([{ type: 'setOverride', key, scope: 'tenant:t3', value: 'acme/three' }]);
  changedAt = [defined, second, third].map(({ body }) => body.events[0].recordedAt);
});
afterAll(() => varve.stop());

function report(records: readonly unknown[], headers?: Record<string, string>) {
  return varve.call('POST', '/v1/usage', { records }, headers);
}

async function costs(query: string) {
  const { status, body } = await varve.call('GET', `/v1/costs?${query}`);
  expect(status).toBe(200);
  return body;
}

const earlier = (instant: string | undefined, ms: number) =>
  new Date(Date.parse(instant ?? '') - ms).toISOString();

describe('each id counts once', () => {
  test('one batch from ten clients at once', async () => {
    const records = Array.from({ length: 1_000 }, (_, n) => ({
      id: `once-${n}`,
      at: new Date(1_700_000_000_000 + n * 1_000).toISOString(),
      model: 'acme/one',
      tenant: 'once',
      inputTokens: 1_000_000,
    }));
    const answers = await Promise.all(
      Array.from({ length: 10 }, (_, n) => report(n % 2 === 0 ? records : records.toReversed())),
    );
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200));
    const sum = (name: string) => answers.reduce((total, { body }) => total + body[name], 0);
    expect([sum('received'), sum('added'), sum('duplicates')]).toEqual([10_000, 1_000, 9_000]);
    expect(answers.flatMap(({ body }) => body.conflicting)).toEqual([]);
    expect((await costs(`${allTime}&tenant=once`)).total).toMatchObject({ records: 1_000, inputTokens: 1e9 });
  });

  test('another content under a known id is told and changes nothing', async () => {
    const at = '2026-01-01T00:00:00.000Z';
    const record = { id: 'kept', at, model: 'acme/one', tenant: 'kept', inputTokens: 5 };
    expect((await report([record])).body).toEqual({
      received: 1,
      added: 1,
      duplicates: 0,
      conflicting: [],
      withoutModel: 0,
    });
    const again = [
      // The same moment, spelled otherwise, and the same model.
      { ...record, at: '2026-01-01T01:00:00+01:00', model: 'acme:one', outputTokens: 0 },
      { ...record, inputTokens: 6 },
      { ...record, id: 'new', inputTokens: 7 },
    ];
    expect((await report(again)).body).toEqual({
      received: 3,
      added: 1,
      duplicates: 2,
      conflicting: ['kept'],
      withoutModel: 0,
    });
    expect((await costs(`${allTime}&tenant=kept`)).total).toMatchObject({ records: 2, inputTokens: 12 });
  });

  test('ids of another ledger are others', async () => {
    await varve.call('POST', '/v1/ledgers', { name: 'beta' });
    const record = { id: 'in-both', at: '2026-01-01T00:00:00.000Z', model: 'acme/one', tenant: 'both' };
    for (const ledger of ['default', 'beta']) {
      const { body } = await report([record], { 'varve-ledger': ledger });
      expect([ledger, body.added, body.conflicting]).toEqual([ledger, 1, []]);
    }
    expect((await costs(`${allTime}&tenant=both`)).total.records).toBe(1);
  });
});

describe('a record with a key counts for the model that the key resolved to then', () => {
  test('now, before the last change, before the first one, and for who has an own value', async () => {
    const now = new Date().toISOString();
    const one = { key, inputTokens: 1 };
    const { body } = await report([
      { ...one, id: 'k-now', at: now, tenant: 'now' },
      { ...one, id: 'k-now-own', at: now, tenant: 't3' },
      { ...one, id: 'k-two', at: earlier(changedAt[2], 0), tenant: 'third' },
      { ...one, id: 'k-two-before', at: earlier(changedAt[2], 1), tenant: 't3' },
      { ...one, id: 'k-one', at: earlier(changedAt[1], 1), tenant: 'first' },
      { ...one, id: 'k-none', at: earlier(changedAt[0], 1), tenant: 'none' },
      { ...one, id: 'k-long-ago', at: '1970-01-01T00:00:00.000Z', tenant: 'long-ago' },
    ]);
    expect(body).toMatchObject({ added: 7, conflicting: [], withoutModel: 2 });
    const { rows } = await varve.database.pool.query<{ id: string; model: string | null }>(
      `select id, model from usage_records where id like 'k-%' order by id`,
    );
    expect(Object.fromEntries(rows.map(({ id, model }) => [id, model]))).toEqual({
      'k-now': 'acme/two',
      'k-now-own': 'acme/three',
      'k-two': 'acme/two',
      'k-two-before': 'acme/two',
      'k-one': 'acme/one',
      'k-none': null,
      'k-long-ago': null,
    });
  });

  test('it stays that model when the key changes, and sending it again is no conflict', async () => {
    const record = { id: 'stays', at: new Date().toISOString(), key, user: 'stays', inputTokens: 1 };
    await report([record]);
    await varve.change([{ type: 'setOverride', key, scope: 'user:stays', value: 'acme/three' }]);
    expect((await report([record])).body).toEqual({
      received: 1,
      added: 0,
      duplicates: 1,
      conflicting: [],
      withoutModel: 0,
    });
    const { rows } = await varve.database.pool.query(`select model from usage_records where id = 'stays'`);
    expect(rows).toEqual([{ model: 'acme/two' }]);
  });

  test('a key that is unknown, or not about models, is taken and has no price', async () => {
    const at = new Date().toISOString();
    const some = ['not.known', 'ui.color'].map((name) => ({
      id: name,
      at,
      key: name,
      tenant: 'no-model',
      inputTokens: 9,
    }));
    // An unknown model is a fact as well.
    const { status, body } = await report([
      ...some,
      { id: 'unknown-model', at, model: 'nobody/knows', tenant: 'no-model', inputTokens: 9 },
    ]);
    expect([status, body.added]).toEqual([200, 3]);
    const told = await costs(`${allTime}&tenant=no-model`);
    expect(told.total).toMatchObject({ records: 3, unpriced: 3, cost: '0', inputTokens: 27 });
    expect(told.byModel).toEqual([
      { name: 'nobody/knows', records: 1, unpriced: 1, cost: '0' },
      { name: null, records: 2, unpriced: 2, cost: '0' },
    ]);
    expect((await costs(`${allTime}&tenant=no-model&key=ui.color`)).total.records).toBe(1);
  });
});

describe('bad batches', () => {
  const good = { id: 'good', at: '2026-01-01T00:00:00.000Z', model: 'acme/one', tenant: 'bad-batches' };
  const inAnHour = new Date(Date.now() + 3_600_000).toISOString();
  const { id: _id, ...withoutId } = good;
  const { at: _at, ...withoutAt } = good;
  const { model: _model, ...withoutModel } = good;

  test.each([
    ['no records', [], 'records'],
    ['too many', Array.from({ length: 10_001 }, (_, n) => ({ ...good, id: `${n}` })), 'records'],
    ['no id', [good, withoutId], 'records.1.id'],
    ['an empty id', [good, { ...good, id: '' }], 'records.1.id'],
    ['an id of 201 characters', [good, { ...good, id: 'x'.repeat(201) }], 'records.1.id'],
    ['an id with a line break', [good, { ...good, id: 'a\nb' }], 'records.1.id'],
    ['no time', [good, withoutAt], 'records.1.at'],
    ['a time before 1970', [good, { ...good, at: '1969-12-31T23:59:59.999Z' }], 'records.1.at'],
    ['a time that is no time', [good, { ...good, at: 'yesterday' }], 'records.1.at'],
    ['a time as a number', [good, { ...good, at: 5 }], 'records.1.at'],
    ['the future', [good, { ...good, at: inAnHour }], 'records.1.at'],
    ['neither key nor model', [good, withoutModel], 'records.1'],
    ['a key that is none', [good, { ...good, key: 'Not A Key' }], 'records.1.key'],
    ['an empty tenant', [good, { ...good, tenant: '' }], 'records.1.tenant'],
    ['negative tokens', [good, { ...good, inputTokens: -1 }], 'records.1.inputTokens'],
    ['half a token', [good, { ...good, outputTokens: 0.5 }], 'records.1.outputTokens'],
    ['too many tokens', [good, { ...good, reasoningTokens: 1_000_000_001 }], 'records.1.reasoningTokens'],
    ['tokens as text', [good, { ...good, inputTokens: '5' }], 'records.1.inputTokens'],
    ['a field that is not known', [good, { ...good, tokens: 5 }], 'records.1.tokens'],
    ['a record that is none', [good, 5], 'records.1'],
  ])('%s', async (_name, records, place) => {
    const { status, body } = await report(records);
    expect([status, body.code]).toEqual([400, 'invalid']);
    expect(body.errors.map(({ path }: { path: string }) => path)).toContain(place);
    expect((await costs(`${allTime}&tenant=bad-batches`)).total.records).toBe(0);
  });

  test('a body without records, and one that is a list', async () => {
    for (const body of [{}, [good], { records: {} }]) {
      expect((await varve.call('POST', '/v1/usage', body)).status).toBe(400);
    }
  });

  test('a minute ahead is still taken: clocks differ', async () => {
    const at = new Date(Date.now() + 30_000).toISOString();
    expect((await report([{ ...good, id: 'ahead', tenant: 'ahead', at }])).body.added).toBe(1);
  });
});

test('services report, and auditors only read', async () => {
  const apiOf = async (role: string) => {
    const { body } = await varve.call('POST', '/v1/api-keys', { name: `a ${role}`, role });
    return createApi(varve.url, body.key);
  };
  const [service, auditor] = [await apiOf('service'), await apiOf('auditor')];
  const body = { records: [{ id: 'by-role', at: '2026-01-01T00:00:00.000Z', model: 'acme/one' }] };
  expect((await auditor.call('POST', '/v1/usage', body)).status).toBe(403);
  expect((await service.call('POST', '/v1/usage', body)).body.added).toBe(1);
  expect((await service.call('GET', `/v1/costs?${allTime}`)).status).toBe(403);
  expect((await auditor.call('GET', `/v1/costs?${allTime}`)).status).toBe(200);
});
