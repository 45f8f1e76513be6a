/**
 * A small ledger to compare worlds on: three models, two keys, an A/B test, and four records of usage whose costs are
 * easily worked out by hand. Out: the whole product with it, and a way to compare that watches that nothing is appended.
 */
import { expect } from 'vitest';
import { startTestVarve, type TestVarve } from '../support/varve.ts';
import type { Answer } from '../support/varve-on.ts';

export const key = 'ai.writer.model';
export const other = 'ai.greeting';
export const allTime = { from: '2020-01-01T00:00:00Z', to: '2099-01-01T00:00:00Z' };
export const cheaper = { type: 'setOverride', key, scope: 'global', value: 'openai/small' };

export interface CompareStand {
  readonly varve: TestVarve;
  /** The revision of the first event of the first changeset, which has everything but the A/B test and one greeting. */
  readonly start: number;
  /** The revision of its last event. */
  readonly tagged: number;
  readonly compare: (body: object) => Promise<Answer>;
}

export async function startCompareStand(): Promise<CompareStand> {
  const varve = await startTestVarve();
  const { body } = await varve.change([
    {
      type: 'addModel',
      model: { id: 'openai/big', name: 'Big', contextWindow: 1, pricing: { input: '10', output: '30' } },
    },
    {
      type: 'addModel',
      model: { id: 'openai/small', name: 'Small', contextWindow: 1, pricing: { input: '1', output: '3' } },
    },
    { type: 'addModel', model: { id: 'openai/free', name: 'Without a price', contextWindow: 1 } },
    { type: 'defineKey', key, valueType: 'model', fallback: 'openai/big' },
    { type: 'defineKey', key: other, valueType: 'string', fallback: 'Hello' },
    { type: 'setOverride', key: other, scope: 'user:u-1', value: 'Hi' },
    { type: 'tagRevision', name: 'before' },
  ]);

  const { first, last } = body.revisions;
  await varve.change([
    { type: 'setOverride', key: other, scope: 'global', value: 'Good day' },
    {
      type: 'setOverride',
      key,
      scope: 'tier:1',
      allocation: {
        unit: 'user',
        share: 5000,
        arms: [
          { name: 'control', value: 'openai/big', weight: 1 },
          { name: 'cheap', value: 'openai/small', weight: 1 },
        ],
      },
    },
  ]);
  const at = new Date().toISOString();
  const usage = await varve.call('POST', '/v1/usage', {
    records: [
      // 10 million tokens in, 1 million out: 130 dollars with big, 13 with small.
      {
        id: 'a',
        at,
        key,
        model: 'openai/big',
        tenant: 'acme',
        user: 'u-1',
        inputTokens: 10_000_000,
        outputTokens: 1_000_000,
      },
      // 7 tokens in: 0.00007 dollars with big, 0.000007 with small.
      { id: 'b', at, key, model: 'openai/big', user: 'u-2', tier: '1', inputTokens: 7 },
      // No key: it stays with its model, 2 dollars.
      { id: 'c', at, model: 'openai/small', tenant: 'acme', inputTokens: 2_000_000 },
      { id: 'd', at, model: 'openai/free', inputTokens: 5 },
    ],
  });
  expect(usage.body).toMatchObject({ added: 4 });
  return { varve, start: first, tagged: last, compare: comparer(varve) };
}

/** Compares, and expects that the ledger stays as it is. */
function comparer(varve: TestVarve): CompareStand['compare'] {
  return async (body) => {
    const before = await varve.call('GET', '/v1/status');
    const answer = await varve.call('POST', '/v1/compare', body);
    const after = await varve.call('GET', '/v1/status');
    expect(after.body.revision).toBe(before.body.revision);
    return answer;
  };
}

export function codesOf(body: { readonly notes: readonly { readonly code: string }[] }): readonly string[] {
  return body.notes.map(({ code }) => code);
}
