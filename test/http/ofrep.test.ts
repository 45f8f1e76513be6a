/**
 * OFREP on the server: what is answered to whom, in the protocol's own shapes; conditional requests; other origins.
 * That the official clients understand it shows test/http/ofrep-clients.test.ts.
 */
import { Ajv2020 } from 'ajv/dist/2020.js';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { formatInstant } from '../../src/domain/instant.ts';
import { type HttpAssembly, startHttp } from '../support/http-assembly.ts';

const bulk = '/ofrep/v1/evaluate/flags';
const hour = 3_600_000;
let http: HttpAssembly;
let service: string;

beforeAll(async () => {
  http = await startHttp();
  service = await http.keyOf('service');
  await http.change(
    { type: 'addModel', model: { id: 'acme/one', name: 'One', contextWindow: 1 } },
    { type: 'addModel', model: { id: 'acme/two', name: 'Two', contextWindow: 1 } },
    { type: 'defineKey', key: 'z.model', valueType: 'model', fallback: 'acme/one' },
    { type: 'defineKey', key: 'a.flag', valueType: 'boolean', fallback: false },
    { type: 'defineKey', key: 'm.number', valueType: 'number', fallback: 0.5 },
    { type: 'defineKey', key: 'b.object', valueType: 'object', fallback: { a: [1] } },
    { type: 'defineKey', key: 'c.text', valueType: 'string', fallback: '' },
    { type: 'setOverride', key: 'm.number', scope: 'global', value: 1 },
    { type: 'setOverride', key: 'm.number', scope: 'tier:3', value: 3 },
    { type: 'setOverride', key: 'm.number', scope: 'tenant:-7', value: 7 },
    { type: 'setOverride', key: 'm.number', scope: 'user:u-1', value: 9 },
    {
      type: 'setOverride',
      key: 'a.flag',
      scope: 'tier:3',
      allocation: { unit: 'user', share: 10_000, arms: [{ name: 'treatment', value: true, weight: 1 }] },
    },
    {
      type: 'setOverride',
      key: 'c.text',
      scope: 'tier:3',
      value: 'x',
      effectiveUntil: formatInstant(http.now() + hour),
    },
    { type: 'deprecateModel', id: 'acme/one', successor: 'acme/two', sunsetAt: '2027-01-01T00:00:00.000Z' },
  );
});
afterAll(() => http.close());

const ask = (url: string, body?: unknown, headers: Record<string, string> = {}) =>
  http.call('POST', url, body, { authorization: `Bearer ${service}`, ...headers });
const evaluate = (key: string, context?: object) =>
  ask(`${bulk}/${key}`, context === undefined ? {} : { context });

