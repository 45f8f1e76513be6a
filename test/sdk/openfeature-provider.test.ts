/**
 * The provider in the official server SDK, on a client before a real server: values of every type, contexts as OpenFeature merges
 * them, error codes, what it stands and who is told. OpenFeature's own suite: openfeature-gherkin.test.ts.
 */
import { join } from 'node:path';
import {
  type EventDetails,
  type JsonArray,
  OpenFeature,
  AsyncLocalStorageTransactionContextPropagator as PerTransaction,
  ProviderEvents,
} from '@openfeature/server-sdk';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { formatInstant } from '../../src/domain/instant.ts';
import { VarveProvider, type VarveProviderOptions } from '../../src/sdk/openfeature-provider.ts';
import type { Varve, VarveOptions } from '../../src/sdk/varve.ts';
import { type SdkStand, startSdkStand, until } from '../support/sdk-stand.ts';

const domain = 'varve-provider';
const client = OpenFeature.getClient(domain);
let stand: SdkStand;
let varve: Varve;
let stops: AbortController;

beforeEach(async () => {
  stops = new AbortController();
  stand = await startSdkStand();
  await stand.http.change(
    { type: 'addModel', model: { id: 'acme/one', name: 'One', contextWindow: 1 } },
    { type: 'defineKey', key: 'a.model', valueType: 'model', fallback: 'acme/one' },
    { type: 'defineKey', key: 'a.flag', valueType: 'boolean', fallback: false },
    { type: 'defineKey', key: 'a.number', valueType: 'number', fallback: 0.5 },
    { type: 'defineKey', key: 'a.integer', valueType: 'integer', fallback: 3 },
    { type: 'defineKey', key: 'a.text', valueType: 'string', fallback: '' },
    { type: 'defineKey', key: 'a.secret', valueType: 'secret', fallback: 'vault:none' },
    { type: 'defineKey', key: 'a.object', valueType: 'object', fallback: { list: [1, { x: 'two' }] } },
    { type: 'defineKey', key: 'my_flag', valueType: 'boolean', fallback: true },
    set('a.number', 'global', 1.5),
    set('a.text', 'tier:3', 'of the tier'),
    set('a.text', 'tenant:acme', 'of the tenant'),
    set('a.text', 'user:u-1', 'of the user'),
    {
      type: 'setOverride',
      key: 'a.integer',
      scope: 'tenant:acme',
      allocation: { unit: 'user', share: 10_000, arms: [{ name: 'more', value: 5, weight: 1 }] },
    },
  );
});
afterEach(async () => {
  stops.abort();
  await OpenFeature.clearProviders();
  OpenFeature.setContext({});
  client.setContext({});
  await stand.close();
});

function set(key: string, scope: string, value: unknown, more: object = {}) {
  return { type: 'setOverride', key, scope, value, ...more };
}

/** What was told since, each event once. */
async function start(options: VarveProviderOptions = {}, own: Partial<VarveOptions> = {}) {
  varve = stand.client(own);
  const told: [string, EventDetails | undefined][] = [];
  for (const event of Object.values(ProviderEvents)) {
    client.addHandler(event, (details) => void told.push([event, details]), { signal: stops.signal });
  }
  told.length = 0;
  await OpenFeature.setProviderAndWait(domain, new VarveProvider(varve, options));
  return told;
}

