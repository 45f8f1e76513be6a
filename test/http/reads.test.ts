/**
 * Reading over HTTP: history and its files, events, changesets, keys, tags, snapshot, status; headers and logs.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { eventAnswerSchema } from '../../src/http/event-answer.ts';
import { type HttpAssembly, startHttp } from '../support/http-assembly.ts';

let http: HttpAssembly;

beforeAll(async () => {
  http = await startHttp();
  await http.change({
    type: 'defineKey',
    key: 'a.text',
    valueType: 'string',
    fallback: 'f',
    description: 'A text',
  });
  http.pass(3_600_000);
  const changes = [
    { type: 'setOverride', key: 'a.text', scope: 'user:=HYPERLINK("x")', value: 'v' },
    { type: 'addModel', model: { id: 'acme/one', name: 'One', contextWindow: 1, pricing: { input: '1' } } },
  ];
  await http.call('POST', '/v1/changesets', { reason: '=1+1\r\n"so"', changes });
  await http.change({ type: 'tagRevision', name: 'release', revision: 2 });
});
afterAll(() => http.close());

const get = (path: string, headers: Record<string, string> = {}) =>
  http.call('GET', path, undefined, headers);
const revisions = (items: readonly { revision: number }[]) => items.map(({ revision }) => revision);

describe('history', () => {
  test('is newest first, in pages', async () => {
    const all = await get('/v1/history');
    expect(revisions(all.body.items)).toEqual([5, 4, 3, 2, 1]);
    for (const item of all.body.items) expect(eventAnswerSchema.parse(item)).toEqual(item);
    const first = await get('/v1/history?limit=2');
    const second = await get(`/v1/history?limit=2&cursor=${encodeURIComponent(first.body.nextCursor)}`);
    const third = await get(`/v1/history?limit=2&cursor=${encodeURIComponent(second.body.nextCursor)}`);
    expect([first, second, third].map(({ body }) => revisions(body.items))).toEqual([[5, 4], [3, 2], [1]]);
    expect(third.body.nextCursor).toBeNull();
  });

  test.each([
    ['key=a.text', [3, 2]],
    ['scope=user:%3DHYPERLINK(%22x%22)', [3]],
    ['model=acme:one', [4]],
    ['model=acme%2Fone', [4]],
    ['type=RevisionTagged', [5]],
    ['subject=tag:release', [5]],
    ['actor=varve', [1]],
    ['from=2026-03-01T13:00:00Z', [5, 4, 3]],
    ['to=2026-03-01T13:00:00Z', [2, 1]],
    ['asOf=3', [3, 2, 1]],
    ['asOf=tag:release&key=a.text', [2]],
    ['q=nothing+like+it', []],
  ])('%s', async (query, wanted) => {
    expect(revisions((await get(`/v1/history?${query}`)).body.items)).toEqual(wanted);
  });

  test('as CSV: RFC 4180, and no cell is a formula', async () => {
    const answer = await get('/v1/history', { accept: 'text/csv' });
    expect(answer.headers).toMatchObject({
      'content-type': 'text/csv; charset=utf-8; header=present',
      'varve-revision': '5',
    });
    expect(answer.headers['content-disposition']).toContain('varve-history-5.csv');
    expect(answer.text).toMatch(/^revision,recordedAt,type,/);
    expect(answer.text.endsWith('\r\n')).toBe(true);
    expect(answer.text).toContain('"\'=1+1\r\n""so"""');
    expect(answer.text).toContain('"override:a.text@user:=HYPERLINK(""x"")"');
    expect(answer.text).not.toMatch(/(?:^|,|\n)"?[=+\-@]/);
  });

  test('as NDJSON: the same events as the pages', async () => {
    const answer = await get('/v1/history?key=a.text', {
      accept: 'application/x-ndjson, application/json;q=0.5',
    });
    const lines = answer.text
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(lines).toEqual((await get('/v1/history?key=a.text')).body.items);
  });

  test.each([
    'application/json',
    '*/*',
    'text/html, */*;q=0.1',
    'text/csv;q=0',
    'application/json, text/csv;q=0.9',
  ])('Accept: %s is answered as JSON', async (accept) => {
    const answer = await get('/v1/history?limit=1', { accept });
    expect([answer.headers['content-type'], answer.headers['vary']]).toEqual([
      'application/json; charset=utf-8',
      'Authorization, Varve-Ledger, Accept',
    ]);
  });
});

test('one event, one changeset', async () => {
  const event = await get('/v1/events/4');
  expect(event.body).toMatchObject({ revision: 4, type: 'ModelAdded', last: true });
  const { changesetId } = event.body;
  const changeset = await get(`/v1/changesets/${changesetId}`);
  expect(changeset.body).toMatchObject({
    changesetId,
    revisions: { first: 3, last: 4 },
    recordedAt: '2026-03-01T13:00:00.000Z',
    actor: { id: 'admin', kind: 'api_key' },
    events: [{ revision: 3 }, { revision: 4 }],
  });
  expect((await get(`/v1/history?changeset=${changesetId}`)).body.items).toEqual(
    changeset.body.events.toReversed(),
  );
});

