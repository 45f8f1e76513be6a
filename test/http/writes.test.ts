/**
 * Writing over HTTP: changesets and overrides, versions.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { changesetAnswerSchema, nothingChangedSchema } from '../../src/http/event-answer.ts';
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

const set = (value: unknown, scope = 'global') => ({ type: 'setOverride', key: 'a.number', scope, value });
const changesets = (body: object, headers: Record<string, string> = {}) =>
  http.call('POST', '/v1/changesets', { reason: 'because', ...body }, headers);
const head = () => http.ledger().state.revision;

describe('POST /v1/changesets', () => {
  test('answers the events with their fields before and after', async () => {
    const before = head();
    const answer = await changesets(
      { changes: [set(1), set(2, 'tier:3')] },
      { 'x-request-id': 'my request' },
    );
    expect(answer.status).toBe(201);
    expect(changesetAnswerSchema.parse(answer.body)).toEqual(answer.body);
    expect(answer.body).toMatchObject({
      revisions: { first: before + 1, last: before + 2 },
      warnings: [],
      events: [
        {
          revision: before + 1,
          type: 'OverrideSet',
          subject: 'override:a.number@global',
          version: 1,
          data: { key: 'a.number', scope: 'global', value: 1 },
          actor: { id: 'admin', kind: 'api_key' },
          reason: 'because',
          source: 'api',
          last: false,
          requestId: 'my request',
          changes: [{ field: 'value', before: null, after: 1 }],
        },
        { revision: before + 2, last: true },
      ],
    });
    expect(answer.headers).toMatchObject({
      'varve-revision': String(before + 2),
      'x-request-id': 'my request',
      'cache-control': 'no-store',
    });
    expect(answer.headers['idempotent-replayed']).toBeUndefined();
  });

  test('a change that changes nothing makes no event and a warning', async () => {
    await changesets({ changes: [set(1)] });
    const before = head();
    const answer = await changesets({ changes: [set(1)] });
    expect(answer.status).toBe(200);
    expect(nothingChangedSchema.parse(answer.body)).toMatchObject({
      changesetId: null,
      events: [],
      warnings: [{ code: 'no_change', path: 'changes.0' }],
    });
    expect(head()).toBe(before);
  });

  test('a dry run answers the events and appends nothing', async () => {
    const before = head();
    const answer = await changesets({ changes: [set(99)], dryRun: true });
    expect(answer.status).toBe(200);
    expect(Object.keys(answer.body)).toEqual([
      'events',
      'warnings',
      'blastRadius',
      'fingerprint',
      'maxBytes',
      'bytes',
    ]);
    expect(answer.body.events).toHaveLength(1);
    expect(answer.body.bytes).toBeLessThan(answer.body.maxBytes);
    expect(head()).toBe(before);
  });

  test('a refusal names the change and appends nothing of its neighbours', async () => {
    const before = head();
    const answer = await changesets({ changes: [set(5), set('five')] });
    expect([answer.status, answer.body.code, answer.body.reason]).toEqual([422, 'refused', 'wrong_type']);
    expect(answer.body.errors[0].path).toMatch(/^changes\.1/);
    expect(head()).toBe(before);
  });

  test('an expected revision that has passed is a conflict', async () => {
    const answer = await changesets({ changes: [set(6)], expectedRevision: head() - 1 });
    expect([answer.status, answer.body.code]).toEqual([409, 'conflict']);
    expect((await changesets({ changes: [set(6)], expectedRevision: head() })).status).toBe(201);
  });

  test('200 at once with one expected revision: exactly one succeeds', async () => {
    const expectedRevision = head();
    const answers = await Promise.all(
      Array.from({ length: 200 }, (_, n) =>
        changesets({ changes: [set(1000 + n, `user:u${n}`)], expectedRevision }),
      ),
    );
    const statuses = answers.map(({ status }) => status);
    expect(statuses.filter((status) => status === 201)).toHaveLength(1);
    expect(statuses.filter((status) => status === 409)).toHaveLength(199);
    expect(head()).toBe(expectedRevision + 1);
  });
});

describe('overrides', () => {
  const url = '/v1/overrides/a.number?scope=user:v';

  test('PUT sets, If-Match holds the version, DELETE clears', async () => {
    const made = await http.call('PUT', url, { value: 1, reason: 'r' }, { 'if-match': '"0"' });
    expect([made.status, made.body.events[0].version]).toEqual([201, 1]);
    const lost = await http.call('PUT', url, { value: 2, reason: 'r' }, { 'if-match': '"0"' });
    expect([lost.status, lost.body.code]).toEqual([409, 'conflict']);
    expect((await http.call('PUT', url, { value: 2, reason: 'r' }, { 'if-match': '"1"' })).status).toBe(201);
    const cleared = await http.call('DELETE', `${url}&reason=gone`);
    expect(cleared.body.events).toMatchObject([{ type: 'OverrideCleared', version: 3, reason: 'gone' }]);
    expect((await http.call('GET', '/v1/resolve/a.number?user=v')).body.scope).not.toBe('user:v');
  });

  test('the reason of a DELETE may stand in its body, and not in both', async () => {
    await http.call('PUT', url, { value: 7, reason: 'r' });
    expect((await http.call('DELETE', `${url}&reason=a`, { reason: 'b' })).body.errors[0].path).toBe(
      'reason',
    );
    expect((await http.call('DELETE', url, { reason: 'b' })).body.events[0].reason).toBe('b');
  });

  test('a refusal names the place in this request', async () => {
    const both = await http.call('PUT', url, {
      value: 1,
      allocation: { unit: 'user', share: 1, arms: [{ name: 'a', value: 1, weight: 1 }] },
      reason: 'r',
    });
    expect(both.status).toBe(400);
    expect(both.body.errors[0].path).not.toMatch(/^changes/);
  });

  test('are listed as they stand', async () => {
    await http.change(
      { ...set(70, 'tenant:listed') },
      {
        ...set(71, 'tenant:listed'),
        effectiveFrom: '2027-01-01T00:00:00Z',
        effectiveUntil: '2027-02-01T00:00:00Z',
      },
    );
    const { body } = await http.call('GET', '/v1/overrides?tenant=listed');
    expect(body).toEqual({
      items: [
        {
          key: 'a.number',
          scope: 'tenant:listed',
          state: 'in_force',
          kind: 'value',
          value: 70,
          effectiveFrom: '2026-03-01T12:00:00.000Z',
          effectiveUntil: null,
          revision: head() - 1,
          version: 2,
        },
        {
          key: 'a.number',
          scope: 'tenant:listed',
          state: 'scheduled',
          kind: 'value',
          value: 71,
          effectiveFrom: '2027-01-01T00:00:00.000Z',
          effectiveUntil: '2027-02-01T00:00:00.000Z',
          revision: head(),
          version: 2,
        },
      ],
      nextCursor: null,
    });
    expect((await http.call('GET', '/v1/overrides?tenant=listed&scope=global')).status).toBe(400);
  });
});
