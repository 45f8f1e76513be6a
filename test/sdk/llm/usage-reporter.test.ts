/**
 * Reported usage: what the server's route takes, in batches, again under the same ids, bounded, and never in the way.
 */
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { noTokens, type ReceivedUsage } from '../../../src/domain/usage/usage.ts';
import { Failure } from '../../../src/failure.ts';
import { createLlmClient } from '../../../src/sdk/llm/create-llm-client.ts';
import type { LlmClientOptions } from '../../../src/sdk/llm/llm-client.ts';
import { createUsageReporter } from '../../../src/sdk/llm/usage-reporter.ts';
import { runInContext } from '../../../src/sdk/request-context.ts';
import type { Varve } from '../../../src/sdk/varve.ts';
import { completion, type ModelServer, sendJson, startModelServer } from '../../support/model-server.ts';
import { question } from '../../support/prompts.ts';
import { type SdkStand, startSdkStand, until } from '../../support/sdk-stand.ts';

const ask = { key: 'ai.planner.model', messages: question };

let stand: SdkStand;
let provider: ModelServer;
let varve: Varve;
let store: Map<string, ReceivedUsage>;
/** What the store says before it takes anything. */
let trouble: Failure | undefined;
let batches: number;

beforeEach(() => {
  store = new Map();
  trouble = undefined;
  batches = 0;
});
beforeAll(async () => {
  stand = await startSdkStand();
  provider = await startModelServer((response) => sendJson(response, completion('Blue.')));
  // The assembly has no database: its place is taken by a map.
  Object.assign(stand.http.dependencies, {
    recordUsage: async (_: string, records: readonly ReceivedUsage[]) => {
      batches += 1;
      if (trouble !== undefined) throw trouble;
      const before = store.size;
      for (const record of records) store.set(record.id, record);
      const added = store.size - before;
      return { received: records.length, added, duplicates: records.length - added, conflicting: [] };
    },
  });
  await stand.http.change(
    { type: 'addModel', model: { id: 'openai/gpt-4o', provider: 'openai', name: 'x', contextWindow: 1 } },
    { type: 'defineKey', key: ask.key, valueType: 'model', fallback: 'openai/gpt-4o' },
  );
  varve = stand.client({ apiKey: await stand.http.keyOf('service') });
  await varve.ready();
});
afterAll(async () => {
  await provider.close();
  await stand.close();
});

function client(more: Partial<LlmClientOptions> = {}) {
  const endpoints = { openai: { baseUrl: provider.url } };
  return createLlmClient(varve, { endpoints, reportUsage: true, reportEveryMs: 3_600_000, ...more });
}

test('each call is counted with its key, its model and its context, when it is told to', async () => {
  const llm = client();
  await llm.complete({ ...ask, context: { user: 'u', tenant: 'acme' } });
  await runInContext({ tier: '3' }, () => llm.complete({ ...ask, context: { user: 'v' } }));
  expect(store.size).toBe(0);
  await llm.flushUsage();
  const record = {
    at: expect.anything(),
    key: ask.key,
    model: 'openai/gpt-4o',
    ...noTokens,
    inputTokens: 10,
    outputTokens: 5,
  };
  expect([...store.values()]).toMatchObject([
    { ...record, user: 'u', tenant: 'acme' },
    // A context that the call says stands alone: without the client's tier.
    { ...record, user: 'v' },
  ]);
  expect(batches).toBe(1);
  const silent = client({ reportUsage: false });
  await silent.complete(ask);
  await silent.close();
  expect(store.size).toBe(2);
});

test('by itself after a while, and at the end', async () => {
  const soon = client({ reportEveryMs: 10 });
  await soon.complete(ask);
  await until(() => store.size === 1);
  const late = client();
  await late.complete(ask);
  await late.close();
  await late.complete(ask);
  await late.close();
  expect(store.size).toBe(2);
});

test('what the server cannot take now is reported again under the same ids, and counts once', async () => {
  const told: Failure[] = [];
  const onTrouble = (failure: Failure) => {
    told.push(failure);
    throw failure;
  };
  const llm = client({ reportEveryMs: 10, onTrouble });
  trouble = new Failure('unavailable', 'not now');
  expect((await llm.complete(ask)).text).toBe('Blue.');
  await until(() => told.length >= 2);
  expect(told[0]).toMatchObject({ code: 'unavailable' });
  await expect(llm.flushUsage()).rejects.toMatchObject({ code: 'unavailable' });
  trouble = undefined;
  await until(() => store.size === 1);
  await llm.close();
  expect(store.size).toBe(1);
});

test('what the server will never take is dropped and told, and holds up nothing', async () => {
  const told: Failure[] = [];
  const reporter = createUsageReporter({
    api: varve.api,
    newId: () => crypto.randomUUID(),
    now: () => varve.now(),
    onTrouble: (failure) => told.push(failure),
    everyMs: 3_600_000,
  });
  const usage = { ...noTokens, inputTokens: 1, outputTokens: 1 };
  for (const key of [ask.key, 'no key at all', ask.key]) {
    reporter.add({ key, model: 'openai/gpt-4o', context: {}, usage });
  }
  await reporter.close();
  expect(told).toMatchObject([
    {
      code: 'invalid',
      reason: 'usage_dropped',
      message: expect.stringMatching(/^dropped records of usage: 1 /),
    },
  ]);
  expect([...store.values()].map(({ key }) => key)).toEqual([ask.key, ask.key]);
});

test('never more than 10,000 wait: the oldest are dropped and told; they go out 1,000 at a time', async () => {
  const told: Failure[] = [];
  let ids = 0;
  const reporter = createUsageReporter({
    api: varve.api,
    newId: () => `r-${ids++}`,
    now: () => varve.now(),
    onTrouble: (failure) => told.push(failure),
    everyMs: 3_600_000,
  });
  const usage = { ...noTokens, inputTokens: 1, outputTokens: 1 };
  for (let index = 0; index < 10_001; index++) {
    reporter.add({ key: ask.key, model: 'openai/gpt-4o', context: {}, usage });
  }
  await reporter.close();
  expect(told).toMatchObject([{ code: 'limited', reason: 'usage_dropped' }]);
  expect(store.size).toBe(9_001);
  expect(store.has('r-999')).toBe(false);
  expect(store.has('r-1000')).toBe(true);
  expect(batches).toBe(10);
});