test('keys as they are and as they were', async () => {
  const key = {
    key: 'a.text',
    valueType: 'string',
    fallback: 'f',
    description: 'A text',
    version: 1,
    revision: 2,
    retired: false,
  };
  expect((await get('/v1/keys/a.text')).body).toEqual(key);
  expect((await get('/v1/keys')).body).toEqual({ items: [key], nextCursor: null });
  const before = await get('/v1/keys/a.text?asOf=1');
  expect([before.status, before.body.reason]).toEqual([404, 'unknown_key']);
  expect(before.headers['varve-revision']).toBe('5');
});

test('tags', async () => {
  expect((await get('/v1/tags')).body.items).toEqual([
    { name: 'release', revision: 2, taggedAt: '2026-03-01T13:00:00.000Z' },
  ]);
  expect((await get('/v1/tags?asOf=4')).body.items).toEqual([]);
});

test('the snapshot is everything that resolution needs and nothing else', async () => {
  const answer = await get('/v1/snapshot');
  expect(answer.headers).toMatchObject({ 'content-type': 'application/x-ndjson', 'varve-revision': '5' });
  expect(
    answer.text
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line)),
  ).toEqual([
    {
      type: 'snapshot',
      ledger: 'default',
      log: 'memory',
      revision: 5,
      recordedAt: '2026-03-01T13:00:00.000Z',
    },
    { type: 'key', key: 'a.text', version: 1, revision: 2, valueType: 'string', fallback: 'f' },
    { type: 'model', id: 'acme/one', version: 1, revision: 4, status: 'active' },
    {
      type: 'override',
      key: 'a.text',
      scope: 'user:=HYPERLINK("x")',
      version: 1,
      assertions: [{ revision: 3, effectiveFrom: '2026-03-01T13:00:00.000Z', kind: 'value', value: 'v' }],
    },
    { type: 'end', count: 3 },
  ]);
  expect((await get('/v1/snapshot?scopes=global,tier:*')).text).not.toContain('override');
});

test('status says how far everything is', async () => {
  const { body } = await get('/v1/status');
  expect(body).toMatchObject({
    version: '0.0.0-test',
    ledger: 'default',
    revision: 5,
    log: { engine: 'memory', revision: 5 },
    jobs: [],
    problems: [],
  });
  expect(body.projections[0]).toEqual({
    name: 'subjects',
    version: 1,
    revision: 5,
    lag: 0,
    state: 'running',
  });
});

test('alive and ready, without a key', async () => {
  for (const url of ['/healthz', '/readyz']) expect((await http.app.inject({ url })).statusCode).toBe(200);
});

test('no line of the log holds a key, a value, a scope, a query or a credential; refusals are there', async () => {
  await get('/v1/resolve/a.text?user=somebody-special');
  await get('/v1/keys/a.text?minRevision=1');
  await get('/v1/keys/a.unheard_of');
  const text = JSON.stringify(http.lines);
  expect(http.lines.length).toBeGreaterThan(20);
  for (const secret of [
    'a.text',
    'unheard_of',
    'somebody-special',
    'HYPERLINK',
    'minRevision',
    http.adminKey,
    'Bearer',
  ]) {
    expect([secret, text.includes(secret)]).toEqual([secret, false]);
  }
  expect(http.lines.at(-1)).toMatchObject({
    level: 'info',
    fields: { method: 'GET', route: '/v1/keys/:key', status: 404, ledger: 'default' },
  });
});

test('a request is named by itself or by the server, and the name comes back on failures too', async () => {
  expect((await get('/v1/keys', { 'x-request-id': 'mine-1' })).headers['x-request-id']).toBe('mine-1');
  const [one, two] = [await get('/v1/nothing'), await get('/v1/resolve/a.text')];
  expect(String(one.headers['x-request-id'])).toMatch(/^[0-9a-f-]{36}-/);
  expect(one.headers['x-request-id']).not.toBe(two.headers['x-request-id']);
});

test('a failing read is unavailable with Retry-After, and what memory answers goes on', async () => {
  const { reads } = http.dependencies;
  const { waitFor } = reads;
  const { Failure } = await import('../../src/failure.ts');
  Object.assign(reads, {
    waitFor: () =>
      Promise.reject(
        new Failure('unavailable', 'the projection keys has stopped', { reason: 'projection_stopped' }),
      ),
  });
  try {
    const answer = await get('/v1/keys');
    expect([answer.status, answer.body.reason, answer.headers['retry-after']]).toEqual([
      503,
      'projection_stopped',
      '1',
    ]);
    expect((await get('/v1/resolve/a.text')).status).toBe(200);
    expect((await get('/v1/status')).status).toBe(200);
  } finally {
    Object.assign(reads, { waitFor });
  }
});

test('a bug is an internal error: logged with its cause, told to nobody', async () => {
  const { reads } = http.dependencies;
  const { keys } = reads;
  Object.assign(reads, { keys: () => Promise.reject(new TypeError('cannot read secret of undefined')) });
  try {
    const answer = await get('/v1/keys');
    expect(answer.body).toEqual({
      type: 'urn:varve:problem:internal',
      title: 'Internal error',
      status: 500,
      code: 'internal',
      detail: 'internal error',
    });
    const line = http.lines.findLast(({ level }) => level === 'error');
    expect(http.lines.some(({ fields }) => 'err' in fields && fields.err instanceof TypeError)).toBe(true);
    expect(line).toMatchObject({ fields: { route: '/v1/keys', status: 500 } });
  } finally {
    Object.assign(reads, { keys });
  }
});
