/**
 * What is held never goes back and takes nothing twice, whatever comes in; and of other scopes nothing is taken.
 */
import { beforeEach, expect, test } from 'vitest';
import { resolve } from '../../src/domain/resolve.ts';
import type { ValuesEvent } from '../../src/domain/values-view.ts';
import type { ValuesChangeset } from '../../src/sdk/apply-changeset.ts';
import { heldScopes } from '../../src/sdk/held-scopes.ts';
import { HeldValues } from '../../src/sdk/held-values.ts';
import { ValuesState } from '../../src/sdk/values-state.ts';
import type { ValuesChange } from '../../src/sdk/varve.ts';

const recordedAt = '2026-03-01T12:00:00.000Z';
const at = Date.parse(recordedAt);

function stateAt(revision: number): ValuesState {
  const state = new ValuesState();
  const definition = { key: 'a.b', valueType: 'integer', fallback: 0 } as const;
  state.put('key:a.b', { version: 1, revision: 1, definition, retired: false });
  state.revision = revision;
  state.recordedAt = at;
  return state;
}

function setting(
  revision: number,
  value: number,
  scope: 'global' | `user:${string}` = 'global',
): ValuesChangeset {
  const event: ValuesEvent = {
    type: 'OverrideSet',
    data: { key: 'a.b', scope, value },
    subject: `override:a.b@${scope}`,
    version: revision,
    revision,
    schemaVersion: 1,
    recordedAt,
    changesetId: `c-${revision}`,
    last: true,
  };
  return { revision, recordedAt, events: [event] };
}

let told: ValuesChange[];
let values: HeldValues;
beforeEach(() => {
  told = [];
  values = new HeldValues(heldScopes(['user:u']), (change) => told.push(change));
  values.replace({ state: stateAt(5), ledger: 'default', log: 'log-one', source: 'server' });
});

const value = (context = {}) => resolve(values.loaded?.state ?? stateAt(0), 'a.b', context, at)?.value;

test('a changeset that is held already changes nothing and is told to nobody', async () => {
  expect([await values.apply(setting(6, 1)), await values.apply(setting(7, 2))]).toEqual([true, true]);
  expect([await values.apply(setting(6, 1)), await values.apply(setting(7, 9))]).toEqual([false, false]);
  expect([value(), values.revision]).toEqual([2, 7]);
  expect(told.map(({ revision }) => revision)).toEqual([5, 6, 7]);
});

test('an older snapshot is refused, one of the same revision is taken', () => {
  expect(() =>
    values.replace({ state: stateAt(4), ledger: 'default', log: 'log-one', source: 'server' }),
  ).toThrow(expect.objectContaining({ code: 'unavailable', reason: 'went_back' }));
  expect(values.revision).toBe(5);
  const unnamed = { state: stateAt(4), ledger: 'default', log: undefined, source: 'server' } as const;
  expect(() => values.replace(unnamed)).toThrow('older');
  values.replace({ state: stateAt(5), ledger: 'default', log: 'log-one', source: 'server' });
});

test('a snapshot of another log is taken whatever its revision is, and all keys are told as changed', () => {
  values.replace({ state: stateAt(2), ledger: 'default', log: 'log-two', source: 'server' });
  expect([values.revision, told.at(-1)]).toEqual([2, { revision: 2, keys: ['a.b'] }]);
});

test('a changeset of which one event does not fit changes nothing', async () => {
  const good = setting(6, 1);
  const bad = {
    ...setting(7, 2).events[0],
    type: 'ModelReinstated',
    data: { id: 'x/y' },
    subject: 'model:x/y',
  };
  const changeset = { ...good, revision: 7, events: [...good.events, bad as ValuesEvent] };
  await expect(values.apply(changeset)).rejects.toMatchObject({ code: 'corrupt' });
  expect([value(), values.revision, told.length]).toEqual([0, 5, 1]);
});

test('overrides of scopes that are not held are left out, and the revision moves on', async () => {
  await values.apply(setting(6, 1, 'user:u'));
  await values.apply(setting(7, 2, 'user:v'));
  expect([value({ user: 'u' }), value({ user: 'v' }), values.revision]).toEqual([1, 0, 7]);
  expect(told.map(({ revision }) => revision)).toEqual([5, 6]);
});

test('who waits is called once, when its revision is there', async () => {
  const reached: string[] = [];
  values.wait(5, () => reached.push('5'));
  values.wait(7, () => reached.push('7'));
  const stop = values.wait(6, () => reached.push('6'));
  stop();
  expect(reached).toEqual(['5']);
  await values.apply({ revision: 8, recordedAt, events: [] });
  expect(reached).toEqual(['5', '7']);
});
