/**
 * Resolution over HTTP: layers, clocks, conditional GETs around activations, explanations.
 */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { formatInstant } from '../../src/domain/instant.ts';
import { valuesSchema } from '../../src/http/resolution-answer.ts';
import { type HttpAssembly, startHttp } from '../support/http-assembly.ts';

const minute = 60_000;
let http: HttpAssembly;

beforeAll(async () => {
  http = await startHttp();
  await http.change(
    { type: 'addModel', model: { id: 'openai/gpt-4o', name: 'GPT-4o', contextWindow: 128_000 } },
    { type: 'addModel', model: { id: 'openai/gpt-5', name: 'GPT-5', contextWindow: 400_000 } },
    { type: 'defineKey', key: 'ai.planner.model', valueType: 'model', fallback: 'openai/gpt-4o' },
    { type: 'defineKey', key: 'limits.tokens', valueType: 'integer', fallback: 100 },
    { type: 'defineKey', key: 'texts.hello', valueType: 'string', fallback: 'grüß "dich" \u2028' },
    { type: 'setOverride', key: 'limits.tokens', scope: 'global', value: 200 },
    { type: 'setOverride', key: 'limits.tokens', scope: 'tier:3', value: 300 },
    { type: 'setOverride', key: 'limits.tokens', scope: 'tenant:acme', value: 400 },
    { type: 'setOverride', key: 'limits.tokens', scope: 'user:ünï "q"', value: 500 },
    {
      type: 'setOverride',
      key: 'texts.hello',
      scope: 'tenant:acme',
      allocation: { unit: 'user', share: 5_000, arms: [{ name: 'new', value: 'hi', weight: 1 }] },
    },
    {
      type: 'deprecateModel',
      id: 'openai/gpt-4o',
      successor: 'openai/gpt-5',
      sunsetAt: '2026-06-01T00:00:00Z',
    },
  );
});
afterAll(() => http.close());

const get = (path: string, headers: Record<string, string> = {}) =>
  http.call('GET', path, undefined, headers);

describe('layers', () => {
  test.each([
    ['', 200, 'global', 'STATIC'],
    ['?tier=3', 300, 'tier:3', 'TARGETING_MATCH'],
    ['?tier=3&tenant=acme', 400, 'tenant:acme', 'TARGETING_MATCH'],
    [`?tenant=acme&user=${encodeURIComponent('ünï "q"')}`, 500, 'user:ünï "q"', 'TARGETING_MATCH'],
    ['?tier=4&tenant=other&user=nobody', 200, 'global', 'STATIC'],
  ])('%s', async (query, value, scope, reason) => {
    const answer = await get(`/v1/resolve/limits.tokens${query}`);
    expect(answer.status).toBe(200);
    expect(answer.body).toEqual({
      key: 'limits.tokens',
      value,
      scope,
      reason,
      revision: expect.any(Number),
      validUntil: null,
    });
    expect(answer.headers).toMatchObject({
      'varve-revision': String(http.ledger().state.revision),
      'varve-at': formatInstant(http.now()),
      'cache-control': 'private, max-age=60',
      vary: 'Authorization, Varve-Ledger',
      'x-content-type-options': 'nosniff',
    });
  });

  test('the fallback says so, and a model says its successor and sunset', async () => {
    const { body } = await get('/v1/resolve/ai.planner.model');
    expect(body).toEqual({
      key: 'ai.planner.model',
      value: 'openai/gpt-4o',
      scope: 'fallback',
      reason: 'DEFAULT',
      revision: 4,
      validUntil: '2026-06-01T00:00:00.000Z',
      model: {
        id: 'openai/gpt-4o',
        provider: 'openai',
        model: 'gpt-4o',
        status: 'deprecated',
        successor: 'openai/gpt-5',
        sunsetAt: '2026-06-01T00:00:00.000Z',
      },
    });
    const later = await get('/v1/resolve/ai.planner.model?at=2026-06-01T00:00:00Z');
    expect(later.body).toMatchObject({
      value: 'openai/gpt-5',
      model: { status: 'active', followed: ['openai/gpt-4o'] },
    });
  });

  test('all keys, some keys, and an unknown one', async () => {
    const all = await get('/v1/resolve?tier=3');
    expect(valuesSchema.parse(all.body)).toEqual(all.body);
    expect(Object.keys(all.body.values)).toEqual(['ai.planner.model', 'limits.tokens', 'texts.hello']);
    const some = await get('/v1/resolve?tier=3&keys=limits.tokens&keys=texts.hello');
    expect(some.body.values).toEqual({
      'limits.tokens': all.body.values['limits.tokens'],
      'texts.hello': all.body.values['texts.hello'],
    });
    const unknown = await get('/v1/resolve?keys=limits.tokens,no.such_key');
    expect([unknown.status, unknown.body.code, unknown.body.detail]).toEqual([
      404,
      'not_found',
      'the key no.such_key is not defined',
    ]);
  });

  test('many contexts, one result each, in order', async () => {
    const contexts = [{}, { tier: '3' }, { tenant: 'acme', tier: '3' }];
    const answer = await http.call('POST', '/v1/resolve', { contexts, keys: ['limits.tokens'] });
    expect(answer.status).toBe(200);
    expect(
      answer.body.results.map(
        (result: { values: Record<string, { value: number }> }) => result.values['limits.tokens']?.value,
      ),
    ).toEqual([200, 300, 400]);
    expect(answer.body.revision).toBe(http.ledger().state.revision);
  });

  test('more values than one answer holds are invalid', async () => {
    const contexts = Array.from({ length: 1_000 }, (_, n) => ({ user: `u${n}` }));
    const keys = Array.from({ length: 21 }, () => 'limits.tokens');
    const answer = await http.call('POST', '/v1/resolve', { contexts, keys });
    expect([answer.status, answer.body.reason]).toEqual([400, 'too_many']);
  });
});

