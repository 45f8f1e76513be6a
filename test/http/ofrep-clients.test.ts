/**
 * The official OFREP clients against the server over real HTTP, unchanged: the server provider (0.1, the older protocol) in
 * @openfeature/server-sdk, the web provider (0.4, OFREP 0.3) in @openfeature/web-sdk. What Node lacks of a browser is
 * EventSource, which the package eventsource brings, and a place for its cache, which is turned off.
 */
import { OFREPProvider } from '@openfeature/ofrep-provider';
import { OFREPWebProvider } from '@openfeature/ofrep-web-provider';
import { OpenFeature } from '@openfeature/server-sdk';
import { ProviderEvents, OpenFeature as WebOpenFeature } from '@openfeature/web-sdk';
import { EventSource } from 'eventsource';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type HttpAssembly, startHttp } from '../support/http-assembly.ts';

let http: HttpAssembly;
let baseUrl: string;
let headers: [string, string][];

beforeEach(async () => {
  http = await startHttp({ heartbeatMs: 50 });
  await http.change(
    { type: 'addModel', model: { id: 'acme/one', name: 'One', contextWindow: 1 } },
    { type: 'defineKey', key: 'a.model', valueType: 'model', fallback: 'acme/one' },
    { type: 'defineKey', key: 'a.flag', valueType: 'boolean', fallback: false },
    { type: 'defineKey', key: 'a.number', valueType: 'number', fallback: 0.5 },
    { type: 'defineKey', key: 'a.integer', valueType: 'integer', fallback: 3 },
    { type: 'defineKey', key: 'a.text', valueType: 'string', fallback: '' },
    { type: 'defineKey', key: 'a.object', valueType: 'object', fallback: { list: [1, 'two'] } },
    { type: 'setOverride', key: 'a.flag', scope: 'tier:3', value: true },
    { type: 'setOverride', key: 'a.text', scope: 'user:u-1', value: 'for you' },
    { type: 'setOverride', key: 'a.number', scope: 'global', value: 1.5 },
    {
      type: 'setOverride',
      key: 'a.integer',
      scope: 'tenant:acme',
      allocation: { unit: 'user', share: 10_000, arms: [{ name: 'more', value: 5, weight: 1 }] },
    },
  );
  headers = [['Authorization', `Bearer ${await http.keyOf('service')}`]];
  baseUrl = await http.app.listen({ port: 0, host: '127.0.0.1' });
});
afterEach(() => http.close());

const everything = { targetingKey: 'u-1', tenant: 'acme', tier: 3, email: 'not looked at', beta: null };

describe('the server provider', () => {
  const client = OpenFeature.getClient('ofrep-server');
  beforeEach(() => OpenFeature.setProviderAndWait('ofrep-server', new OFREPProvider({ baseUrl, headers })));
  afterEach(() => OpenFeature.clearProviders());

  test('values of every type, with reason, variant and metadata', async () => {
    const { revision } = (await http.call('GET', '/v1/resolve/a.flag?tier=3')).body;
    expect(await client.getBooleanDetails('a.flag', false, everything)).toEqual({
      flagKey: 'a.flag',
      value: true,
      reason: 'TARGETING_MATCH',
      variant: 'tier',
      flagMetadata: { revision, scope: 'tier:3' },
    });
    expect(await client.getStringDetails('a.text', 'x', everything)).toMatchObject({
      value: 'for you',
      variant: 'user',
    });
    expect(await client.getStringDetails('a.text', 'x')).toMatchObject({ value: '', reason: 'DEFAULT' });
    expect(await client.getStringDetails('a.model', 'x')).toMatchObject({
      value: 'acme/one',
      flagMetadata: { modelStatus: 'active' },
    });
    expect(await client.getNumberDetails('a.number', 0)).toMatchObject({
      value: 1.5,
      reason: 'STATIC',
      variant: 'global',
    });
    expect(await client.getNumberDetails('a.integer', 0, everything)).toMatchObject({
      value: 5,
      reason: 'SPLIT',
      variant: 'more',
    });
    expect(await client.getObjectValue('a.object', {})).toEqual({ list: [1, 'two'] });
  });

  test('its error codes', async () => {
    const errorOf = async (key: string, context: object = {}) =>
      (await client.getBooleanDetails(key, false, { ...context })).errorCode;
    expect(await errorOf('no.such_key')).toBe('FLAG_NOT_FOUND');
    expect(await errorOf('my-flag')).toBe('FLAG_NOT_FOUND');
    expect(await errorOf('a.text')).toBe('TYPE_MISMATCH');
    expect(await errorOf('a.flag', { tier: { id: 3 } })).toBe('INVALID_CONTEXT');
    expect(await errorOf('a.flag', { targetingKey: 'x'.repeat(201) })).toBe('INVALID_CONTEXT');
    await OpenFeature.setProviderAndWait('ofrep-server', new OFREPProvider({ baseUrl }));
    expect(await errorOf('a.flag')).toBe('GENERAL');
  });
});

