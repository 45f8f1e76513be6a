/**
 * The LLM client: of each call the model, the parameters and the secret are asked for, a request is made of them, and the
 * answer is told together with the choice that it rests on. Nothing is kept from one call to the next.
 */
import type { JsonValue } from '../../domain/json.ts';
import { readModelReference } from '../../domain/model-reference.ts';
import type { ResolvedModel } from '../../domain/resolve.ts';
import type { Context } from '../../domain/scope.ts';
import { Failure } from '../../failure.ts';
import type { Resolved, Varve } from '../varve.ts';
import type { ModelAnswer } from './answer.ts';
import { type Endpoint, type Endpoints, endpointOf } from './endpoint.ts';
import type { LlmChunk, LlmClient, LlmClientOptions, LlmRequest, LlmResult } from './llm-client.ts';
import { type Message, readMessages } from './message.ts';
import { type ModelCall, prepareCall } from './model-call.ts';
import type { LlmParams } from './params.ts';
import { overrideParams, readLlmParams } from './params-spelling.ts';
import type { ProviderHttp } from './provider-http.ts';
import { createUsageReporter, type UsageReporter } from './usage-reporter.ts';

/** What the composition root hands down. */
export interface LlmClientParts {
  readonly random: () => number;
  readonly newId: () => string;
}

interface Choice {
  readonly context: Context;
  readonly resolved: Resolved;
  readonly model: ResolvedModel;
  readonly params: LlmParams;
}

/** What is settled when a call is made, before anything is waited for. */
interface DecidedCall {
  readonly request: LlmRequest;
  readonly messages: readonly Message[];
  readonly choice: Choice;
  readonly endpoint: Endpoint;
  readonly secretAddress: string | undefined;
}

interface PreparedCall extends DecidedCall {
  readonly call: ModelCall;
}

const defaultTimeoutMs = 120_000;
const maxRetries = 10;

export function openLlmClient(varve: Varve, options: LlmClientOptions, parts: LlmClientParts): LlmClient {
  const { retries = 2, timeoutMs: usualTimeoutMs = defaultTimeoutMs, onTrouble = () => undefined } = options;
  const endpoints = endpointsOf(options);
  const http: ProviderHttp = {
    fetch: options.fetch ?? globalThis.fetch,
    random: parts.random,
    now: () => varve.now(),
    retries: Math.min(Math.max(0, Math.trunc(retries)), maxRetries),
  };
  const reporter: UsageReporter | undefined =
    options.reportUsage === true
      ? createUsageReporter({
          api: varve.api,
          newId: parts.newId,
          now: () => varve.now(),
          onTrouble,
          everyMs: options.reportEveryMs ?? 5_000,
        })
      : undefined;

  // Waits for nothing, so that model, parameters and secret are of one revision and of who asks now; async for its failures.
  const decide = async (request: LlmRequest): Promise<DecidedCall> => {
    const messages = readMessages(request.messages);
    const choice = choose(varve, options, request);
    const { provider } = choice.model;
    const endpoint = endpoints.get(provider);
    if (endpoint === undefined) {
      throw new Failure('unavailable', `this service has no endpoint for the provider ${provider}`, {
        reason: 'no_endpoint',
      });
    }
    return {
      request,
      messages,
      choice,
      endpoint,
      secretAddress: secretAddressOf(varve, endpoint, choice.context),
    };
  };

  const prepare = async (decided: DecidedCall, forced: Pick<LlmParams, 'stream'>): Promise<PreparedCall> => {
    const { request, messages, choice, endpoint, secretAddress } = decided;
    const { provider, model } = choice.model;
    const secret = await readSecret(endpoint, secretAddress, options);
    const { settings, signal, timeoutMs = usualTimeoutMs } = request;
    const prompt = {
      provider,
      model,
      messages,
      params: { ...choice.params, ...forced },
      ...(settings === undefined ? {} : { settings }),
    };
    return {
      ...decided,
      call: prepareCall(http, endpoint, prompt, { timeoutMs, signal, secret, newId: parts.newId }),
    };
  };

  const conclude = ({ request, choice, call }: PreparedCall, answer: ModelAnswer): LlmResult => {
    const { resolved, model, context } = choice;
    const { key } = request;
    const { usage } = answer;
    if (usage !== undefined) reporter?.add({ key, model: model.id, context, usage });
    return {
      ...answer,
      model,
      revision: resolved.revision,
      ...(resolved.arm === undefined ? {} : { arm: resolved.arm }),
      resolved,
      warnings: call.warnings,
    };
  };

  async function* chunksOf(decided: Promise<DecidedCall>): AsyncGenerator<LlmChunk, void, undefined> {
    const prepared = await prepare(await decided, { stream: true });
    const answer = yield* prepared.call.chunks();
    yield { type: 'end', result: conclude(prepared, answer) };
  }

  return {
    complete: async (request) => {
      const prepared = await prepare(await decide(request), {});
      return conclude(prepared, await prepared.call.answer());
    },
    stream: (request) => {
      const decided = decide(request);
      // Told in the loop; one that never begins is no failure.
      decided.catch(() => undefined);
      return chunksOf(decided);
    },
    flushUsage: async () => reporter?.flush(),
    close: async () => reporter?.close(),
  };
}