describe('conditional GETs', () => {
  beforeEach(() => http.pass(24 * 60 * minute));

  test('a change in between makes the second one a 200', async () => {
    const path = '/v1/resolve/limits.tokens?tenant=changing';
    const first = await get(path);
    await http.change({ type: 'setOverride', key: 'limits.tokens', scope: 'tenant:changing', value: 1 });
    const second = await get(path, { 'if-none-match': String(first.headers['etag']) });
    expect([second.status, second.body.value]).toEqual([200, 1]);
  });

  test('so does an activation, while the revision stands still; the first may be kept only until then', async () => {
    const path = '/v1/resolve/limits.tokens?tenant=scheduled';
    const effectiveFrom = formatInstant(http.now() + 30_500);
    await http.change({
      type: 'setOverride',
      key: 'limits.tokens',
      scope: 'tenant:scheduled',
      value: 2,
      effectiveFrom,
    });
    const first = await get(path);
    expect(first.body).toMatchObject({ value: 200, validUntil: effectiveFrom });
    expect(first.headers['cache-control']).toBe('private, max-age=30');
    http.pass(30_000);
    const between = await get(path, { 'if-none-match': String(first.headers['etag']) });
    expect([between.status, between.headers['cache-control']]).toEqual([304, 'private, no-cache']);
    http.pass(500);
    const second = await get(path, { 'if-none-match': String(first.headers['etag']) });
    expect([second.status, second.body.value, second.body.scope]).toEqual([200, 2, 'tenant:scheduled']);
    expect(second.headers['varve-revision']).toBe(first.headers['varve-revision']);
  });

  test('a temporary override gives way to what the scope held before, or else to the next layer', async () => {
    const effectiveUntil = formatInstant(http.now() + minute);
    await http.change({ type: 'setOverride', key: 'limits.tokens', scope: 'tenant:held', value: 3 });
    await http.change(
      { type: 'setOverride', key: 'limits.tokens', scope: 'tenant:held', value: 4, effectiveUntil },
      { type: 'setOverride', key: 'limits.tokens', scope: 'tenant:bare', value: 5, effectiveUntil },
    );
    const values = async () => [
      (await get('/v1/resolve/limits.tokens?tenant=held')).body.value,
      (await get('/v1/resolve/limits.tokens?tenant=bare')).body.value,
    ];
    expect(await values()).toEqual([4, 5]);
    http.pass(minute);
    expect(await values()).toEqual([3, 200]);
  });

  test.each(['*', 'W/TAG', '"other", TAG', 'TAG , "x"'])('If-None-Match: %s', async (form) => {
    const path = '/v1/keys/limits.tokens';
    const tag = String((await get(path)).headers['etag']);
    expect((await get(path, { 'if-none-match': form.replace('TAG', tag) })).status).toBe(304);
    expect((await get(path, { 'if-none-match': '"other"' })).status).toBe(200);
  });
});

describe('explain', () => {
  test('tells every layer with who, when and why', async () => {
    const answer = await get('/v1/explain/limits.tokens?user=u&tenant=acme&tier=3');
    expect(answer.status).toBe(200);
    const event = (revision: number) => ({
      revision,
      type: 'OverrideSet',
      recordedAt: '2026-03-01T12:00:00.000Z',
      actor: { id: 'admin', kind: 'api_key' },
      reason: 'a test wants it',
      source: 'api',
      changesetId: expect.any(String),
    });
    const ends = { effectiveFrom: '2026-03-01T12:00:00.000Z', effectiveUntil: null };
    expect(answer.body).toEqual({
      key: 'limits.tokens',
      value: 400,
      scope: 'tenant:acme',
      reason: 'TARGETING_MATCH',
      revision: 9,
      validUntil: null,
      layers: [
        { scope: 'user:u', outcome: 'unset' },
        { scope: 'tenant:acme', outcome: 'won', value: 400, ...ends, event: event(9) },
        { scope: 'tier:3', outcome: 'lost', value: 300, ...ends, event: event(8) },
        { scope: 'global', outcome: 'lost', value: 200, ...ends, event: event(7) },
      ],
      fallback: { value: 100, event: { ...event(5), type: 'KeyDefined' } },
    });
  });

  test('the past is explained as it was: asOf before an override', async () => {
    const answer = await get('/v1/explain/limits.tokens?tier=3&asOf=7');
    expect(answer.body.layers).toMatchObject([
      { scope: 'tier:3', outcome: 'unset' },
      { scope: 'global', outcome: 'won', value: 200 },
    ]);
    expect(answer.headers['varve-revision']).toBe('7');
  });
});

test('resolutions from memory are counted one by one, loads apart', async () => {
  const before = { ...http.counted };
  await get('/v1/resolve/limits.tokens');
  await get('/v1/resolve?keys=limits.tokens,texts.hello');
  await get('/v1/resolve/limits.tokens?asOf=6');
  expect(http.counted.fromMemory - before.fromMemory).toBe(3);
  expect(http.counted.loads - before.loads).toBe(1);
});