describe('the web provider', () => {
  const client = WebOpenFeature.getClient('ofrep-web');
  let changes: (readonly string[] | undefined)[];
  let stops: AbortController;
  const before = Reflect.get(globalThis, 'EventSource');
  beforeAll(() => Object.assign(globalThis, { EventSource }));
  afterAll(() => Object.assign(globalThis, { EventSource: before }));

  beforeEach(() => {
    changes = [];
    stops = new AbortController();
  });
  afterEach(async () => {
    stops.abort();
    await WebOpenFeature.clearProviders();
    await WebOpenFeature.clearContexts();
  });

  async function start(context: object, options: object = {}): Promise<void> {
    await WebOpenFeature.setContext('ofrep-web', { ...context });
    const provider = new OFREPWebProvider({ baseUrl, headers, cacheMode: 'disabled', ...options });
    // @ts-expect-error: written without exactOptionalPropertyTypes, it says that its hooks may be undefined
    await WebOpenFeature.setProviderAndWait('ofrep-web', provider);
    const note = (details?: { flagsChanged?: string[] }) => changes.push(details?.flagsChanged);
    client.addHandler(ProviderEvents.ConfigurationChanged, note, { signal: stops.signal });
  }

  const bulkAnswers = (status: number) =>
    http.counted.requests.get(`POST /ofrep/v1/evaluate/flags ${status}`) ?? 0;

  async function until(isSo: () => boolean): Promise<void> {
    while (!isSo()) await new Promise((go) => setTimeout(go, 10));
  }

  test('values of every type, with reason, variant and metadata; another context, other values', async () => {
    await start(everything);
    expect(client.getBooleanDetails('a.flag', false)).toMatchObject({
      value: true,
      reason: 'TARGETING_MATCH',
      variant: 'tier',
      flagMetadata: { scope: 'tier:3' },
    });
    expect(client.getStringValue('a.text', 'x')).toBe('for you');
    expect(client.getStringValue('a.model', 'x')).toBe('acme/one');
    expect(client.getNumberValue('a.number', 0)).toBe(1.5);
    expect(client.getNumberDetails('a.integer', 0)).toMatchObject({
      value: 5,
      reason: 'SPLIT',
      variant: 'more',
    });
    expect(client.getObjectValue('a.object', {})).toEqual({ list: [1, 'two'] });
    expect(client.getBooleanDetails('no.such_key', true)).toMatchObject({
      value: true,
      errorCode: 'FLAG_NOT_FOUND',
    });
    expect(client.getBooleanDetails('a.text', true).errorCode).toBe('TYPE_MISMATCH');
    await WebOpenFeature.setContext('ofrep-web', { targetingKey: 'u-2' });
    expect(client.getStringValue('a.text', 'x')).toBe('');
    expect(client.getBooleanValue('a.flag', true)).toBe(false);
  });

  test('follows by event stream: a change is there, what changed for others is no change', async () => {
    await start({ targetingKey: 'u-1' });
    // The first notice of the connection: nothing has changed.
    await until(() => bulkAnswers(304) === 1);
    await http.change({ type: 'setOverride', key: 'a.text', scope: 'user:u-2', value: 'for somebody else' });
    await http.change({ type: 'setOverride', key: 'a.text', scope: 'user:u-1', value: 'something new' });
    await until(() => changes.length > 0);
    expect(client.getStringValue('a.text', 'x')).toBe('something new');
    expect(changes).toEqual([['a.text']]);
    expect([bulkAnswers(200), bulkAnswers(304)]).toEqual([2, 1]);
  });

  test('a connection that was cut comes again, and what it missed is there', async () => {
    await start({ targetingKey: 'u-1' });
    await until(() => bulkAnswers(304) === 1);
    http.app.server.closeAllConnections();
    await http.change({ type: 'setOverride', key: 'a.flag', scope: 'user:u-1', value: true });
    await until(() => changes.length > 0);
    expect(client.getBooleanValue('a.flag', false)).toBe(true);
    expect(changes).toEqual([['a.flag']]);
  });

  test('whose address has come of age gets a newer one, and follows on', async () => {
    await start({ targetingKey: 'u-1' });
    await until(() => bulkAnswers(304) === 1);
    http.pass(12 * 3_600_000);
    // It asks once more, has the same flags with another address, and is told there to ask.
    await until(() => bulkAnswers(200) === 2 && bulkAnswers(304) === 2);
    await http.change({ type: 'setOverride', key: 'a.flag', scope: 'user:u-1', value: true });
    await until(() => client.getBooleanValue('a.flag', false));
    expect(changes).toEqual([[], ['a.flag']]);
  });

  test('follows by polling, with the entity tag', async () => {
    await start({ targetingKey: 'u-1' }, { changeDetection: 'polling', pollInterval: 20 });
    await until(() => bulkAnswers(304) >= 2);
    expect(bulkAnswers(200)).toBe(1);
    await http.change({ type: 'setOverride', key: 'a.flag', scope: 'user:u-1', value: true });
    await until(() => changes.length > 0);
    expect(client.getBooleanValue('a.flag', false)).toBe(true);
  });

  test('a key that opens nothing is fatal, a context that is none an error', async () => {
    const wrong = { headers: [['Authorization', 'Bearer nobody']] };
    await expect(start({ targetingKey: 'u-1' }, wrong)).rejects.toThrow('Initialization failed');
    expect(client.providerStatus).toBe('FATAL');
    await expect(start({ targetingKey: 'u-1', tenant: { id: 'acme' } })).rejects.toThrow('status: 400');
    expect(client.providerStatus).toBe('ERROR');
  });
});