describe('values', () => {
  test('of every type, with reason, variant and metadata', async () => {
    await start();
    const { revision } = (await stand.http.call('GET', '/v1/resolve/a.number')).body;
    expect(await client.getNumberDetails('a.number', 0)).toEqual({
      flagKey: 'a.number',
      value: 1.5,
      reason: 'STATIC',
      variant: 'global',
      flagMetadata: { revision, scope: 'global' },
    });
    const context = { targetingKey: 'u-2', tenant: 'acme' };
    expect(await client.getNumberDetails('a.integer', 0, context)).toMatchObject({
      value: 5,
      reason: 'SPLIT',
      variant: 'more',
      flagMetadata: { scope: 'tenant:acme' },
    });
    expect(await client.getStringDetails('a.text', 'x', { targetingKey: 'u-1' })).toMatchObject({
      value: 'of the user',
      reason: 'TARGETING_MATCH',
      variant: 'user',
    });
    expect(await client.getStringDetails('a.text', 'x')).toMatchObject({
      value: '',
      reason: 'DEFAULT',
      variant: 'fallback',
    });
    expect(await client.getStringDetails('a.model', 'x')).toMatchObject({
      value: 'acme/one',
      flagMetadata: { modelStatus: 'active' },
    });
    expect(await client.getStringValue('a.secret', 'x')).toBe('vault:none');
    expect(await client.getBooleanValue('a.flag', true)).toBe(false);
    expect(await client.getObjectValue('a.object', {})).toEqual({ list: [1, { x: 'two' }] });
  });

  test('are those of OFREP, word for word', async () => {
    const until = formatInstant(stand.http.now() + 3_600_000);
    await stand.http.change(set('a.flag', 'tier:3', true, { effectiveUntil: until }));
    await start();
    const context = { targetingKey: 'u-1', tenant: 'acme', tier: 3 };
    const { flags } = (await stand.http.call('POST', '/ofrep/v1/evaluate/flags', { context })).body;
    const asked = {
      boolean: (key: string) => client.getBooleanDetails(key, true, context),
      string: (key: string) => client.getStringDetails(key, '', context),
      number: (key: string) => client.getNumberDetails(key, 0, context),
      object: (key: string) => client.getObjectDetails(key, {}, context),
    };
    for (const { key, value, reason, variant, metadata } of flags) {
      const details = await asked[typeof value as keyof typeof asked](key);
      expect(details).toEqual({ flagKey: key, value, reason, variant, flagMetadata: metadata });
    }
    expect(flags).toHaveLength(8);
  });

  test('an object is a copy: whoever writes to it changes nothing for others', async () => {
    await start();
    (await client.getObjectValue<{ list: JsonArray }>('a.object', { list: [] })).list.push('mine');
    expect(await client.getObjectValue('a.object', {})).toEqual({ list: [1, { x: 'two' }] });
  });

  test('a flag may be named otherwise than its key', async () => {
    const told = await start({
      keyOf: (flag) => flag.replaceAll('-', '_'),
      flagOf: (key) => key.replaceAll('_', '-'),
    });
    expect(await client.getBooleanDetails('my-flag', false)).toMatchObject({
      value: true,
      flagKey: 'my-flag',
    });
    await stand.http.change(set('my_flag', 'global', false));
    await until(() => told.some(([event]) => event === ProviderEvents.ConfigurationChanged));
    expect(told.at(-1)?.[1]?.flagsChanged).toEqual(['my-flag']);
  });
});

describe('who is asking', () => {
  test('is what OpenFeature merges: API, transaction, client, call', async () => {
    await start();
    OpenFeature.setTransactionContextPropagator(new PerTransaction());
    const ask = (context?: object) => client.getStringValue('a.text', 'x', { ...context });
    OpenFeature.setContext({ tier: 3 });
    expect(await ask()).toBe('of the tier');
    client.setContext({ tenant: 'acme' });
    expect(await ask()).toBe('of the tenant');
    const inTransaction = new Promise((resolve) =>
      OpenFeature.setTransactionContext({ targetingKey: 'u-1' }, () => resolve(ask())),
    );
    expect(await inTransaction).toBe('of the user');
    expect(await ask({ tenant: null })).toBe('of the tier');
    expect(await ask({ tenant: 'other', tier: '4', email: 'not looked at' })).toBe('');
  });

  test('cannot be what no user, tenant or tier can be', async () => {
    await start();
    const contexts = [
      { targetingKey: 'x'.repeat(201) },
      { targetingKey: '' },
      { tenant: 'a\nb' },
      { tier: { id: 3 } },
      { tier: 1.5 },
    ];
    for (const context of contexts) {
      expect(await client.getStringDetails('a.text', 'mine', context)).toMatchObject({
        value: 'mine',
        reason: 'ERROR',
        errorCode: 'INVALID_CONTEXT',
        errorMessage: expect.stringMatching(new RegExp(`^${Object.keys(context)[0]}: `)),
      });
    }
  });

  test('is invalid where the client does not hold its scope', async () => {
    await start({}, { scopes: ['global', 'tenant:acme'] });
    expect(await client.getStringValue('a.text', 'x', { tenant: 'acme' })).toBe('of the tenant');
    expect((await client.getStringDetails('a.text', 'x', { tenant: 'other' })).errorCode).toBe(
      'INVALID_CONTEXT',
    );
  });
});

