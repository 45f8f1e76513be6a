/**
 * Who listens is told when values turn by themselves, also when the clock they began with was ahead and is put back.
 */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { formatInstant } from '../../src/domain/instant.ts';
import { type BoundaryWatch, createBoundaryWatch } from '../../src/sdk/boundary-watch.ts';
import { heldScopes } from '../../src/sdk/held-scopes.ts';
import { HeldValues } from '../../src/sdk/held-values.ts';
import { SnapshotReader } from '../../src/sdk/read-snapshot.ts';
import type { ValuesChange } from '../../src/sdk/varve.ts';
import { until } from '../support/sdk-stand.ts';

const start = Date.UTC(2026, 2, 1);
const hour = 3_600_000;

/** `a.b` is set from an hour after the start on, and `c.d` from two hours after it. */
function stateOf() {
  const reader = new SnapshotReader();
  const line = (fields: object) => reader.line(JSON.stringify(fields));
  line({ type: 'snapshot', ledger: 'default', revision: 3, recordedAt: formatInstant(start) });
  for (const [key, hours] of [
    ['a.b', 1],
    ['c.d', 2],
  ] as const) {
    const effectiveFrom = formatInstant(start + hours * hour);
    line({ type: 'key', key, version: 1, revision: 1, valueType: 'integer', fallback: 0 });
    const assertions = [{ revision: 2, effectiveFrom, kind: 'value', value: 1 }];
    line({ type: 'override', key, scope: 'global', version: 1, assertions });
  }
  line({ type: 'end', count: 4 });
  return reader.whole();
}

let time: number;
let told: ValuesChange[];
let watch: BoundaryWatch;
let values: HeldValues;
beforeEach(() => {
  told = [];
  values = new HeldValues(heldScopes(undefined), () => undefined);
  watch = createBoundaryWatch({ values, now: () => time, tell: (change) => told.push(change) });
});
afterEach(() => watch.close());

function beginAt(hours: number): void {
  time = start + hours * hour;
  watch.begin();
  values.replace({ state: stateOf(), ledger: 'default', log: undefined, source: 'file' });
  watch.check();
}

const soonest = () => ((values.loaded?.state.timetable.soonest ?? 0) - start) / hour;
const keys = () => told.map((change) => change.keys.join());

test('what had turned before the values came in is no news, what turns later is', async () => {
  beginAt(1.5);
  await until(() => soonest() === 2);
  expect(told).toEqual([]);
  time = start + 2 * hour;
  watch.check();
  await until(() => told.length > 0);
  expect(told).toEqual([{ revision: 3, keys: ['c.d'] }]);
});

test('the clock is put back: what had turned is back as it was, and turns again', async () => {
  beginAt(3);
  await until(() => soonest() > 2);
  expect(told).toEqual([]);
  time = start + 0.5 * hour;
  watch.check();
  expect([keys(), soonest()]).toEqual([['a.b,c.d'], 1]);
  time = start + 1.5 * hour;
  watch.check();
  await until(() => told.length > 1);
  time = start + 2.5 * hour;
  watch.check();
  await until(() => told.length > 2);
  expect(keys()).toEqual(['a.b,c.d', 'a.b', 'c.d']);
});