describe('one flag', () => {
  test.each<[string, object | undefined, unknown, string, string, string]>([
    ['m.number', undefined, 1, 'STATIC', 'global', 'global'],
    ['m.number', {}, 1, 'STATIC', 'global', 'global'],
    ['m.number', { tier: '3' }, 3, 'TARGETING_MATCH', 'tier', 'tier:3'],
    ['m.number', { tier: 3 }, 3, 'TARGETING_MATCH', 'tier', 'tier:3'],
    ['m.number', { tier: 3, tenant: -7 }, 7, 'TARGETING_MATCH', 'tenant', 'tenant:-7'],
    ['m.number', { tier: 3, targetingKey: 'u-1' }, 9, 'TARGETING_MATCH', 'user', 'user:u-1'],
    ['m.number', { targetingKey: null, tier: null }, 1, 'STATIC', 'global', 'global'],
    ['m.number', { user: 'u-1', email: 'a@b.example', plan: { x: [1] } }, 1, 'STATIC', 'global', 'global'],
    ['a.flag', { tier: 3, targetingKey: 'anybody' }, true, 'SPLIT', 'treatment', 'tier:3'],
    ['a.flag', { tier: 3 }, false, 'DEFAULT', 'fallback', 'fallback'],
    ['b.object', {}, { a: [1] }, 'DEFAULT', 'fallback', 'fallback'],
    ['c.text', {}, '', 'DEFAULT', 'fallback', 'fallback'],
    ['z.model', {}, 'acme/one', 'DEFAULT', 'fallback', 'fallback'],
  ])('%s for %j is %j', async (key, context, value, reason, variant, scope) => {
    const answer = await evaluate(key, context);
    expect(answer).toMatchObject({
      status: 200,
      headers: { 'content-type': 'application/json; charset=utf-8', 'varve-age': '0' },
      body: { key, value, reason, variant, metadata: { scope } },
    });
    expect(answer.headers['varve-revision']).toBe(String(http.ledger().state.revision));
  });

  test('is what resolve says, with the winning event, the time and the model in flat metadata', async () => {
    const { body: resolved } = await http.call('GET', '/v1/resolve/c.text?tier=3');
    expect((await evaluate('c.text', { tier: 3 })).body.metadata).toEqual({
      revision: resolved.revision,
      scope: 'tier:3',
      validUntil: resolved.validUntil,
    });
    expect((await evaluate('z.model')).body.metadata).toEqual({
      revision: expect.any(Number),
      scope: 'fallback',
      validUntil: '2027-01-01T00:00:00.000Z',
      modelStatus: 'deprecated',
      modelSuccessor: 'acme/two',
      modelSunsetAt: '2027-01-01T00:00:00.000Z',
    });
  });

  test('is answered from memory', async () => {
    const before = http.counted.fromMemory;
    await evaluate('m.number', { tier: 3 });
    expect(http.counted.fromMemory).toBe(before + 1);
    expect(http.counted.loads).toBe(0);
  });
});

describe('all flags', () => {
  test('are the same values, sorted by key, with the revision', async () => {
    const { body } = await ask(bulk, { context: { tier: 3, targetingKey: 'u-1' } });
    const keys = body.flags.map(({ key }: { key: string }) => key);
    expect(keys).toEqual(['a.flag', 'b.object', 'c.text', 'm.number', 'z.model']);
    for (const flag of body.flags) {
      expect((await evaluate(flag.key, { tier: 3, targetingKey: 'u-1' })).body).toEqual(flag);
    }
    expect(body.metadata).toEqual({ ledger: 'default', revision: http.ledger().state.revision });
  });

  test('answers are what the document says', async () => {
    const document = (await http.app.inject({ url: '/openapi.json' })).json();
    const ajv = new Ajv2020({ strict: false, validateFormats: false });
    ajv.addSchema(document, 'document');
    const pointer = (path: string, answer: string) =>
      encodeURI(
        `document#/paths/${path.replaceAll('/', '~1')}/post/responses/${answer}/content/application~1json/schema`,
      );
    const cases: readonly (readonly [string, string, unknown])[] = [
      [bulk, '200', (await ask(bulk, {})).body],
      [`${bulk}/{key}`, '200', (await evaluate('z.model')).body],
      [bulk, 'default', (await ask(bulk, { context: 1 })).body],
      [`${bulk}/{key}`, 'default', (await evaluate('no.such_key')).body],
    ];
    for (const [path, answer, body] of cases) {
      const isValid = ajv.validate({ $ref: pointer(path, answer) }, body);
      expect([path, answer, isValid ? [] : ajv.errors]).toEqual([path, answer, []]);
    }
    expect(document.components.schemas.OfrepContextInput.description).toContain('Other attributes are legal');
  });

  test('who has them is told so, until one of them differs', async () => {
    const context = { targetingKey: 'u-etag' };
    const tagOf = async () => String((await ask(bulk, { context })).headers['etag']);
    const first = await tagOf();
    expect(first).toMatch(/^W\/"[\w-]+"$/);
    const again = (tag: string) => ask(bulk, { context }, { 'if-none-match': tag });
    const unchanged = await again(first);
    expect([unchanged.status, unchanged.text, unchanged.headers['etag']]).toEqual([304, '', first]);
    expect((await again(`"other", ${first.slice(2)}`)).status).toBe(304);
    expect((await again('"other"')).status).toBe(200);

    // What changed for others is no change; the revision is told nevertheless.
    await http.change({ type: 'setOverride', key: 'm.number', scope: 'user:somebody-else', value: 2 });
    const later = await again(first);
    expect([later.status, later.headers['varve-revision']]).toEqual([
      304,
      String(http.ledger().state.revision),
    ]);

    await http.change({ type: 'setOverride', key: 'm.number', scope: 'user:u-etag', value: 2 });
    expect((await again(first)).status).toBe(200);
    const second = await tagOf();
    expect(second).not.toBe(first);
    // Another context is another answer.
    expect((await ask(bulk, { context: { targetingKey: 'u-2' } }, { 'if-none-match': second })).status).toBe(
      200,
    );
  });

  test('a server that does not have the revision of a notice yet answers nothing older; one that is made up is turned away', async () => {
    const next = http.ledger().state.revision + 1;
    const url = `${bulk}?flagConfigEtag=${next}&flagConfigLastModified=1771622898`;
    // Waiting takes no time here.
    const early = await ask(url, {});
    expect([early.status, early.body.errorCode, early.headers['retry-after']]).toEqual([503, 'GENERAL', '1']);
    await http.change({ type: 'setOverride', key: 'm.number', scope: 'user:awaited', value: 2 });
    expect((await ask(url, {})).body.metadata.revision).toBe(next);
    expect((await ask(`${bulk}?flagConfigEtag=9007199254740991`, {})).status).toBe(400);
  });
});

