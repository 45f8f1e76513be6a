/**
 * Who listens to a client is told of every changeset once, after it is in; what one listener does harms no other. A
 * status is told when it changes, also when it is time alone that changes it.
 */
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Failure } from '../../src/failure.ts';
import { defineNumber, type SdkStand, set, startSdkStand, until } from '../support/sdk-stand.ts';

let stand: SdkStand;
beforeEach(async () => {
  stand = await startSdkStand();
  await stand.http.change(
    defineNumber,
    { type: 'addModel', model: { id: 'openai/old', name: 'old', contextWindow: 1 } },
    { type: 'defineKey', key: 'a.model', valueType: 'model', fallback: 'openai/a', allowUnlisted: true },
    { type: 'defineKey', key: 'b.c', valueType: 'string', fallback: 'x' },
  );
});
afterEach(() => stand.close());

const head = () => stand.http.ledger().state.revision;

test('those whose key is touched, once a changeset', async () => {
  const varve = stand.client();
  const told: Record<string, unknown[]> = { one: [], prefix: [], all: [], none: [], stopped: [] };
  for (const [name, selector] of Object.entries({
    one: 'a.b',
    prefix: 'a.*',
    all: '*',
    none: 'a',
    stopped: '*',
  })) {
    const stop = varve.onChange(selector, (change) => {
      told[name]?.push(change);
      if (name === 'stopped') stop();
    });
  }
  await varve.ready();
  await until(() => varve.status().transport === 'stream');
  const start = head();
  await stand.http.change(set(1), set(2, 'tier:1'), {
    type: 'setOverride',
    key: 'b.c',
    scope: 'global',
    value: 'y',
  });
  await stand.http.change({ type: 'addModel', model: { id: 'openai/a', name: 'a', contextWindow: 1 } });
  await varve.reached(head());
  const all = ['a.b', 'a.model', 'b.c'];
  expect(told).toEqual({
    one: [start, start + 3, start + 4].map((revision) => ({ revision, keys: ['a.b'] })),
    prefix: [
      { revision: start, keys: ['a.b', 'a.model'] },
      { revision: start + 3, keys: ['a.b'] },
      { revision: start + 4, keys: ['a.b', 'a.model'] },
    ],
    all: [
      { revision: start, keys: all },
      { revision: start + 3, keys: ['a.b', 'b.c'] },
      { revision: start + 4, keys: all },
    ],
    none: [],
    stopped: [{ revision: start, keys: all }],
  });
});

test('one that throws is told as trouble, and the others are told', async () => {
  const troubles: Failure[] = [];
  const varve = stand.client({ onTrouble: (failure) => troubles.push(failure) });
  await varve.ready();
  await until(() => varve.status().transport === 'stream');
  let told = 0;
  const thrown = new Error('this listener throws');
  varve.onChange('*', () => {
    throw thrown;
  });
  varve.onChange('*', () => {
    told += 1;
  });
  await stand.http.change(set(1));
  await stand.http.change(set(2));
  await varve.reached(head());
  expect(told).toBe(2);
  expect(troubles.map(({ reason, cause }) => [reason, cause])).toEqual([
    ['listener_threw', thrown],
    ['listener_threw', thrown],
  ]);
});

test('a status is told when it changes: on the way up, when the server goes, and when values become stale', async () => {
  const varve = stand.client({ staleAfterMs: 300 });
  const told: string[] = [];
  varve.onStatus(({ state, transport, source }) => told.push(`${state} ${transport} ${source}`));
  await varve.ready();
  await until(() => varve.status().transport === 'stream');
  await stand.stop();
  await until(() => told.at(-1)?.startsWith('stale') === true);
  expect(varve.resolve('a.b')).toMatchObject({ value: 0, isStale: true });
  await stand.start();
  await until(() => told.at(-1) === 'live stream server');
  expect(told).toEqual([
    'live none server',
    'live stream server',
    'live none server',
    'stale none server',
    'stale stream server',
    'live stream server',
  ]);
});
