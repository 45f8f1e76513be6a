/**
 * Options that are none are refused at once, each named with what is wrong about it; what is left out has its usual value.
 */
import { expect, test } from 'vitest';
import { checkOptions } from '../../src/sdk/check-options.ts';
import { runInContext } from '../../src/sdk/request-context.ts';

test.each<[string, object]>([
  ['url', { url: 'nonsense' }],
  ['url', { url: 'ftp://127.0.0.1' }],
  ['apiKey', { apiKey: 'with a space' }],
  ['ledger', { ledger: 'With Capitals' }],
  ['scopes.0', { scopes: ['everybody'] }],
  ['scopes.1', { scopes: ['global', 'user:a,b'] }],
  ['scopes.0', { scopes: ['user:\ud800'] }],
  ['scopes', { scopes: [] }],
  ['scopes', { scopes: Array.from({ length: 500 }, (_, index) => `user:${index}-${'x'.repeat(40)}`) }],
  ['staleAfterMs', { staleAfterMs: 0 }],
  ['pollMs', { pollMs: 1.5 }],
  ['transport', { transport: 'pigeon' }],
  ['contextProvider', { contextProvider: {} }],
  ['client', { client: '' }],
  ['', { cachefile: 'x' }],
])('the option %s, case %#', (path, options) => {
  const given = { url: 'http://127.0.0.1:4270', apiKey: 'key', ...options };
  expect(() => checkOptions(given)).toThrow(
    expect.objectContaining({
      code: 'invalid',
      reason: 'bad_options',
      details: [expect.objectContaining({ path })],
    }),
  );
});

test('what is left out', () => {
  const settings = checkOptions({ url: 'http://127.0.0.1:4270', apiKey: 'key' });
  expect(settings).toMatchObject({
    ledger: undefined,
    staleAfterMs: 60_000,
    pollMs: 5_000,
    transport: 'auto',
  });
  expect(settings.scopes.query).toBeUndefined();
  expect(runInContext({ user: 'u' }, settings.contextProvider)).toEqual({ user: 'u' });
});
