/**
 * Receipts over the read models in Postgres: what was given out live is given back from the tables, with the same
 * explanation, whatever was written since, and after the tables were built anew.
 */
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import {
  anyChange,
  beginning,
  contexts,
  historyOf,
  modelKey,
  moments,
  type Step,
  stringKey,
} from '../support/random-histories.ts';
import { startTestVarve, type TestVarve } from '../support/varve.ts';

let varve: TestVarve;
beforeAll(async () => {
  varve = await startTestVarve({ seed: 'none' });
});
afterAll(() => varve.stop());

interface Taken {
  readonly path: string;
  readonly receipt: unknown;
  readonly values: unknown;
}

/** An hour of a history takes 20 ms, so that what is planned in it comes to pass while the test runs. */
function soon({ changes }: Step, began: number): unknown {
  const shift = (time: string) =>
    new Date(began + (Date.parse(time) - (moments[0] ?? 0)) / 180_000).toISOString();
  return JSON.parse(
    JSON.stringify(changes).replace(/"(2026-01-0\dT[^"]+)"/g, (_, time: string) => `"${shift(time)}"`),
  );
}

async function take(n: number): Promise<readonly Taken[]> {
  const keys = ['', `keys=${stringKey}`, `keys=${modelKey}`][n % 3] ?? '';
  const context = new URLSearchParams({ ...contexts[n % contexts.length] }).toString();
  const at = n % 4 === 0 ? new Date(Date.now() + (n % 7) * 100 - 300).toISOString() : undefined;
  const clock = at === undefined ? '' : `&at=${at}`;
  const { status, body } = await varve.call('GET', `/v1/resolve?receipt=true&${keys}&${context}${clock}`);
  if (status !== 200) return [];
  const { receipt, values } = body;
  const path = `/v1/receipts/${receipt.revision}/${encodeURIComponent(receipt.at)}/${receipt.hash}?${keys}&${context}`;
  return [{ path, receipt, values }];
}

async function show({ path, receipt, values }: Taken): Promise<unknown> {
  const { status, body } = await varve.call('GET', path);
  expect([path, status]).toEqual([path, 200]);
  expect({ receipt: body.receipt, values: body.values }).toEqual({ receipt, values });
  return body;
}

test('given back from the tables, and again when they were built anew', async () => {
  const taken: Taken[] = [];
  const seed = 20_261_127;
  const steps = fc.sample(historyOf(anyChange, 3), { numRuns: 10, seed }).flat();
  const began = Date.now();
  for (const [n, step] of [beginning, ...steps].entries()) {
    const changes = soon(step, began);
    await varve.call('POST', '/v1/changesets', { reason: 'a test', changes });
    taken.push(...(await take(n)));
  }
  expect(taken.length).toBeGreaterThan(20);
  const shown: unknown[] = [];
  for (const one of taken) shown.push(await show(one));
  const { body } = await varve.call('POST', '/v1/projections/all/rebuild');
  await vi.waitFor(
    async () => expect((await varve.call('GET', `/v1/rebuilds/${body.id}`)).body.state).toBe('done'),
    { timeout: 30_000, interval: 20 },
  );
  for (const [n, one] of taken.entries()) expect(await show(one)).toEqual(shown[n]);
});
