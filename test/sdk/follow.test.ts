/**
 * A client before a real server: it loads, follows whole changesets, writes, waits for revisions and tells its listeners.
 */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { runInContext } from '../../src/sdk/request-context.ts';
import { defineNumber, type SdkStand, set, startSdkStand, until } from '../support/sdk-stand.ts';

let stand: SdkStand;

beforeEach(async () => {
  stand = await startSdkStand();
  await stand.http.change(defineNumber);
});
afterEach(() => stand.close());

const head = () => stand.http.ledger().state.revision;

test('loads a snapshot, then follows changes', async () => {
  await stand.http.change(set(1), set(2, 'user:u'));
  const varve = stand.client();
  expect(varve.status()).toMatchObject({ state: 'starting', source: 'none', revision: 0 });
  await varve.ready();
  expect(varve.resolve('a.b', { user: 'u' })).toMatchObject({
    value: 2,
    scope: 'user:u',
    reason: 'TARGETING_MATCH',
    revision: head(),
    validUntil: null,
    source: 'server',
    stateRevision: head(),
    at: expect.closeTo(stand.http.now(), -4),
    isStale: false,
  });
  await until(() => varve.status().transport === 'stream');
  await stand.http.change(set(3));
  await varve.reached(head());
  expect(varve.value('a.b')).toBe(3);
  expect(varve.value('a.b', { user: 'u' })).toBe(2);
  expect(varve.keys()).toEqual(['a.b']);
});

test('an address may end in slashes', async () => {
  const varve = stand.client({ url: `${stand.url}//` });
  await varve.ready();
  expect(varve.value('a.b')).toBe(0);
});

test('a changeset is seen as a whole, and its listeners are told once', async () => {
  const varve = stand.client();
  await varve.ready();
  await until(() => varve.status().transport === 'stream');
  const seen: unknown[] = [];
  varve.onChange('a.*', ({ revision, keys }) =>
    seen.push([
      revision,
      keys,
      varve.value('a.b'),
      varve.value('a.b', { tier: '1' }),
      varve.value('a.b', { user: 'u' }),
    ]),
  );
  await stand.http.change(set(1), set(2, 'tier:1'), set(3, 'user:u'));
  await stand.http.change({ type: 'tagRevision', name: 'tagged' });
  await stand.http.change(set(4));
  await varve.reached(head());
  expect(seen).toEqual([
    [head() - 2, ['a.b'], 1, 2, 3],
    [head(), ['a.b'], 4, 2, 3],
  ]);
});

test('a write is here when it is acknowledged', async () => {
  const varve = stand.client();
  await varve.ready();
  const written = await varve.write({ reason: 'because', changes: [set(7)] });
  expect(written.revisions).toEqual({ first: head(), last: head() });
  expect(varve.value('a.b')).toBe(7);
  const again = await varve.write({ reason: 'because', changes: [set(7)] });
  expect([again.revisions, again.warnings.map(({ code }) => code)]).toEqual([undefined, ['no_change']]);
  await expect(varve.write({ reason: 'because', changes: [set('seven')] })).rejects.toMatchObject({
    code: 'refused',
  });
});

describe('who asks', () => {
  test('is the running request when the call does not say, and what the call says goes before', async () => {
    await stand.http.change(set(1, 'tenant:t'), set(2, 'user:u'));
    const varve = stand.client();
    await varve.ready();
    expect(
      runInContext({ tenant: 't' }, () => [varve.value('a.b'), varve.value('a.b', { user: 'u' })]),
    ).toEqual([1, 2]);
    expect(varve.value('a.b')).toBe(0);
  });
});

test('a value is what its schema says', async () => {
  const varve = stand.client();
  await varve.ready();
  expect(varve.value('a.b', {}, { schema: z.number().transform((value) => `${value}!`) })).toBe('0!');
  expect(() => varve.value('a.b', {}, { schema: z.string() })).toThrow('is not what its caller expects');
  expect(varve.resolve('a.b', {}, { schema: z.string(), fallback: 'x' })).toMatchObject({
    value: 'x',
    scope: 'caller',
    failure: { code: 'invalid', reason: 'wrong_value' },
  });
});

test('a receipt of an answer is taken by the server', async () => {
  await stand.http.change(set(1, 'tenant:t'));
  const varve = stand.client();
  await varve.ready();
  const { resolved, receipt } = runInContext({ user: 'u', tenant: 't' }, () => {
    const found = varve.resolve('a.b');
    return { resolved: found, receipt: varve.receipt(found) };
  });
  expect(receipt).toMatchObject({ ledger: 'default', revision: head() });
  stand.http.pass(1_000);
  const { revision, at, hash } = receipt;
  const shown = await stand.http.call(
    'GET',
    `/v1/receipts/${revision}/${at}/${hash}?key=a.b&user=u&tenant=t`,
  );
  expect([shown.status, shown.body.values['a.b'].value]).toEqual([200, resolved.value]);
});
