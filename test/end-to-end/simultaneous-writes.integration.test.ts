/** Many writers at once, through the API: one winner, one effect, all or nothing, and nobody harmed by a neighbour. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTestVarve, type TestVarve } from '../support/varve.ts';

let varve: TestVarve;
beforeAll(async () => {
  varve = await startTestVarve();
  await varve.change([{ type: 'defineKey', key: 'limits.tokens', valueType: 'integer', fallback: 0 }]);
});
afterAll(() => varve.stop());

const head = async (): Promise<number> => (await varve.call('GET', '/v1/status')).body.revision;
const set = (scope: string, value: unknown) => ({ type: 'setOverride', key: 'limits.tokens', scope, value });

test('of 200 simultaneous writes with one expectedRevision exactly one succeeds', async () => {
  const expectedRevision = await head();
  const answers = await Promise.all(
    Array.from({ length: 200 }, (_, n) =>
      varve.call('POST', '/v1/changesets', {
        reason: 'a race',
        changes: [set(`user:r${n}`, n)],
        expectedRevision,
      }),
    ),
  );
  const statuses = answers.map((answer) => answer.status);
  expect(statuses.filter((status) => status === 201)).toHaveLength(1);
  expect(statuses.filter((status) => status === 409)).toHaveLength(199);
  expect(await head()).toBe(expectedRevision + 1);
});

test('one idempotency key sent 50 times at once makes one changeset', async () => {
  const before = await head();
  const send = () =>
    varve.call(
      'POST',
      '/v1/changesets',
      { reason: 'once', changes: [set('user:once', 1)] },
      { 'idempotency-key': 'k-50' },
    );
  const answers = await Promise.all(Array.from({ length: 50 }, send));
  expect(new Set(answers.map((answer) => answer.status))).toEqual(new Set([201]));
  expect(new Set(answers.map((answer) => answer.body.changesetId)).size).toBe(1);
  expect(answers.filter((answer) => answer.headers.get('idempotent-replayed') === 'true')).toHaveLength(49);
  const later = await send();
  expect(later.body).toEqual(answers[0]?.body);
  expect(await head()).toBe(before + 1);
});

test('the same key with another body is a conflict', async () => {
  const answer = await varve.call(
    'POST',
    '/v1/changesets',
    { reason: 'once', changes: [set('user:once', 2)] },
    { 'idempotency-key': 'k-50' },
  );
  expect(answer).toMatchObject({ status: 409, body: { code: 'conflict', reason: 'idempotency_key_reused' } });
});

test('one bad change among 1,000 appends nothing and is named', async () => {
  const before = await head();
  const changes = Array.from({ length: 1_000 }, (_, n) => set(`user:b${n}`, n === 617 ? 'no number' : n));
  const answer = await varve.call('POST', '/v1/changesets', { reason: 'nearly', changes });
  expect(answer).toMatchObject({ status: 422, body: { code: 'refused', reason: 'wrong_type' } });
  expect(answer.body.errors[0].path).toBe('changes.617');
  expect(await head()).toBe(before);
});

test('of two addModel of one id at once one is refused, and the neighbours are not', async () => {
  const model = { id: 'acme/one', provider: 'acme', name: 'One', contextWindow: 1_000 };
  const send = (change: unknown) =>
    varve.call('POST', '/v1/changesets', { reason: 'together', changes: [change] });
  const answers = await Promise.all([
    send(set('user:n1', 1)),
    send({ type: 'addModel', model }),
    send(set('user:n2', 2)),
    send({ type: 'addModel', model }),
    send(set('user:n3', 3)),
  ]);
  expect(answers.map((answer) => answer.status).toSorted((a, b) => a - b)).toEqual([201, 201, 201, 201, 422]);
  expect(answers.find((answer) => answer.status === 422)?.body).toMatchObject({ reason: 'model_exists' });
});