/** By provider. Failures: invalid for what could only fail later, in a call. */
function endpointsOf({ endpoints, readSecret: read }: LlmClientOptions): ReadonlyMap<string, Endpoint> {
  const entries = Object.entries(endpoints).map(([provider, each]): [string, Endpoint] => {
    if (each.secretKey !== undefined && read === undefined) {
      const message = `the endpoint of ${provider} has a secretKey, but there is no readSecret`;
      throw new Failure('invalid', message, { reason: 'no_secret' });
    }
    return [provider, endpointOf(provider, each)];
  });
  return new Map(entries);
}

function choose(varve: Varve, options: LlmClientOptions, request: LlmRequest): Choice {
  const { key, fallback, overrides } = request;
  const context = { ...(request.context ?? options.contextProvider?.() ?? varve.asking()) };
  const resolved = varve.resolve(key, context, fallback === undefined ? {} : { fallback });
  const ledgerParams = paramsOf(varve, request, context);
  return {
    context,
    resolved,
    model: resolved.model ?? modelOf(resolved.value, key, options.endpoints),
    params: overrides === undefined ? ledgerParams : overrideParams(ledgerParams, overrides),
  };
}

/** The parameters that the ledger says; none when the key that goes by convention is not defined. */
function paramsOf(varve: Varve, request: LlmRequest, context: Context): LlmParams {
  const { key, paramsKey, fallback } = request;
  if (paramsKey === null) return {};
  const name = paramsKey ?? conventionalParamsKey(key);
  if (name === undefined) return {};
  // Who has a model for the time without values goes on without parameters then.
  const isLenient = paramsKey === undefined || fallback !== undefined;
  const { value, failure } = varve.resolve<JsonValue>(name, context, isLenient ? { fallback: null } : {});
  const isForgiven =
    failure?.code === 'unavailable' || (failure?.code === 'not_found' && paramsKey === undefined);
  if (failure !== undefined && !isForgiven) throw failure;
  if (value === null) return {};
  try {
    return readLlmParams(value);
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    throw new Failure('invalid', `the ledger's ${name} holds no parameters: ${error.message}`, {
      reason: 'bad_params',
      details: error.details,
      cause: error,
    });
  }
}

/** `ai.planner.model` → `ai.planner.params`, `ai.research.router_model` → `ai.research.router_params`. */
function conventionalParamsKey(key: string): string | undefined {
  return /(^|[._])model$/.test(key) ? key.replace(/model$/, 'params') : undefined;
}

/** Of the caller's fallback, of which the catalogue was not asked. */
function modelOf(value: JsonValue, key: string, endpoints: Endpoints): ResolvedModel {
  const knows = (provider: string) => Object.hasOwn(endpoints, provider);
  const read = typeof value === 'string' ? readModelReference(value, undefined, knows) : undefined;
  if (read === undefined || 'problem' in read) {
    throw new Failure('invalid', `${key} names no model: ${read?.problem ?? 'its value is no text'}`, {
      reason: 'not_a_model',
    });
  }
  const slash = read.id.indexOf('/');
  return {
    id: read.id,
    provider: read.id.slice(0, slash),
    model: read.id.slice(slash + 1),
    status: 'unlisted',
  };
}

/** Where the ledger says that the secret is; undefined for an endpoint that brings its own. */
function secretAddressOf(varve: Varve, { options }: Endpoint, context: Context): string | undefined {
  if (options.secretKey === undefined) return undefined;
  const address = varve.value(options.secretKey, context);
  if (typeof address === 'string') return address;
  throw new Failure('invalid', `${options.secretKey} is no address of a secret`, { reason: 'not_a_secret' });
}

async function readSecret(
  { options: { apiKey } }: Endpoint,
  address: string | undefined,
  { readSecret: read }: LlmClientOptions,
): Promise<string | undefined> {
  return address === undefined ? apiKey?.() : read?.(address);
}