describe('failures have the shape of OFREP', () => {
  const long = 'x'.repeat(201);
  const one = `${bulk}/m.number`;
  test.each<[string, string, unknown, number, string]>([
    ['an unknown key', `${bulk}/no.such_key`, {}, 404, 'FLAG_NOT_FOUND'],
    ['a name that can be no key', `${bulk}/my-flag`, {}, 404, 'FLAG_NOT_FOUND'],
    ['an empty name', `${bulk}/`, {}, 404, 'FLAG_NOT_FOUND'],
    ['a targetingKey that is too long', one, { context: { targetingKey: long } }, 400, 'INVALID_CONTEXT'],
    ['an empty targetingKey', one, { context: { targetingKey: '' } }, 400, 'INVALID_CONTEXT'],
    ['a targetingKey with a line break', one, { context: { targetingKey: 'a\nb' } }, 400, 'INVALID_CONTEXT'],
    ['a targetingKey that is a number', one, { context: { targetingKey: 7 } }, 400, 'INVALID_CONTEXT'],
    ['a tenant that is an object', one, { context: { tenant: { id: 'acme' } } }, 400, 'INVALID_CONTEXT'],
    ['a tier with a fraction', one, { context: { tier: 1.5 } }, 400, 'INVALID_CONTEXT'],
    ['a tier that is true', one, { context: { tier: true } }, 400, 'INVALID_CONTEXT'],
    ['a tier that is too long', bulk, { context: { tier: long } }, 400, 'INVALID_CONTEXT'],
    ['a context that is null', one, { context: null }, 400, 'INVALID_CONTEXT'],
    ['a context that is a list', bulk, { context: [] }, 400, 'INVALID_CONTEXT'],
    ['no JSON', one, 'context', 400, 'PARSE_ERROR'],
    ['JSON cut off inside the context', one, '{"context":{"tier":', 400, 'PARSE_ERROR'],
    ['an attribute twice', one, '{"context":{"tier":1,"tier":2}}', 400, 'PARSE_ERROR'],
    ['a number that no double carries', one, '{"context":{"x":9007199254740993}}', 400, 'PARSE_ERROR'],
    [
      'nesting deeper than 64',
      bulk,
      `{"context":{"x":${'['.repeat(80)}${']'.repeat(80)}}}`,
      400,
      'PARSE_ERROR',
    ],
    ['a list', bulk, [], 400, 'PARSE_ERROR'],
    ['no body', one, undefined, 400, 'PARSE_ERROR'],
    ['a field that is not known', bulk, { contexts: {} }, 400, 'PARSE_ERROR'],
    ['a body over the limit', bulk, `{"context":{"x":"${'x'.repeat(9 * 1024 * 1024)}"}}`, 413, 'PARSE_ERROR'],
    ['a parameter that is not known', `${one}?x=1`, {}, 400, 'GENERAL'],
    ['a flagConfigEtag that is no revision', `${bulk}?flagConfigEtag=abc`, {}, 400, 'GENERAL'],
  ])('%s', async (_name, url, body, status, errorCode) => {
    const head = http.ledger().state.revision;
    const answer = await ask(url, body);
    const [, key] = /flags\/([^?]*)/.exec(url) ?? [];
    expect(answer).toMatchObject({
      status,
      headers: { 'content-type': 'application/json; charset=utf-8', 'access-control-allow-origin': '*' },
    });
    expect(answer.body).toEqual({
      ...(key === undefined ? {} : { key }),
      errorCode,
      errorDetails: expect.stringMatching(/\S/),
    });
    expect(answer.text.length).toBeLessThan(1_000);
    expect(http.ledger().state.revision).toBe(head);
    expect((await evaluate('m.number')).status).toBe(200);
  });

  test('a name of 10,000 characters is not sent back whole', async () => {
    const answer = await ask(`${bulk}/${'a'.repeat(10_000)}`, {});
    expect([answer.status, answer.body.errorCode]).toEqual([404, 'FLAG_NOT_FOUND']);
    expect(answer.text.length).toBeLessThan(1_000);
  });

  test('no key, another content type, an unknown ledger', async () => {
    const without = await ask(bulk, {}, { authorization: 'Bearer nobody' });
    expect([without.status, without.body.errorCode]).toEqual([401, 'GENERAL']);
    expect(without.headers['www-authenticate']).toMatch(/^Bearer/);
    const form = await ask(bulk, 'x=1', { 'content-type': 'application/x-www-form-urlencoded' });
    expect([form.status, form.body.errorCode]).toEqual([415, 'PARSE_ERROR']);
    const elsewhere = await ask(bulk, {}, { 'varve-ledger': 'elsewhere' });
    expect([elsewhere.status, elsewhere.body.errorCode]).toEqual([403, 'GENERAL']);
  });

  test('what is no route of it stays a problem', async () => {
    for (const [method, url] of [
      ['GET', bulk],
      ['POST', '/ofrep/v1/configuration'],
    ] as const) {
      const answer = await http.call(method, url, method === 'POST' ? {} : undefined);
      expect(answer.headers['content-type']).toBe('application/problem+json; charset=utf-8');
    }
  });
});

