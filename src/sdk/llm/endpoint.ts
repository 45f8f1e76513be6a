/**
 * Where a provider's models are reached: what the service says, over what is known of the provider (providers.ts).
 */
import { Failure } from '../../failure.ts';
import { buildAnthropicRequest } from './anthropic-request.ts';
import type { ApiStyle } from './api-style.ts';
import { buildGeminiRequest } from './gemini-request.ts';
import { type ModelTraits, traitsOf } from './model-traits.ts';
import { buildOpenAiRequest, type OpenAiDialect, plainDialect } from './openai-request.ts';
import type { ModelRequest, Prompt } from './prompt.ts';
import { type Authentication, type ProviderFacts, providers } from './providers.ts';
import { buildReplicateRequest } from './replicate-request.ts';

export interface EndpointOptions {
  /** That of the provider, or `openai` for one that is not known. */
  readonly style?: ApiStyle;
  /** With the API's version: `https://api.openai.com/v1`. Needed for providers that have no address of their own. */
  readonly baseUrl?: string;
  /** The secret, asked for before each call, so that it can change. No header of it when both this and secretKey are absent. */
  readonly apiKey?: () => string | Promise<string>;
  /** A key of the ledger, of type secret: it says where the secret is, and `readSecret` brings it. */
  readonly secretKey?: string;
  readonly authentication?: Authentication;
  /** Sent with each request; they win over ours, in whatever spelling of their names. */
  readonly headers?: Readonly<Record<string, string>>;
  /** What differs from OpenAI's own words, in that style. */
  readonly dialect?: Partial<OpenAiDialect>;
  /** The model's name at this address, where it differs from the ledger's: a deployment. */
  readonly modelName?: (model: string) => string;
  /** What differs from what the name of a model says. */
  readonly traits?: (model: string) => Partial<ModelTraits>;
}

export type Endpoints = Readonly<Record<string, EndpointOptions>>;

export interface Endpoint {
  readonly provider: string;
  readonly style: ApiStyle;
  /** Without a slash at the end. */
  readonly baseUrl: string;
  readonly authentication: Authentication;
  readonly dialect: OpenAiDialect;
  readonly options: EndpointOptions;
}

/** Failures: invalid for an endpoint without an address, or with one that is none. */
export function endpointOf(provider: string, options: EndpointOptions): Endpoint {
  const known: ProviderFacts | undefined = Object.hasOwn(providers, provider)
    ? providers[provider]
    : undefined;
  const style = options.style ?? known?.style ?? 'openai';
  // Facts of the provider are of no use for an address that speaks otherwise.
  const facts = known?.style === style ? known : undefined;
  const baseUrl = options.baseUrl ?? facts?.baseUrl;
  if (baseUrl === undefined) {
    throw new Failure('invalid', `the endpoint of ${provider} needs a baseUrl`, { reason: 'bad_url' });
  }
  if (!URL.canParse(baseUrl) || !/^https?:$/.test(new URL(baseUrl).protocol)) {
    throw new Failure('invalid', `${baseUrl} is no address of an API`, { reason: 'bad_url' });
  }
  return {
    provider,
    style,
    baseUrl: baseUrl.replace(/\/+$/, ''),
    authentication: options.authentication ?? facts?.authentication ?? usualAuthentication[style],
    dialect: { ...plainDialect, ...facts?.dialect, ...options.dialect },
    options,
  };
}

const usualAuthentication: Readonly<Record<ApiStyle, Authentication>> = {
  openai: 'bearer',
  anthropic: 'x-api-key',
  gemini: 'x-goog-api-key',
  replicate: 'bearer',
};

/** The request that a prompt becomes at this endpoint. Failures: invalid for what its API cannot carry. */
export function buildRequest(endpoint: Endpoint, prompt: Prompt): ModelRequest {
  const { style, provider, dialect, options } = endpoint;
  const traits = { ...traitsOf(style, provider, prompt.model), ...options.traits?.(prompt.model) };
  const model = options.modelName?.(prompt.model) ?? prompt.model;
  const placed = { ...prompt, traits, model };
  switch (style) {
    case 'openai':
      return buildOpenAiRequest(placed, dialect);
    case 'anthropic':
      return buildAnthropicRequest(placed);
    case 'gemini':
      return buildGeminiRequest(placed);
    case 'replicate':
      return buildReplicateRequest(placed);
    default:
      return style satisfies never;
  }
}

/** The headers that show the secret; none without one. Failures: invalid for one that no header carries; it is not told. */
export function authenticationHeaders(
  { provider, authentication }: Endpoint,
  secret: string | undefined,
): Readonly<Record<string, string>> {
  if (secret === undefined) return {};
  // Said here, because fetch would show the secret in its own error.
  if (!/^[\x21-\x7e]+$/.test(secret)) {
    throw new Failure(
      'invalid',
      `the secret of ${provider} is empty, or has characters that no header carries`,
      {
        reason: 'bad_secret',
      },
    );
  }
  return authentication === 'bearer' ? { authorization: `Bearer ${secret}` } : { [authentication]: secret };
}
