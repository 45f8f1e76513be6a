/**
 * The OpenAPI document: 3.1, every route in it, its references whole, and made of the schemas that check the requests.
 */
import { Ajv2020 } from 'ajv/dist/2020.js';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type HttpAssembly, startHttp } from '../support/http-assembly.ts';
import { sampleReplayId } from '../support/memory-replays.ts';
import { neededQueries } from './needed-queries.ts';

let http: HttpAssembly;
// biome-ignore lint/suspicious/noExplicitAny: a test reads the document as anybody would
let document: any;

beforeAll(async () => {
  http = await startHttp();
  document = (await http.app.inject({ url: '/openapi.json' })).json();
});
afterAll(() => http.close());

test('is OpenAPI 3.1 with the API key as its security', () => {
  expect(document).toMatchObject({ openapi: '3.1.0', info: { title: 'Varve', version: '0.0.0-test' } });
  expect(document.components.securitySchemes.apiKey).toMatchObject({ type: 'http', scheme: 'bearer' });
});

test('holds every route, with its security where one is needed', () => {
  for (const { method, url, access } of http.app.roleTable) {
    if (method === 'HEAD' || url.startsWith('/docs') || url === '/openapi.json') continue;
    const path = url.replace(/:(\w+)/g, '{$1}');
    const operation = document.paths[path]?.[method.toLowerCase()];
    expect([method, path, operation?.summary]).toEqual([method, path, expect.any(String)]);
    expect([path, operation.security]).toEqual([path, access === 'open' ? undefined : [{ apiKey: [] }]]);
    const parameters = (operation.parameters ?? []).filter(
      (parameter: { in: string }) => parameter.in === 'path',
    );
    expect([path, parameters.length]).toEqual([path, path.split('{').length - 1]);
  }
});

test('every reference leads somewhere', () => {
  const references = JSON.stringify(document).match(/"\$ref":"[^"]+"/g) ?? [];
  expect(references.length).toBeGreaterThan(20);
  for (const reference of new Set(references)) {
    const [, pointer = ''] = /"#\/(.*)"/.exec(reference) ?? [];
    const target = pointer.split('/').reduce((node, step) => node?.[step], document);
    expect([reference, typeof target]).toEqual([reference, 'object']);
  }
});

test('says what the schemas check: limits, formats, kinds of change', () => {
  const history = document.paths['/v1/history'].get.parameters;
  const limit = history.find((parameter: { name: string }) => parameter.name === 'limit');
  expect(limit).toMatchObject({
    in: 'query',
    required: false,
    schema: { type: 'integer', minimum: 1, maximum: 1000 },
  });
  const resolve = document.paths['/v1/resolve/{key}'].get.parameters;
  expect(
    resolve.map((parameter: { name: string; in: string }) => `${parameter.in} ${parameter.name}`),
  ).toEqual(
    expect.arrayContaining([
      'path key',
      'query user',
      'query tenant',
      'query tier',
      'query asOf',
      'query at',
      'query minRevision',
    ]),
  );
  const changeset = document.components.schemas.ChangesetRequestInput;
  expect(changeset).toMatchObject({
    type: 'object',
    additionalProperties: false,
    required: ['reason', 'changes'],
  });
  expect(changeset.properties.changes).toMatchObject({ minItems: 1, maxItems: 10_000 });
  const types = document.components.schemas.ChangeInput.oneOf.map(
    (change: { properties: { type: { const: string } } }) => change.properties.type.const,
  );
  expect(types).toContain('setOverride');
  expect(types).not.toContain('createApiKey');
});

test('what is answered is what the document says', async () => {
  const changes = [
    {
      type: 'defineKey',
      key: 'a.text',
      valueType: 'string',
      fallback: 'f',
      schema: { maxLength: 9 },
      scopes: ['tier', 'user'],
    },
    {
      type: 'setOverride',
      key: 'a.text',
      scope: 'tier:1',
      value: 'v',
      effectiveUntil: '2027-01-01T00:00:00Z',
    },
    {
      type: 'setOverride',
      key: 'a.text',
      scope: 'tier:2',
      allocation: { unit: 'user', share: 10_000, arms: [{ name: 'a', value: 'x', weight: 1 }] },
    },
    {
      type: 'addModel',
      model: {
        id: 'acme/one',
        name: 'One',
        contextWindow: 1,
        pricing: { input: 1, tiers: [{ overTokens: 5, input: 2 }] },
      },
    },
    {
      type: 'addModel',
      model: { id: 'acme/two', name: 'Two', contextWindow: 1, extra: { a: [1, { b: null }] } },
    },
    { type: 'deprecateModel', id: 'acme/one', successor: 'acme/two', sunsetAt: '2026-12-01T00:00:00Z' },
    { type: 'tagRevision', name: 'release' },
    { type: 'defineKey', key: 'a.model', valueType: 'model', fallback: 'acme/one', allowUnlisted: true },
  ];
  await http.change(...changes);
  const { changesetId } = (await http.call('GET', '/v1/history?limit=1')).body.items[0];
  const { receipt } = (await http.call('GET', '/v1/resolve/a.text?receipt=true')).body;
  const ajv = new Ajv2020({ strict: false, validateFormats: false });
  ajv.addSchema(document, 'document');
  let count = 0;
  for (const { method, url, access } of http.app.roleTable) {
    const path = url.replace(/:(\w+)/g, '{$1}');
    const operation = document.paths[path]?.get;
    if (
      method !== 'GET' ||
      access === 'open' ||
      // What stands outside the ledger: test/end-to-end/webhooks.integration.test.ts.
      /^\/v1\/(webhooks|imports)\/:id/.test(url) ||
      operation.responses['200'].content['application/json'] === undefined
    )
      continue;
    const isReplay = /rebuilds|verifications/.test(url);
    const id = isReplay ? sampleReplayId : url.startsWith('/v1/changesets') ? changesetId : 'acme%2Fone';
    const named = { key: 'a.text', revision: '3', id };
    const fill: Readonly<Record<string, string>> = url.includes('/receipts/') ? receipt : named;
    const query = neededQueries[url] ?? (/resolve|explain/.test(url) ? '?tier=2&user=u' : '');
    const answer = await http.call(
      'GET',
      url.replace(/:(\w+)/g, (_, name: string) => fill[name] ?? '') + query,
    );
    expect([url, answer.status]).toEqual([url, 200]);
    const pointer = `document#/paths/${path.replaceAll('~', '~0').replaceAll('/', '~1')}/get/responses/200/content/application~1json/schema`;
    const isValid = ajv.validate({ $ref: encodeURI(pointer) }, answer.body);
    expect([url, isValid ? [] : ajv.errors]).toEqual([url, []]);
    count += 1;
  }
  expect(count).toBeGreaterThan(17);
});

test('the pages show it', async () => {
  const page = await http.app.inject({ url: '/docs/' });
  expect([page.statusCode, page.headers['content-type']]).toEqual([200, 'text/html; charset=utf-8']);
  expect(page.headers['content-security-policy']).toContain("script-src 'self'");
  expect((await http.app.inject({ url: '/docs/json' })).json().openapi).toBe('3.1.0');
});
