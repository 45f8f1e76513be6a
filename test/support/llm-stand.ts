/**
 * An LLM client between a real Varve server, which says the models, and a provider's API, which answers. One stand does
 * for all tests of a file: each begins with keys of its own.
 */
import { createLlmClient } from '../../src/sdk/llm/create-llm-client.ts';
import type { LlmClient, LlmClientOptions } from '../../src/sdk/llm/llm-client.ts';
import type { Varve } from '../../src/sdk/varve.ts';
import { completion, type ModelServer, sendJson, startModelServer } from './model-server.ts';
import { question } from './prompts.ts';
import { type SdkStand, startSdkStand } from './sdk-stand.ts';

export interface LlmStand {
  readonly sdk: SdkStand;
  readonly varve: Varve;
  readonly provider: ModelServer;
  /** Of the test that runs: a key of type model whose fallback is `openai/gpt-4o`. */
  readonly planner: string;
  /** The key that goes with it by convention; not defined. */
  readonly params: string;
  readonly ask: { readonly key: string; readonly messages: typeof question };
  /** A test begins: new keys, and a provider that answers `Blue.` and remembers nothing. */
  begin(): Promise<void>;
  /** Made by the server, and arrived at the client. */
  change(...changes: readonly object[]): Promise<void>;
  /** A client that reaches every provider's models at the one provider. */
  client(options?: Partial<LlmClientOptions>): LlmClient;
  close(): Promise<void>;
}

const models = [
  'openai/gpt-4o',
  'groq/llama',
  'anthropic/claude-opus-4-5',
  'gemini/gemini-2.5-flash',
  'qwen/qwen-image-edit',
  'xai/grok',
];

export async function startLlmStand(): Promise<LlmStand> {
  const sdk = await startSdkStand();
  const provider = await startModelServer(() => undefined);
  await sdk.http.change(
    ...models.map((id) => ({
      type: 'addModel',
      model: { id, provider: id.split('/')[0], name: id, contextWindow: 1000 },
    })),
  );
  const varve = sdk.client();
  await varve.ready();
  let tests = 0;
  const change = async (...changes: readonly object[]) => {
    await sdk.http.change(...changes);
    await varve.reached(sdk.http.ledger().state.revision);
  };
  return {
    sdk,
    varve,
    provider,
    get planner() {
      return `ai.t${tests}.model`;
    },
    get params() {
      return `ai.t${tests}.params`;
    },
    get ask() {
      return { key: `ai.t${tests}.model`, messages: question };
    },
    async begin() {
      tests += 1;
      provider.forget();
      provider.answerWith((response) => sendJson(response, completion('Blue.')));
      await change(defined(`ai.t${tests}.model`, 'model', 'openai/gpt-4o'));
    },
    change,
    client(options = {}) {
      const endpoint = { baseUrl: provider.url, apiKey: () => 'sk-test' };
      const names = ['openai', 'groq', 'anthropic', 'gemini', 'qwen'];
      const endpoints = Object.fromEntries(names.map((name) => [name, endpoint]));
      return createLlmClient(varve, { endpoints, ...options });
    },
    async close() {
      await provider.close();
      await sdk.close();
    },
  };
}

/** A change that defines a key. */
export const defined = (key: string, valueType: string, fallback: unknown) => ({
  type: 'defineKey',
  key,
  valueType,
  fallback,
});

/** A change that sets an override. */
export const override = (key: string, scope: string, value: unknown) => ({
  type: 'setOverride',
  key,
  scope,
  value,
});
