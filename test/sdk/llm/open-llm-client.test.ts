/**
 * Who asks for a model: decided once, when a call is made, and never mixed of two.
 */
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import type { Context } from '../../../src/domain/scope.ts';
import { createLlmClient } from '../../../src/sdk/llm/create-llm-client.ts';
import type { LlmChunk, LlmClient } from '../../../src/sdk/llm/llm-client.ts';
import { runInContext } from '../../../src/sdk/request-context.ts';
import type { Varve } from '../../../src/sdk/varve.ts';
import { type LlmStand, override, startLlmStand } from '../../support/llm-stand.ts';
import { completionEvents, sendEvents } from '../../support/model-server.ts';

let stand: LlmStand;

beforeAll(async () => {
  stand = await startLlmStand();
});
afterAll(() => stand.close());
beforeEach(() => stand.begin());

test('a model is that of the context of the call alone, else the client’s, else Varve’s; usage is reported for the same', async () => {
  await stand.change(
    override(stand.planner, 'tenant:acme', 'groq/llama'),
    override(stand.planner, 'user:eve', 'anthropic/claude-opus-4-5'),
  );
  const varve = stand.sdk.client({ contextProvider: () => ({ user: 'ada', tenant: 'acme' }) });
  await varve.reached(stand.sdk.http.ledger().state.revision);
  const reported: unknown[] = [];
  const send = async (sent: { readonly body?: unknown }) => void reported.push(sent.body);
  const watched: Varve = { ...varve, api: { ...varve.api, send: send as never } };
  const endpoint = { baseUrl: stand.provider.url };
  const endpoints = { openai: endpoint, groq: endpoint };
  const llm = createLlmClient(watched, { endpoints, reportUsage: true });
  const asking = async (client: LlmClient, context?: Context) => {
    const { model } = await client.complete({
      ...stand.ask,
      ...(context === undefined ? {} : { context }),
    });
    await client.flushUsage();
    const { records } = reported.splice(0)[0] as { records: Record<string, unknown>[] };
    return [model.id, records.map(({ user, tenant }) => ({ user, tenant }))];
  };
  const ada = ['groq/llama', [{ user: 'ada', tenant: 'acme' }]];
  const bob = ['openai/gpt-4o', [{ user: 'bob', tenant: undefined }]];
  expect(await asking(llm)).toEqual(ada);
  expect(await asking(llm, { user: 'bob' })).toEqual(bob);
  // Nobody in particular is a context, too.
  expect(await asking(llm, {})).toEqual(['openai/gpt-4o', [{ user: undefined, tenant: undefined }]]);
  const contexts: (Context | undefined)[] = [{ user: 'bob' }, undefined];
  const contextProvider = () => contexts.shift();
  const own = createLlmClient(watched, { endpoints, reportUsage: true, contextProvider });
  expect(await asking(own)).toEqual(bob);
  expect(await asking(own)).toEqual(ada);
});

test('a stream is for whoever asked for it, with the model of that moment', async () => {
  await stand.change(override(stand.planner, 'user:u', 'groq/llama'));
  stand.provider.answerWith((response) => sendEvents(response, completionEvents('Blue.')));
  const chunks = runInContext({ user: 'u' }, () => stand.client().stream(stand.ask));
  await stand.change({ type: 'clearOverride', key: stand.planner, scope: 'user:u' });
  const end = await runInContext({ user: 'v' }, async () => {
    let last: LlmChunk | undefined;
    for await (const chunk of chunks) last = chunk;
    return last;
  });
  expect(end).toMatchObject({ type: 'end', result: { model: { id: 'groq/llama' } } });
});

test('a stream that cannot be is told in the loop, and nowhere when nobody reads it', async () => {
  const unread = stand.client().stream({ ...stand.ask, key: 'ai.nothing.model' });
  await new Promise((turn) => setImmediate(turn));
  await expect(unread[Symbol.asyncIterator]().next()).rejects.toMatchObject({ code: 'not_found' });
});
