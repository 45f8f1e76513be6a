/**
 * What a client resolves by itself has the receipt that the server gives for the same answer, and the server takes it.
 */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { LiveState } from '../../src/domain/live-state.ts';
import { resolve } from '../../src/domain/resolve.ts';
import { putSnapshotLine } from '../../src/domain/snapshot.ts';
import { receiptOf } from '../../src/sdk/receipt.ts';
import type { Resolved } from '../../src/sdk/varve.ts';
import { type HttpAssembly, startHttp } from '../support/http-assembly.ts';

let http: HttpAssembly;
beforeEach(async () => {
  http = await startHttp();
  const arms = [1, 2].map((n) => ({ name: `arm-${n}`, value: `acme/${n}`, weight: 1 }));
  await http.change(
    ...[1, 2, 3].map((n) => ({
      type: 'addModel',
      model: { id: `acme/${n}`, name: `Model ${n}`, contextWindow: 1 },
    })),
    { type: 'defineKey', key: 'a.model', valueType: 'model', fallback: 'acme/1' },
    { type: 'defineKey', key: 'a.object', valueType: 'object', fallback: { z: 1, a: ['ü', 2.5] } },
    {
      type: 'setOverride',
      key: 'a.model',
      scope: 'tier:1',
      allocation: { unit: 'user', share: 10_000, arms },
    },
    { type: 'deprecateModel', id: 'acme/1', successor: 'acme/3', sunsetAt: '2026-03-01T12:00:01Z' },
    { type: 'deprecateModel', id: 'acme/2', successor: 'acme/3', sunsetAt: '2099-01-01T00:00:00Z' },
  );
});
afterEach(() => http.close());

/** As a client has it that took a snapshot. */
async function resolveHere(key: string, context: object): Promise<Resolved> {
  const state = new LiveState();
  const { text } = await http.call('GET', '/v1/snapshot');
  for (const line of text.trimEnd().split('\n')) putSnapshotLine(state, JSON.parse(line));
  const resolution = resolve(state, key, context, http.now());
  if (resolution === undefined) throw new Error(`${key} is not defined`);
  return {
    ...resolution,
    validUntil: null,
    source: 'server',
    stateRevision: state.revision,
    at: http.now(),
    ageMs: 17,
    isStale: false,
  };
}

test('of values, models, arms and retired models that were stepped over', async () => {
  http.pass(2_000);
  const seen = new Set<string | undefined>();
  for (const [key, context] of [
    ['a.object', {}],
    ['a.model', {}],
    ...['u', 'v', 'w', 'x', 'y', 'z'].map((user) => ['a.model', { user, tier: '1' }] as const),
  ] as const) {
    const query = new URLSearchParams({ ...context }).toString();
    const { receipt } = (await http.call('GET', `/v1/resolve/${key}?receipt=true&${query}`)).body;
    const resolved = await resolveHere(key, context);
    expect(receiptOf('default', resolved, context)).toEqual(receipt);
    const { revision, at, hash } = receiptOf('default', resolved, context);
    const shown = await http.call('GET', `/v1/receipts/${revision}/${at}/${hash}?key=${key}&${query}`);
    expect([shown.status, shown.body.values?.[key]?.value]).toEqual([200, resolved.value]);
    seen.add(resolved.arm).add(resolved.model?.followed?.[0]);
  }
  expect([...seen].filter((one) => one !== undefined).toSorted()).toEqual(['acme/1', 'arm-1', 'arm-2']);
});

test("the caller's own fallback has none", () => {
  const resolved: Resolved = {
    key: 'a.model',
    value: 'mine',
    scope: 'caller',
    reason: 'ERROR',
    revision: 0,
    validUntil: null,
    source: 'caller',
    stateRevision: 0,
    at: 0,
    ageMs: 0,
    isStale: true,
  };
  expect(() => receiptOf('default', resolved, {})).toThrow(
    expect.objectContaining({ code: 'invalid', reason: 'no_receipt' }),
  );
});

test.each(['a\nb', '\ud800', 'x'.repeat(201)])(
  'there is none for an id that no scope has: %j',
  async (user) => {
    const resolved = await resolveHere('a.object', {});
    expect(() => receiptOf('default', resolved, { user })).toThrow(
      expect.objectContaining({ code: 'invalid', reason: 'bad_context' }),
    );
  },
);
