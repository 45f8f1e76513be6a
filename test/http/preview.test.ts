/**
 * Previews over HTTP: the dry run of a changeset tells its blast radius and its fingerprint, with which it is applied.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { previewSchema } from '../../src/http/preview-answer.ts';
import { type HttpAssembly, startHttp } from '../support/http-assembly.ts';

let http: HttpAssembly;
const key = 'a.number';

beforeAll(async () => {
  http = await startHttp();
  await http.change(
    { type: 'defineKey', key, valueType: 'integer', fallback: 0 },
    { type: 'setOverride', key, scope: 'tenant:acme', value: 1 },
    { type: 'setOverride', key, scope: 'user:own', value: 2 },
  );
});
afterAll(() => http.close());

const set = (value: number, more: object = {}) => ({
  type: 'setOverride',
  key,
  scope: 'tenant:acme',
  value,
  ...more,
});
const send = (changes: readonly object[], body: object = {}, headers: Record<string, string> = {}) =>
  http.call('POST', '/v1/changesets', { reason: 'because', changes, ...body }, headers);
const preview = async (...changes: readonly object[]) => (await send(changes, { dryRun: true })).body;
const head = () => http.ledger().state.revision;
const now = '2026-03-01T12:00:00.000Z';
const later = '2026-04-01T00:00:00.000Z';

describe('a dry run', () => {
  test('tells what resolves differently, now and when', async () => {
    const before = head();
    const answer = await send([set(5, { effectiveUntil: later })], { dryRun: true });
    expect(answer.status).toBe(200);
    expect(previewSchema.parse(answer.body)).toEqual(answer.body);
    expect(answer.body).toMatchObject({
      events: [{ type: 'OverrideSet', revision: before + 1 }],
      warnings: [],
      fingerprint: expect.stringMatching(/^[0-9a-f]{64}$/),
    });
    expect(answer.body.blastRadius).toEqual({
      moments: [now, later],
      momentsLeftOut: 0,
      layers: [
        {
          key,
          scope: 'tenant:acme',
          at: now,
          before: 1,
          after: 5,
          shieldedBy: { user: 1, tenant: 0, tier: 0 },
        },
      ],
      layersLeftOut: 0,
      contexts: {
        known: 2,
        checked: 2,
        changed: 1,
        sample: [{ context: { tenant: 'acme' }, key, before: 1, after: 5, from: now }],
      },
    });
    expect(answer.headers['varve-revision']).toBe(String(before));
    expect(head()).toBe(before);
  });

  test('of no change answers that nothing changes', async () => {
    const { events, warnings, blastRadius } = await preview(set(1));
    expect({ events, warnings }).toMatchObject({ events: [], warnings: [{ code: 'no_change' }] });
    expect(blastRadius).toMatchObject({ moments: [now], layers: [], contexts: { changed: 0, sample: [] } });
  });

  test('that is refused is refused, and one on another revision a conflict', async () => {
    const refused = await send([set(1), { ...set(1), value: 'one' }], { dryRun: true });
    expect([refused.status, refused.body.reason]).toEqual([422, 'wrong_type']);
    const moved = await send([set(9)], { dryRun: true, expectedRevision: head() - 1 });
    expect([moved.status, moved.body.reason]).toEqual([409, 'revision_moved']);
  });

  test('with an idempotency key is forgotten', async () => {
    const headers = { 'idempotency-key': 'a dry run' };
    expect((await send([set(50)], { dryRun: true }, headers)).status).toBe(200);
    expect((await send([set(51)], { dryRun: true }, headers)).status).toBe(200);
  });
});

describe('a fingerprint', () => {
  test('applies what was previewed, behind writes that do not matter', async () => {
    const { fingerprint, events } = await preview(set(10));
    await http.change({ type: 'setOverride', key, scope: 'user:somebody', value: 3 });
    const applied = await send([set(10)], { fingerprint });
    expect(applied.status).toBe(201);
    expect(applied.body.events[0]).toMatchObject({
      type: events[0].type,
      data: events[0].data,
      revision: head(),
    });
    expect((await http.call('GET', `/v1/resolve/${key}?tenant=acme`)).body.value).toBe(10);
  });

  test('refuses what does not hold any more, and appends nothing', async () => {
    const { fingerprint } = await preview(set(20));
    await http.change(set(21));
    const before = head();
    const refused = await send([set(20)], { fingerprint });
    expect([refused.status, refused.body.code, refused.body.reason]).toEqual([
      409,
      'conflict',
      'preview_outdated',
    ]);
    expect(refused.body.errors.map(({ path }: { path: string }) => path)).toEqual(['fingerprint']);
    expect(head()).toBe(before);
    const again = await preview(set(20));
    expect((await send([set(20)], { fingerprint: again.fingerprint })).status).toBe(201);
  });

  test.each([[''], ['x'.repeat(201)], ['a\nb'], [7], [null]])(
    'is 1 to 200 printable characters: %j',
    async (text) => {
      const answer = await send([set(30)], { fingerprint: text });
      expect([answer.status, answer.body.errors[0].path]).toEqual([400, 'fingerprint']);
    },
  );
});