describe('other origins', () => {
  test.each([bulk, `${bulk}/m.number`])('a browser may ask before %s, without a key', async (url) => {
    const headers = {
      origin: 'https://shop.example',
      'access-control-request-method': 'POST',
      'access-control-request-headers': 'authorization,content-type',
    };
    const answer = await http.app.inject({ method: 'OPTIONS', url, headers });
    expect(answer).toMatchObject({
      statusCode: 204,
      body: '',
      headers: {
        'access-control-allow-origin': '*',
        'access-control-allow-methods': 'POST',
        'access-control-allow-headers': 'Authorization, *',
      },
    });
    expect(answer.headers['access-control-allow-credentials']).toBeUndefined();
  });

  test('every answer may be read, with its tag; also one that turns away', async () => {
    for (const authorization of [`Bearer ${service}`, 'Bearer nobody']) {
      const { headers } = await ask(bulk, {}, { authorization });
      expect(headers['access-control-allow-origin']).toBe('*');
      expect(headers['access-control-expose-headers']).toMatch(/ETag.*Retry-After/);
    }
  });

  test('nothing beside OFREP may', async () => {
    const answer = await http.call('GET', '/v1/resolve/m.number', undefined, {
      origin: 'https://shop.example',
    });
    expect(answer.headers['access-control-allow-origin']).toBeUndefined();
  });
});

test('an evaluation is logged as a question, not as a write', async () => {
  await evaluate('m.number');
  const line = http.lines.findLast(({ fields }) => JSON.stringify(fields).includes(`${bulk}/:key`));
  expect(line?.level).toBe('debug');
});
