/**
 * The catalogue over HTTP, model by model.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type HttpAssembly, startHttp } from '../support/http-assembly.ts';

let http: HttpAssembly;

beforeAll(async () => {
  http = await startHttp();
  await http.change(
    { type: 'defineKey', key: 'a.number', valueType: 'integer', fallback: 0 },
    {
      type: 'addModel',
      model: {
        id: 'acme/one',
        name: 'One',
        contextWindow: 1000,
        pricing: { input: '1', output: '2' },
        extra: { color: 'red' },
      },
    },
  );
});
afterAll(() => http.close());

describe('models', () => {
  const one = '/v1/models/acme%2Fone';

  test('add, change, price, duplicate, deprecate, reinstate, remove', async () => {
    const added = await http.call('POST', '/v1/models', {
      id: 'acme/two',
      name: 'Two',
      contextWindow: 5,
      reason: 'r',
    });
    expect(added.body.events).toMatchObject([{ type: 'ModelAdded', subject: 'model:acme/two' }]);
    const changed = await http.call(
      'PATCH',
      '/v1/models/acme:two',
      { name: 'Two!', pricing: { input: 0.5 }, reason: 'r' },
      { 'if-match': '"1"' },
    );
    expect(changed.body.events).toMatchObject([{ type: 'ModelUpdated' }, { type: 'ModelPriceChanged' }]);
    expect(
      (await http.call('PATCH', '/v1/models/acme%2Ftwo', { name: 'x', reason: 'r' }, { 'if-match': '"1"' }))
        .status,
    ).toBe(409);
    const corrected = await http.call('POST', `${one}/prices`, {
      kind: 'corrected',
      pricing: { input: '1.5' },
      effectiveFrom: '2026-03-01T12:00:00Z',
      reason: 'r',
    });
    expect(corrected.body.events).toMatchObject([
      { type: 'ModelPriceCorrected', data: { pricing: { input: '1.5', output: '2' } } },
    ]);
    const priced = await http.call('POST', `${one}/prices`, { pricing: { output: '3' }, reason: 'r' });
    expect(priced.body.events).toMatchObject([
      { type: 'ModelPriceChanged', data: { pricing: { input: '1.5', output: '3' } } },
    ]);
    const copy = await http.call('POST', `${one}/duplicate`, {
      id: 'acme/three',
      name: 'Three',
      reason: 'r',
    });
    expect(copy.body.events).toMatchObject([
      {
        type: 'ModelAdded',
        data: {
          id: 'acme/three',
          model: { name: 'Three', contextWindow: 1000, status: 'active', extra: { color: 'red' } },
          pricing: { input: '1.5', output: '3' },
        },
      },
    ]);
    const deprecated = await http.call('POST', `${one}/deprecate`, {
      successor: 'acme/three',
      sunsetAt: '2026-12-24T00:00:00Z',
      reason: 'r',
    });
    expect(deprecated.body.events).toMatchObject([{ type: 'ModelDeprecated' }]);
    const shown = await http.call('GET', one);
    expect(shown.body).toMatchObject({
      id: 'acme/one',
      provider: 'acme',
      model: 'one',
      status: 'deprecated',
      successor: 'acme/three',
      version: 4,
      pricing: { input: '1.5', output: '3' },
    });
    expect(shown.headers).toMatchObject({
      deprecation: `@${http.now() / 1000}`,
      sunset: 'Thu, 24 Dec 2026 00:00:00 GMT',
      link: '</v1/models/acme%2Fthree>; rel="successor-version"',
    });
    expect((await http.call('POST', `${one}/reinstate`, { reason: 'r' })).body.events).toMatchObject([
      { type: 'ModelReinstated' },
    ]);
    expect((await http.call('DELETE', '/v1/models/acme%2Ftwo?reason=gone')).body.events).toMatchObject([
      { type: 'ModelRemoved' },
    ]);
    expect((await http.call('GET', '/v1/models/acme%2Ftwo')).status).toBe(404);
    expect((await http.call('GET', '/v1/models/acme%2Ftwo/history')).body[0]).toMatchObject({
      version: 4,
      type: 'ModelRemoved',
    });
  });

  test('the history of a model reads version by version, newest first, page by page', async () => {
    const all = await http.call('GET', `${one}/history`);
    expect(all.body.map(({ version }: { version: number }) => version)).toEqual([5, 4, 3, 2, 1]);
    expect(all.body[2]).toMatchObject({
      changes: [{ field: 'pricing.output', oldValue: '2', newValue: '3' }],
      changedBy: 'admin',
      reason: 'r',
      at: '2026-03-01T12:00:00.000Z',
    });
    const first = await http.call('GET', `${one}/history?limit=2`);
    const next = /^<(.*)>; rel="next"$/.exec(String(first.headers['link']))?.[1] ?? '';
    expect((await http.call('GET', next)).body).toEqual(all.body.slice(2, 4));
    const prices = await http.call('GET', `${one}/prices`);
    expect(prices.body.items.map(({ kind }: { kind: string }) => kind)).toEqual([
      'added',
      'corrected',
      'changed',
    ]);
  });

  test('a model that is not there is 404 at its path', async () => {
    for (const [method, url, body] of [
      ['PATCH', '/v1/models/acme%2Fno', { name: 'x', reason: 'r' }],
      ['POST', '/v1/models/acme%2Fno/duplicate', { id: 'acme/copy', reason: 'r' }],
      ['DELETE', '/v1/models/acme%2Fno?reason=r', undefined],
    ] as const) {
      const answer = await http.call(method, url, body);
      expect([url, answer.status, answer.body.errors[0].path]).toEqual([url, 404, 'path.id']);
    }
  });
});
