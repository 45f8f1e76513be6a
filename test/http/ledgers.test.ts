/**
 * Ledgers: made by admins of `default` alone, never by naming one; and isolated on every route there is.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type HttpAssembly, startHttp } from '../support/http-assembly.ts';
import { sampleReplayId } from '../support/memory-replays.ts';
import { neededQueries } from './needed-queries.ts';

let http: HttpAssembly;
let otherAdmin: string;

const inOther = { 'varve-ledger': 'other' };
const bearer = (key: string) => ({ authorization: `Bearer ${key}` });

beforeAll(async () => {
  http = await startHttp();
  await http.call('POST', '/v1/ledgers', { name: 'other', description: 'for the others' });
  otherAdmin = await http.keyOf('admin', { ledger: 'other', name: 'their-admin' });
  for (const [headers, value] of [
    [{}, 'mine-secret-value'],
    [inOther, 'theirs-secret-value'],
  ] as const) {
    const changes = [
      { type: 'defineKey', key: 'a.text', valueType: 'string', fallback: value },
      { type: 'setOverride', key: 'a.text', scope: 'tier:1', value },
      { type: 'addModel', model: { id: 'acme/one', name: value, contextWindow: 1 } },
      { type: 'tagRevision', name: `tag-${value}` },
    ];
    await http.call('POST', '/v1/changesets', { reason: value, changes }, headers);
  }
});
afterAll(() => http.close());

describe('making', () => {
  test('is an event of default', async () => {
    const { items } = (await http.call('GET', '/v1/history?type=LedgerCreated')).body;
    expect(items).toMatchObject([
      { type: 'LedgerCreated', subject: 'ledger:other', data: { name: 'other' } },
    ]);
  });

  test.each([
    ['default', 422],
    ['other', 422],
    ['Acme', 400],
    ['1st', 400],
    ['a'.repeat(64), 400],
    ['../x', 400],
  ])('%s is %i', async (name, status) => {
    expect((await http.call('POST', '/v1/ledgers', { name })).status).toBe(status);
  });

  test('an unknown one is 404 and is not made by asking for it', async () => {
    const answer = await http.call('GET', '/v1/keys', undefined, { 'varve-ledger': 'othre' });
    expect([answer.status, answer.body.reason]).toEqual([404, 'unknown_ledger']);
    const { items } = (await http.call('GET', '/v1/ledgers')).body;
    expect(items).toEqual([
      { name: 'default', createdAt: null },
      { name: 'other', description: 'for the others', createdAt: '2026-03-01T12:00:00.000Z' },
    ]);
  });

  test('at most 16', async () => {
    const more = await startHttp();
    const statuses: number[] = [];
    for (let n = 0; n < 16; n++)
      statuses.push((await more.call('POST', '/v1/ledgers', { name: `l-${n}` })).status);
    expect(statuses).toEqual([...Array.from({ length: 15 }, () => 201), 422]);
    await more.close();
  });
});

describe('isolation', () => {
  test('a key of another ledger sees and makes no ledgers, and names none', async () => {
    expect((await http.call('GET', '/v1/ledgers', undefined, bearer(otherAdmin))).status).toBe(403);
    expect((await http.call('POST', '/v1/ledgers', { name: 'third' }, bearer(otherAdmin))).status).toBe(403);
    for (const name of ['default', 'nowhere']) {
      const answer = await http.call('GET', '/v1/keys', undefined, {
        ...bearer(otherAdmin),
        'varve-ledger': name,
      });
      expect([answer.status, answer.body.reason]).toEqual([403, 'other_ledger']);
    }
    expect(
      (await http.call('GET', '/v1/keys', undefined, { ...bearer(otherAdmin), ...inOther })).status,
    ).toBe(200);
  });

  test('an operator of default chooses no other ledger', async () => {
    const operator = await http.keyOf('operator');
    expect((await http.call('GET', '/v1/keys', undefined, { ...bearer(operator), ...inOther })).status).toBe(
      403,
    );
  });

  test('the same key, scope and model hold other values', async () => {
    const mine = await http.call('GET', '/v1/resolve/a.text?tier=1');
    const theirs = await http.call('GET', '/v1/resolve/a.text?tier=1', undefined, inOther);
    expect([mine.body.value, theirs.body.value]).toEqual(['mine-secret-value', 'theirs-secret-value']);
    expect(mine.headers['etag']).not.toBe(theirs.headers['etag']);
  });

  test('every route that reads tells nothing of the other ledger', async () => {
    const fill: Readonly<Record<string, string>> = { key: 'a.text', id: 'acme%2Fone', revision: '4' };
    const changesets = (await http.call('GET', '/v1/history?limit=1')).body.items;
    const { receipt } = (await http.call('GET', '/v1/resolve/a.text?asOf=4&receipt=true')).body;
    const routes = http.app.roleTable.filter(
      ({ method, url, access }) =>
        method === 'GET' &&
        access !== 'open' &&
        url !== '/v1/stream' &&
        url !== '/v1/ledgers' &&
        // What stands outside the ledger: test/end-to-end/ledger-isolation.integration.test.ts.
        !/^\/v1\/(webhooks|imports)\/:id/.test(url),
    );
    expect(routes.length).toBeGreaterThan(15);
    let told = 0;
    for (const { url } of routes) {
      const isReplay = /rebuilds|verifications/.test(url);
      const isChangeset = url.startsWith('/v1/changesets');
      const id = isReplay ? sampleReplayId : isChangeset ? changesets[0].changesetId : fill['id'];
      const isReceipt = url.startsWith('/v1/receipts');
      const names = isReceipt ? receipt : { ...fill, id };
      const filled = url.replace(/:(\w+)/g, (_, name: string) => names[name] ?? '');
      const path = `${filled}${neededQueries[url] ?? ''}`;
      const mine = await http.call('GET', path);
      const theirs = await http.call('GET', path, undefined, bearer(otherAdmin));
      expect([url, mine.status, mine.text.includes('theirs-secret')]).toEqual([url, 200, false]);
      // A changeset or a receipt of mine is none of theirs, and replays are about all ledgers.
      const theirStatus = isReplay ? 403 : isChangeset ? 404 : isReceipt ? 409 : 200;
      expect([url, theirs.status]).toEqual([url, theirStatus]);
      expect([url, theirs.text.includes('mine-secret')]).toEqual([url, false]);
      if (mine.text.includes('mine-secret')) told += 1;
    }
    expect(told).toBeGreaterThan(8);
    const posted = await http.call('POST', '/v1/resolve', { contexts: [{ tier: '1' }] }, bearer(otherAdmin));
    expect([
      posted.status,
      posted.text.includes('theirs-secret'),
      posted.text.includes('mine-secret'),
    ]).toEqual([200, true, false]);
  });

  test('a write goes to the one ledger and leaves the other where it was', async () => {
    const mine = http.ledger().state.revision;
    const theirs = http.ledger('other').state.revision;
    const change = { type: 'setOverride', key: 'a.text', scope: 'tier:2', value: 'x' };
    await http.call('POST', '/v1/changesets', { reason: 'r', changes: [change] }, bearer(otherAdmin));
    expect([http.ledger().state.revision, http.ledger('other').state.revision]).toEqual([mine, theirs + 1]);
  });

  test('one idempotency key means another thing in each ledger', async () => {
    const change = { type: 'setOverride', key: 'a.text', scope: 'tier:3', value: 'x' };
    const body = { reason: 'r', changes: [change] };
    const mine = await http.call('POST', '/v1/changesets', body, { 'idempotency-key': 'same' });
    const theirs = await http.call('POST', '/v1/changesets', body, { 'idempotency-key': 'same', ...inOther });
    expect([mine.status, theirs.status, theirs.headers['idempotent-replayed']]).toEqual([
      201,
      201,
      undefined,
    ]);
    expect(theirs.body.changesetId).not.toBe(mine.body.changesetId);
  });
});
