/**
 * A year of usage and prices, for tests of costs on the whole product. Worked out by hand: what each record costs stands
 * beside it. Out: the product with all of it, and the head before any price was corrected.
 */
import { Big } from 'big.js';
import { startTestVarve, type TestVarve } from '../support/varve.ts';

export const june1 = '2025-06-01T00:00:00.000Z';
export const june10 = '2025-06-10T00:00:00.000Z';
export const june20 = '2025-06-20T00:00:00.000Z';

export interface CostStory {
  readonly varve: TestVarve;
  /** The head before anything was corrected. */
  readonly believed: number;
  /** The body of an answer; anything but 200 is thrown. */
  // biome-ignore lint/suspicious/noExplicitAny: a test reads answers as anybody would, and says what it expects
  get(path: string): Promise<any>;
  head(): Promise<number>;
}

export async function startCostStory(): Promise<CostStory> {
  const varve = await startTestVarve();
  const head = async (): Promise<number> => (await varve.call('GET', '/v1/status')).body.revision;
  await varve.change(
    ['acme/one', 'acme/two', 'acme/bare'].map((id) => ({
      type: 'addModel',
      model: { id, name: id, contextWindow: 1 },
    })),
  );
  // Learnt late: one costs 3 and 15 from 1 June, and 2 (the output stays) from the 10th; two has a tier.
  await varve.change([
    { type: 'changePrice', id: 'acme/one', pricing: { input: '3', output: '15' }, effectiveFrom: june1 },
    { type: 'changePrice', id: 'acme/one', pricing: { input: '2' }, effectiveFrom: june10 },
    {
      type: 'changePrice',
      id: 'acme/two',
      pricing: {
        input: '0.000000000000000001',
        output: '0.1',
        cacheRead: '0',
        tiers: [{ overTokens: 200_000, input: '0.4' }],
      },
      effectiveFrom: june1,
    },
  ]);
  const records = [
    // 3 + 1.5 = 4.5
    record('1', '2025-06-05', { inputTokens: 1_000_000, outputTokens: 100_000 }),
    // The last moment of the old price: 0.5 × 3 = 1.5, and the first of the new one: 0.5 × 2 = 1
    record('2', '2025-06-09T23:59:59.999Z', { inputTokens: 500_000 }),
    record('3', june10, { inputTokens: 500_000, tenant: 'globex' }),
    // Reasoning costs as output: 0.2 × 15 = 3
    record('4', '2025-06-25', { reasoningTokens: 200_000, key: 'ai.planner.model' }),
    // 10⁻¹⁸ dollars for a million: 7 tokens are 7 × 10⁻²⁴
    record('5', '2025-06-05', { model: 'acme/two', inputTokens: 7 }),
    // Over the tier by its cached tokens: 0.1 × 0.4 + 0.5 × 0.1 = 0.09
    record('6', '2025-06-15', {
      model: 'acme/two',
      inputTokens: 100_000,
      cacheReadTokens: 100_001,
      outputTokens: 500_000,
      tenant: undefined,
    }),
    // No price is known: before June, and of another model.
    record('7', '2025-05-31T23:59:59.999Z', { inputTokens: 1_000_000 }),
    record('8', '2025-06-05', { model: 'acme/bare', inputTokens: 1_000_000 }),
  ];
  const reported = await varve.call('POST', '/v1/usage', { records });
  if (reported.body.added !== records.length) throw new Error(JSON.stringify(reported.body));
  return {
    varve,
    believed: await head(),
    async get(path) {
      const { status, body } = await varve.call('GET', path);
      if (status !== 200) throw new Error(`${path}: ${status} ${JSON.stringify(body)}`);
      return body;
    },
    head,
  };
}

function record(id: string, day: string, more: object): object {
  const at = day.length === 10 ? `${day}T12:00:00.000Z` : day;
  return { id, at, model: 'acme/one', tenant: 'acme', ...more };
}

/** What a list adds up to. */
export function sumOf(items: readonly Record<string, string>[], name: string): string {
  return items.reduce((sum, item) => sum.plus(item[name] ?? ''), new Big(0)).toFixed();
}