describe('errors', () => {
  test('of keys that are not there, and of types', async () => {
    await start();
    const cases = [
      ['no.such_key', 'FLAG_NOT_FOUND', 'no.such_key is not defined'],
      ['my-flag', 'FLAG_NOT_FOUND', 'did you mean my_flag'],
      ['', 'FLAG_NOT_FOUND', 'a key is'],
      ['a.text', 'TYPE_MISMATCH', 'another type'],
      ['a.object', 'TYPE_MISMATCH', 'another type'],
    ] as const;
    for (const [key, errorCode, message] of cases) {
      expect(await client.getBooleanDetails(key, true)).toMatchObject({
        value: true,
        reason: 'ERROR',
        errorCode,
        errorMessage: expect.stringContaining(message),
      });
    }
    const others = [
      await client.getObjectDetails('a.flag', {}),
      await client.getNumberDetails('a.text', 1),
      await client.getStringDetails('a.number', ''),
    ];
    expect(others.map(({ errorCode }) => errorCode)).toEqual(Array(3).fill('TYPE_MISMATCH'));
  });

  test.each<[string, Partial<VarveOptions>]>([
    ['a key that opens nothing', { apiKey: 'nobody' }],
    ['a ledger that is not there', { ledger: 'nowhere' }],
  ])('%s is fatal', async (_name, own) => {
    await expect(start({}, own)).rejects.toMatchObject({ code: 'PROVIDER_FATAL' });
    expect(client.providerStatus).toBe('FATAL');
    expect((await client.getBooleanDetails('a.flag', true)).errorCode).toBe('PROVIDER_FATAL');
  });
});

describe('what it stands', () => {
  test('a changed configuration is told with the flags, once a changeset', async () => {
    const told = await start();
    await until(() => varve.status().transport === 'stream');
    await stand.http.change(set('a.flag', 'global', true), set('a.text', 'global', 'x'));
    await varve.reached(stand.http.ledger().state.revision);
    expect(told.map(([event]) => event)).toEqual(['PROVIDER_READY', 'PROVIDER_CONFIGURATION_CHANGED']);
    expect(told[1]?.[1]).toMatchObject({
      flagsChanged: expect.arrayContaining(['a.flag', 'a.text']),
      metadata: { revision: stand.http.ledger().state.revision },
    });
    expect(told[1]?.[1]?.flagsChanged).toHaveLength(2);
  });

  test('without news it is stale, and so is what it answers; with news it is ready again', async () => {
    const told = await start({}, { staleAfterMs: 300, transport: 'polling', pollMs: 10 });
    await stand.stop();
    await until(() => client.providerStatus === 'STALE');
    expect(await client.getNumberDetails('a.number', 0)).toMatchObject({ value: 1.5, reason: 'STALE' });
    await stand.start();
    await until(() => client.providerStatus === 'READY');
    expect(await client.getNumberDetails('a.number', 0)).toMatchObject({ value: 1.5, reason: 'STATIC' });
    expect(told.map(([event]) => event)).toEqual(['PROVIDER_READY', 'PROVIDER_STALE', 'PROVIDER_READY']);
  });

  test('without a server but with values from its file it is stale from the start', async () => {
    const cacheFile = join(await stand.folder(), 'values');
    const before = stand.client({ cacheFile });
    await before.ready();
    await before.close();
    await stand.stop();
    await start({}, { cacheFile, staleAfterMs: 1 });
    await until(() => client.providerStatus === 'STALE');
    expect(await client.getNumberDetails('a.number', 0)).toMatchObject({ value: 1.5, reason: 'STALE' });
  });

  test('without a server it is an error, and ready as soon as values are there', async () => {
    await stand.stop();
    await expect(start({ readyTimeoutMs: 50 })).rejects.toMatchObject({ code: 'GENERAL' });
    expect(client.providerStatus).toBe('ERROR');
    expect((await client.getNumberDetails('a.number', 7)).errorCode).toBe('PROVIDER_NOT_READY');
    await stand.start();
    await until(() => client.providerStatus === 'READY');
    expect(await client.getNumberValue('a.number', 7)).toBe(1.5);
  });

  test('a key that is revoked is an error; the last values go on being answered', async () => {
    const apiKey = await stand.http.keyOf('service', { name: 'gone' });
    await start({}, { apiKey });
    await until(() => varve.status().transport === 'stream');
    const { items } = (await stand.http.call('GET', '/v1/api-keys')).body;
    const { id } = items.find(({ name }: { name: string }) => name === 'gone');
    await stand.http.call('DELETE', `/v1/api-keys/${id}`, { reason: 'it has leaked' });
    await until(() => client.providerStatus === 'ERROR');
    expect(await client.getNumberValue('a.number', 7)).toBe(1.5);
  });

  test('OpenFeature closes the client with it, unless it is to stay open', async () => {
    await start();
    await OpenFeature.clearProviders();
    await until(() => varve.status().state === 'closed');
    const told = await start({ keepOpen: true });
    await OpenFeature.clearProviders();
    await stand.http.change(set('a.flag', 'global', true));
    await varve.reached(stand.http.ledger().state.revision);
    expect(varve.value('a.flag')).toBe(true);
    expect(told.map(([event]) => event)).toEqual(['PROVIDER_READY']);
  });
});
