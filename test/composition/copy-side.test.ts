/** What a person may call a log that is copied. */
import { expect, test } from 'vitest';
import { sideUrl } from '../../src/composition/copy-side.ts';
import { readServerSettings } from '../../src/settings.ts';

const nothing = readServerSettings({});
const both = readServerSettings({
  DATABASE_URL: 'postgres://db/varve',
  EVENTSTORE_URL: 'kurrentdb://node:2113',
});

test.each([
  ['postgres', both, 'postgres://db/varve'],
  ['postgres', nothing, undefined],
  ['eventstore', both, 'kurrentdb://node:2113'],
  ['postgresql://other/varve', both, 'postgresql://other/varve'],
  ['esdb+discover://cluster', nothing, 'esdb+discover://cluster'],
])('%s is a side', (word, settings, url) => {
  expect(sideUrl(word, settings)).toBe(url);
});

test.each([
  ['eventstore', 'EVENTSTORE_URL names no server'],
  ['redis', 'redis is none of: postgres, eventstore, or a URL of either'],
  ['redis://cache', 'redis://cache is none of: postgres, eventstore, or a URL of either'],
])('%s is none', (word, message) => {
  expect(() => sideUrl(word, nothing)).toThrow(
    expect.objectContaining({ code: 'invalid', message }) as Error,
  );
});
