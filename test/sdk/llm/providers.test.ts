/**
 * The table of providers and the traits of models, held against the seed catalogue; what endpoints say over it.
 */
import { describe, expect, test } from 'vitest';
import { authenticationHeaders, buildRequest, endpointOf } from '../../../src/sdk/llm/endpoint.ts';
import { traitsOf } from '../../../src/sdk/llm/model-traits.ts';
import { providers } from '../../../src/sdk/llm/providers.ts';
import catalogue from '../../../src/seed/catalogue.json' with { type: 'json' };
import { promptOf } from '../../support/prompts.ts';

interface Listed {
  readonly id: string;
  readonly provider: string;
  readonly capabilities?: readonly string[];
}
const models: readonly Listed[] = catalogue;
const of = (provider: string) =>
  models
    .filter((model) => model.provider === provider && model.capabilities?.includes('tools'))
    .map(({ id, capabilities = [] }) => [id.slice(provider.length + 1), capabilities] as const);

test('every provider of the catalogue speaks a style', () => {
  const missing = models.filter(({ provider }) => !Object.hasOwn(providers, provider));
  expect(missing.map(({ id }) => id)).toEqual([]);
});

describe('traits agree with the catalogue', () => {
  test.each(of('anthropic'))('anthropic/%s', (model, capabilities) => {
    const traits = traitsOf('anthropic', 'anthropic', model);
    expect(traits.takesSampling).toBe(capabilities.includes('temperature'));
    expect(traits.thinking !== 'none').toBe(capabilities.includes('reasoning'));
  });

  test.each(of('openai'))('openai/%s', (model, capabilities) => {
    const traits = traitsOf('openai', 'openai', model);
    expect(traits.isReasoning).toBe(capabilities.includes('reasoning'));
    expect(traits.takesSampling).toBe(capabilities.includes('temperature'));
  });

  test.each([...of('google'), ...of('gemini')].filter(([model]) => model.startsWith('gemini')))(
    'google/%s',
    (model, capabilities) => {
      expect(traitsOf('gemini', 'google', model).thinking !== 'none').toBe(
        capabilities.includes('reasoning'),
      );
    },
  );
});

describe('an endpoint', () => {
  test('is what is known of the provider, and what the service says over it', () => {
    expect(endpointOf('groq', {})).toMatchObject({
      style: 'openai',
      baseUrl: 'https://api.groq.com/openai/v1',
      authentication: 'bearer',
    });
    expect(endpointOf('groq', { baseUrl: 'http://127.0.0.1:1/v1/' }).baseUrl).toBe('http://127.0.0.1:1/v1');
    expect(endpointOf('mistral', { dialect: { takesTopK: true } }).dialect).toStrictEqual({
      seedField: 'random_seed',
      callIds: 'nine',
      takesTopK: true,
      asksForUsage: false,
      thinking: 'none',
    });
  });

  test('of a provider that nobody knows speaks as OpenAI does, unless it says otherwise', () => {
    const own = { baseUrl: 'https://gateway.example/v1' };
    expect(endpointOf('own', own)).toMatchObject({ style: 'openai', authentication: 'bearer' });
    expect(endpointOf('own', { ...own, style: 'anthropic' })).toMatchObject({
      style: 'anthropic',
      authentication: 'x-api-key',
    });
    // Nothing of the provider's own holds for another style.
    expect(endpointOf('mistral', { ...own, style: 'gemini' })).toMatchObject({
      style: 'gemini',
      authentication: 'x-goog-api-key',
      dialect: { seedField: 'seed' },
    });
  });

  test.each([
    ['bearer', { authorization: 'Bearer s' }],
    ['x-api-key', { 'x-api-key': 's' }],
    ['x-goog-api-key', { 'x-goog-api-key': 's' }],
    ['api-key', { 'api-key': 's' }],
  ] as const)('shows its secret by %s', (authentication, headers) => {
    const endpoint = endpointOf('own', { baseUrl: 'https://g.example', authentication });
    expect(authenticationHeaders(endpoint, 's')).toStrictEqual(headers);
    expect(authenticationHeaders(endpoint, undefined)).toStrictEqual({});
  });

  test('gives models other names and traits', () => {
    const azure = {
      baseUrl: 'https://r.openai.azure.com/openai/v1',
      modelName: (model: string) => `prod-${model}`,
      traits: () => ({ isReasoning: true, takesSampling: false }),
    };
    const endpoint = endpointOf('azure', azure);
    expect(buildRequest(endpoint, promptOf('azure/chat', { maxTokens: 5, temperature: 1 }))).toMatchObject({
      body: { model: 'prod-chat', max_completion_tokens: 5 },
      warnings: [{ code: 'not_carried', path: 'temperature' }],
    });
  });

  test.each([
    ['one without an address of its own', 'azure', {}],
    ['a name that every object has', 'constructor', {}],
    ['an address that is none', 'own', { baseUrl: 'gateway' }],
    ['a file', 'own', { baseUrl: 'file:///etc' }],
  ])('refused: %s', (_, provider, options) => {
    expect(() => endpointOf(provider, options)).toThrow(
      expect.objectContaining({ code: 'invalid', reason: 'bad_url' }),
    );
  });

  test.each([[''], ['two words'], ['s\r\nx: y'], ['schlüssel']])(
    'refused, and not told: the secret %j',
    (secret) => {
      const endpoint = endpointOf('groq', {});
      const message = 'the secret of groq is empty, or has characters that no header carries';
      expect(() => authenticationHeaders(endpoint, secret)).toThrow(
        expect.objectContaining({ code: 'invalid', reason: 'bad_secret', message }),
      );
    },
  );
});
