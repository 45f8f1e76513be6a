/** Making keys and the first admin, on the real ledger without a database: what stands after each way it can go. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { randomWord } from '../../src/clock-and-ids.ts';
import { createApiKeyMaker, ensureAdmin, type VerifierStore } from '../../src/composition/admin-keys.ts';
import { hashApiKey, parseApiKey } from '../../src/composition/api-keys.ts';
import { Failure } from '../../src/failure.ts';
import type { LiveLedger } from '../../src/ledger/live-ledger.ts';
import { type HttpAssembly, startHttp } from '../support/http-assembly.ts';

const meta = {
  actor: { id: 'a test', kind: 'system' },
  reason: 'a test',
  source: 'system',
  requestId: 'test',
} as const;
const operator = { name: 'ci', role: 'operator', trusted: false } as const;

let http: HttpAssembly;
beforeEach(async () => {
  http = await startHttp();
});
afterEach(() => http.close());

describe('making a key', () => {
  test('keeps its hash and appends an event without it', async () => {
    const store = createStore();
    const ledger = http.ledger();
    const { id, key, result } = await createApiKeyMaker(store, randomWord)(ledger, operator, meta);
    expect(parseApiKey(key)).toEqual({ role: 'operator', id });
    expect(store.hashes).toEqual(new Map([[id, hashApiKey(key)]]));
    expect(result.events).toMatchObject([
      { type: 'ApiKeyCreated', subject: `api-key:${id}`, data: { id, ...operator } },
    ]);
    expect(JSON.stringify(result)).not.toContain(key.slice(-40));
    expect(ledger.state.apiKey(id)).toMatchObject({ ...operator, revoked: false });
  });

  test('that the ledger refuses leaves no verifier', async () => {
    const store = createStore();
    const make = createApiKeyMaker(store, randomWord);
    await make(http.ledger(), operator, meta);
    await expect(make(http.ledger(), operator, meta)).rejects.toMatchObject({ reason: 'name_is_taken' });
    expect(store.hashes.size).toBe(1);
  });

  test('whose outcome is unknown keeps its verifier, because the event may stand', async () => {
    const store = createStore();
    const unknown = new Failure('unavailable', 'the connection was lost', { reason: 'outcome_unknown' });
    const ledger: LiveLedger = { ...http.ledger(), submit: () => Promise.reject(unknown) };
    await expect(createApiKeyMaker(store, randomWord)(ledger, operator, meta)).rejects.toBe(unknown);
    expect(store.hashes.size).toBe(1);
  });

  test('with an id that is taken touches neither the verifier nor the ledger', async () => {
    const store = createStore();
    const make = createApiKeyMaker(store, (length) => 'x'.repeat(length));
    const { id, key } = await make(http.ledger(), operator, meta);
    const { revision } = http.ledger().state;
    await expect(make(http.ledger(), { ...operator, name: 'another' }, meta)).rejects.toMatchObject({
      code: 'unavailable',
    });
    expect(store.hashes).toEqual(new Map([[id, hashApiKey(key)]]));
    expect(http.ledger().state.revision).toBe(revision);
  });
});

describe('the first admin', () => {
  const given = `varve_admin_given_${'g'.repeat(24)}`;

  test('is there already: nothing is made', async () => {
    const { revision } = http.ledger().state;
    const store = createStore();
    expect(await ensureAdmin(http.ledger(), undefined, store, randomWord)).toBeUndefined();
    expect(store.hashes.size).toBe(0);
    expect(http.ledger().state.revision).toBe(revision);
  });

  test('of the settings is taken beside another one, once', async () => {
    const store = createStore();
    expect(await ensureAdmin(http.ledger(), given, store, randomWord)).toBe(given);
    expect(http.ledger().state.apiKey('given')).toMatchObject({
      name: 'admin-given',
      role: 'admin',
      revoked: false,
    });
    expect(store.hashes).toEqual(new Map([['given', hashApiKey(given)]]));
    const { revision } = http.ledger().state;
    expect(await ensureAdmin(http.ledger(), given, store, randomWord)).toBeUndefined();
    expect(http.ledger().state.revision).toBe(revision);
  });

  test('of the settings stays revoked when it was revoked', async () => {
    const store = createStore();
    await ensureAdmin(http.ledger(), given, store, randomWord);
    expect((await http.call('DELETE', '/v1/api-keys/given')).status).toBe(201);
    expect(await ensureAdmin(http.ledger(), given, store, randomWord)).toBeUndefined();
    expect(http.ledger().state.apiKey('given')).toMatchObject({ revoked: true });
  });

  test('of another server that was faster makes this one forget its own', async () => {
    // The state of a server that has not heard of the other one's key yet.
    const ledger = http.ledger();
    const state = Object.create(ledger.state, { apiKeys: { value: () => [] } });
    const store = createStore();
    expect(await ensureAdmin({ ...ledger, state }, undefined, store, randomWord)).toBeUndefined();
    expect(store.hashes.size).toBe(0);
    expect([...ledger.state.apiKeys()]).toHaveLength(1);
  });
});

function createStore(): VerifierStore & { readonly hashes: Map<string, Buffer> } {
  const hashes = new Map<string, Buffer>();
  return {
    hashes,
    insert: async ({ id, hash }) => {
      if (hashes.has(id)) return false;
      hashes.set(id, hash);
      return true;
    },
    delete: async (id) => hashes.delete(id),
  };
}
