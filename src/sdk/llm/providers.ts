/**
 * Which API each provider speaks, and where. Data: the providers of the seed catalogue and those that speak one of the four
 * styles; a service adds its own, or its own address, as an endpoint (endpoint.ts).
 */
import type { ApiStyle } from './api-style.ts';
import { type OpenAiDialect, plainDialect } from './openai-request.ts';

/** How the secret is shown. */
export type Authentication = 'bearer' | 'x-api-key' | 'x-goog-api-key' | 'api-key';

export interface ProviderFacts {
  readonly style: ApiStyle;
  /** With the API's version, without a slash at the end; absent where every customer has an address of their own. */
  readonly baseUrl?: string;
  readonly authentication: Authentication;
  /** Of OpenAI's style. */
  readonly dialect?: OpenAiDialect;
}

const replicate: ProviderFacts = {
  style: 'replicate',
  baseUrl: 'https://api.replicate.com/v1',
  authentication: 'bearer',
};

const gemini: ProviderFacts = {
  style: 'gemini',
  baseUrl: 'https://generativelanguage.googleapis.com/v1beta',
  authentication: 'x-goog-api-key',
};

/** Addresses are `https://aiplatform.googleapis.com/v1/projects/…/locations/…/publishers/google`. */
const vertex: ProviderFacts = { style: 'gemini', authentication: 'bearer' };

/** What each says in its own API reference. */
export const providers: Readonly<Record<string, ProviderFacts>> = {
  openai: openAiLike('https://api.openai.com/v1', { callIds: 'short' }),
  /** The address is `https://<resource>.openai.azure.com/openai/v1`, the model the deployment's name. */
  azure: {
    style: 'openai',
    authentication: 'api-key',
    dialect: { ...plainDialect, callIds: 'short' },
  },
  anthropic: {
    style: 'anthropic',
    baseUrl: 'https://api.anthropic.com/v1',
    authentication: 'x-api-key',
  },
  gemini,
  google: gemini,
  vertexai: vertex,
  'google-vertex': vertex,
  groq: openAiLike('https://api.groq.com/openai/v1'),
  xai: openAiLike('https://api.x.ai/v1'),
  // It refuses fields that it does not know, and ends each stream with its tokens unasked.
  mistral: openAiLike('https://api.mistral.ai/v1', {
    seedField: 'random_seed',
    asksForUsage: false,
    callIds: 'nine',
  }),
  deepseek: openAiLike('https://api.deepseek.com', { thinking: 'type' }),
  moonshotai: openAiLike('https://api.moonshot.ai/v1', { thinking: 'type' }),
  zai: openAiLike('https://api.z.ai/api/paas/v4', { thinking: 'type' }),
  alibaba: openAiLike('https://dashscope-intl.aliyuncs.com/compatible-mode/v1', {
    takesTopK: true,
    thinking: 'enable',
  }),
  perplexity: openAiLike('https://api.perplexity.ai', { takesTopK: true }),
  cohere: openAiLike('https://api.cohere.ai/compatibility/v1'),
  llama: openAiLike('https://api.llama.com/compat/v1'),
  openrouter: openAiLike('https://openrouter.ai/api/v1', { takesTopK: true }),
  /** The address is `https://bedrock-runtime.<region>.amazonaws.com/openai/v1`; not every model is there. */
  'amazon-bedrock': { style: 'openai', authentication: 'bearer' },
  replicate,
  // Owners of models at Replicate, as the model-settings design note names them.
  qwen: replicate,
  'black-forest-labs': replicate,
  bytedance: replicate,
};

function openAiLike(baseUrl: string, words: Partial<OpenAiDialect> = {}): ProviderFacts {
  return {
    style: 'openai',
    baseUrl,
    authentication: 'bearer',
    dialect: { ...plainDialect, ...words },
  };
}
