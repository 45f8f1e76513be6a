/** Every read tells how old it may be: Varve-Age, whole seconds since this server heard from its log. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ageText } from '../../src/http/answer.ts';
import { type HttpAssembly, startHttp } from '../support/http-assembly.ts';

let http: HttpAssembly;
beforeAll(async () => {
  http = await startHttp();
  await http.change({ type: 'defineKey', key: 'a.text', valueType: 'string', fallback: 'f' });
});
afterAll(() => http.close());

const reads: readonly [method: 'GET' | 'POST', path: string, body?: object][] = [
  ['GET', '/v1/resolve/a.text'],
  ['GET', '/v1/resolve/a.text?minRevision=0'],
  ['GET', '/v1/resolve?keys=a.text'],
  ['GET', '/v1/resolve'],
  ['POST', '/v1/resolve', { contexts: [{}] }],
  ['GET', '/v1/explain/a.text'],
  ['GET', '/v1/keys'],
  ['GET', '/v1/history'],
  ['GET', '/v1/snapshot'],
  ['GET', '/v1/status'],
];

test('reads from memory and from tables say the same age; it grows while nothing is heard, and a write is news', async () => {
  const agesOf = () =>
    Promise.all(
      reads.map(async ([method, path, body]) => (await http.call(method, path, body)).headers['varve-age']),
    );
  expect(await agesOf()).toEqual(reads.map(() => '0'));
  http.pass(61_900);
  expect(await agesOf()).toEqual(reads.map(() => '61'));
  await http.change({ type: 'setOverride', key: 'a.text', scope: 'global', value: 'v' });
  expect(await agesOf()).toEqual(reads.map(() => '0'));
});

test('a 304 says it as well, and so does a problem', async () => {
  const { headers } = await http.call('GET', '/v1/resolve/a.text');
  http.pass(5_000);
  const again = await http.call('GET', '/v1/resolve/a.text', undefined, {
    'if-none-match': String(headers['etag']),
  });
  expect([again.status, again.headers['varve-age']]).toEqual([304, '5']);
  const unknown = await http.call('GET', '/v1/resolve/b.text');
  expect([unknown.status, unknown.headers['varve-age']]).toEqual([404, '5']);
});

test('it is written in whole seconds, cut off, as Age of RFC 9111', () => {
  expect([0, 999, 1_000, 1_999, 3_600_500].map(ageText)).toEqual(['0', '0', '1', '1', '3600']);
});

test('the document tells of it', async () => {
  const { info, paths } = (await http.app.inject({ url: '/openapi.json' })).json();
  expect(info.description).toContain('`Varve-Age`');
  expect(paths['/readyz'].get.summary).toContain('also while the database is away');
});

test('/readyz is ready, tells the age, and what is sick', async () => {
  Object.assign(http.dependencies, {
    readiness: () => ({ ready: true, ageMs: 12_500, sick: ['database: it does not answer (ECONNREFUSED)'] }),
  });
  const { status, body } = await http.call('GET', '/readyz');
  expect([status, body]).toEqual([
    200,
    { status: 'ready', ageSeconds: 12.5, sick: ['database: it does not answer (ECONNREFUSED)'] },
  ]);
});
