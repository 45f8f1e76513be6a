/**
 * The hot path of resolution gives the same bytes and headers as the long way, and takes no question that the schema
 * would not take.
 */
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { plainQuestion } from '../../src/http/hot-answer.ts';
import { contextQuery } from '../../src/http/query-schemas.ts';
import { parseQuery } from '../../src/http/request-input.ts';
import { resolutionSchema, valuesSchema } from '../../src/http/resolution-answer.ts';
import { type HttpAnswer, type HttpAssembly, startHttp } from '../support/http-assembly.ts';

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
      type: 'setOverride',
      key: 'texts.hello',
      scope: 'tenant:arms',
      allocation: {
        unit: 'user',
        share: 10_000,
        arms: [
          { name: 'one', value: 'hi', weight: 1 },
          { name: 'two', value: 'hi', weight: 1 },
        ],
      },
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

describe('the hot path and the long way', () => {
  /** The same question with a clock that changes nothing takes the long way. */
  const both = async (path: string): Promise<readonly [HttpAnswer, HttpAnswer]> => {
    const longer = `${path}${path.includes('?') ? '&' : '?'}minRevision=0`;
    return [await get(path), await get(longer)];
  };
  const kept = [
    'varve-revision',
    'varve-at',
    'cache-control',
    'etag',
    'vary',
    'content-type',
    'content-length',
    'x-content-type-options',
  ];

  test.each([
    '/v1/resolve/limits.tokens',
    '/v1/resolve/limits.tokens?tier=3&tenant=acme',
    `/v1/resolve/limits.tokens?user=${encodeURIComponent('ünï "q"')}`,
    '/v1/resolve/ai.planner.model?user=u',
    '/v1/resolve/texts.hello?tenant=acme&user=u-1',
    '/v1/resolve/texts.hello?tenant=acme&user=u-2',
    '/v1/resolve/texts.hello?tenant=acme&user=u-3',
    '/v1/resolve?keys=texts.hello,ai.planner.model,limits.tokens&tenant=acme&user=u-1',
    '/v1/resolve?keys=limits.tokens',
  ])('%s', async (path) => {
    const [hot, long] = await both(path);
    expect(hot.status).toBe(200);
    expect(hot.text).toBe(long.text);
    for (const name of kept) expect([name, hot.headers[name]]).toEqual([name, long.headers[name]]);
    if (path.includes('keys=')) expect(valuesSchema.parse(hot.body)).toEqual(hot.body);
    else expect(resolutionSchema.parse(hot.body)).toEqual(hot.body);
    const [again, unchanged] = [
      await get(path),
      await get(path, { 'if-none-match': String(hot.headers['etag']) }),
    ];
    expect(again.text).toBe(hot.text);
    expect([unchanged.status, unchanged.text, unchanged.headers['etag']]).toEqual([
      304,
      '',
      hot.headers['etag'],
    ]);
  });

  test('two arms of one value are told apart', async () => {
    const arms: unknown[] = [];
    for (let user = 0; user < 12; user++) {
      const [hot, long] = await both(`/v1/resolve/texts.hello?tenant=arms&user=u-${user}`);
      expect(hot.text).toBe(long.text);
      arms.push(hot.body.arm);
    }
    expect(new Set(arms)).toEqual(new Set(['one', 'two']));
  });

  test('what the hot path takes for a plain question, the schema takes too, and as the same', () => {
    const schema = z.strictObject(contextQuery);
    const piece = fc.oneof(
      fc.constantFrom('user', 'tenant', 'tier', 'usr', 'at', 'keys', '', '__proto__', 'constructor'),
      fc.string({ unit: 'binary', maxLength: 5 }),
    );
    const value = fc.oneof(
      fc.constantFrom(
        'u-1',
        '',
        'a+b',
        '%41',
        '%zz',
        '%00',
        '%C3%BC',
        'x'.repeat(200),
        'x'.repeat(201),
        '=',
        'a=b',
      ),
      fc.string({ maxLength: 8 }).map((text) => encodeURIComponent(text)),
    );
    const encoded = piece.map((text) => (text.isWellFormed() ? encodeURIComponent(text) : 'user'));
    const query = fc
      .array(fc.tuple(encoded, value), { maxLength: 4 })
      .map((pairs) => pairs.map((pair) => pair.join('=')).join('&'));
    fc.assert(
      fc.property(query, (text) => {
        const raw = parseQuery(text);
        const plain = plainQuestion(raw, false);
        const checked = schema.safeParse(raw);
        expect(plain?.context).toEqual(checked.success ? checked.data : undefined);
      }),
      { numRuns: 2_000 },
    );
  });

  test('a HEAD says the same without the body', async () => {
    const head = await http.call('HEAD', '/v1/resolve/limits.tokens');
    const whole = await get('/v1/resolve/limits.tokens');
    expect([head.status, head.text, head.headers['etag']]).toEqual([200, '', whole.headers['etag']]);
  });
});
