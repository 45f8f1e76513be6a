/**
 * The model of a record that names only its key: what a service was told at that time, however much happened since.
 * Compared with resolving on a replay that is cut off at that time.
 */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { resolve } from '../../src/domain/resolve.ts';
import { noTokens } from '../../src/domain/usage/usage.ts';
import type { ReportedUsage } from '../../src/http/usage-input.ts';
import { withModels } from '../../src/http/usage-models.ts';
import { type HttpAssembly, startHttp, startOfClock } from '../support/http-assembly.ts';

const key = 'a.model';
/** One revision a millisecond: more states than one batch is looked up in. */
const changes = 1_005;

let http: HttpAssembly;
beforeAll(async () => {
  http = await startHttp();
  const models = ['m/0', 'm/1', 'm/2'].map((id) => ({
    type: 'addModel',
    model: { id, name: id, contextWindow: 1 },
  }));
  await http.change(...models, { type: 'defineKey', key, valueType: 'model', fallback: 'm/0' });
  for (let n = 1; n <= changes; n++) {
    http.pass(1);
    const scope = n % 2 === 0 ? 'global' : `user:u${n % 3}`;
    const value = Math.floor(n / 2);
    const set = { type: 'setOverride', key, scope, value: `m/${value % 3}`, ...intervalOf(n) };
    // The tag makes it a revision, also when the value is so already.
    await http.change(set, { type: 'tagRevision', name: `t${n}` });
  }
});
afterAll(() => http.close());

/** Some are scheduled, some end by themselves. */
function intervalOf(n: number): object {
  const time = (ms: number) => new Date(startOfClock + n + ms).toISOString();
  if (n % 5 === 0) return { effectiveFrom: time(3) };
  return n % 7 === 0 ? { effectiveUntil: time(4) } : {};
}

function record(at: number, n: number): ReportedUsage {
  return {
    id: `r${n}`,
    at,
    key,
    user: `u${n % 4}`,
    ...noTokens,
    inputTokens: 1,
  };
}

async function modelsOf(records: readonly ReportedUsage[]): Promise<readonly (string | undefined)[]> {
  const received = await withModels(http.dependencies, http.ledger(), records);
  expect(received.map(({ id }) => id)).toEqual(records.map(({ id }) => id));
  expect(received.every(({ modelByKey }) => modelByKey)).toBe(true);
  return received.map(({ model }) => model);
}

test('equals what resolves as of then, for the past, the present and before all time', async () => {
  const { reads } = http.dependencies;
  const records = Array.from({ length: 36 }, (_, n) => record(startOfClock + n * 3 - 9, n)).concat(
    Array.from({ length: 12 }, (_, n) => record(startOfClock + changes + n - 5, 36 + n)),
  );
  const expected: (string | undefined)[] = [];
  for (const { at, user = '' } of records) {
    const asOf = await reads.revisionAt('default', at);
    const state = await reads.stateAt('default', { asOf, at }, [key], [{ user }]);
    expected.push(resolve(state, key, { user }, at)?.model?.id);
  }
  expect(await modelsOf(records)).toEqual(expected);
  expect(new Set(expected)).toEqual(new Set([undefined, 'm/0', 'm/1', 'm/2']));
});

test('a named model is kept, in its canonical spelling, without a look into the past', async () => {
  const [received] = await withModels(http.dependencies, http.ledger(), [{ ...record(0, 1), model: 'm:1' }]);
  expect(received).toMatchObject({ model: 'm/1', modelByKey: false });
});

test('more past states than one batch may ask for are refused, with advice', async () => {
  const records = Array.from({ length: 1_002 }, (_, n) => record(startOfClock + n, n));
  await expect(withModels(http.dependencies, http.ledger(), records)).rejects.toMatchObject({
    code: 'invalid',
    details: [{ path: 'records', message: expect.stringContaining('name the models') }],
  });
});
