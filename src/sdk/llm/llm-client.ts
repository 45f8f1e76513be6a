/**
 * Calls of the models that the ledger names: each call asks Varve anew for its model and parameters, for its context, so
 * that what is changed counts from the next call on and for nobody else (design note 001, item 3). Types here; the calls
 * themselves in open-llm-client.ts, put together in create-llm-client.ts.
 */
import type { JsonValue } from '../../domain/json.ts';
import type { ResolvedModel } from '../../domain/resolve.ts';
import type { Context } from '../../domain/scope.ts';
import type { Failure } from '../../failure.ts';
import type { Resolved } from '../varve.ts';
import type { ModelAnswer, ModelChunk } from './answer.ts';
import type { Endpoints } from './endpoint.ts';
import type { JsonObject } from './json-object.ts';
import type { Message } from './message.ts';
import type { LlmParams } from './params.ts';
import type { RequestWarning } from './prompt.ts';

export interface LlmClientOptions {
  /** By provider: how this service reaches it. A provider that is not among them is not called. */
  readonly endpoints: Endpoints;
  /** Brings the secret that an address of the ledger names: `vault:…`, `env:…`. Needed for endpoints with a `secretKey`. */
  readonly readSecret?: (address: string) => string | Promise<string>;
  /** Who is asking when a call does not say; when it is absent or does not say either, whoever Varve says (`asking`). */
  readonly contextProvider?: () => Context | undefined;
  /** Whether the tokens that the API tells are reported to the server, with key, model and context; not when absent. */
  readonly reportUsage?: boolean;
  /** How long usage is gathered; 5,000 when absent. */
  readonly reportEveryMs?: number;
  /** Of a whole answer with all attempts, and of the longest silence of `stream`; 120,000 when absent. */
  readonly timeoutMs?: number;
  /** How often a call is tried again after 408, 429, 5xx or a broken connection (Replicate: 429 alone); 2 when absent, at most 10. */
  readonly retries?: number;
  /** Told of what goes wrong behind the calls: usage that was not taken. */
  readonly onTrouble?: (failure: Failure) => void;
  readonly fetch?: typeof globalThis.fetch;
}

/** Parameters of one call; null takes away what the ledger says. */
export type ParamOverrides = { readonly [P in keyof LlmParams]: LlmParams[P] | null };

export interface LlmRequest {
  /** A key of type model: `ai.planner.model`. */
  readonly key: string;
  readonly messages: readonly Message[];
  /** Stands alone: nothing of who is asking otherwise is mixed into it. */
  readonly context?: Context;
  /**
   * A key of type object that holds the parameters. When absent: the key's name with `params` in place of `model`
   * (`ai.planner.params`), if it is defined; null for none.
   */
  readonly paramsKey?: string | null;
  /** Over the parameters of the ledger. */
  readonly overrides?: ParamOverrides;
  /** Fields of the model's own API, beside the parameters. */
  readonly settings?: JsonObject;
  /** The model when Varve has none to answer: `openai/gpt-4o`. */
  readonly fallback?: string;
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

export interface LlmResult extends ModelAnswer {
  readonly model: ResolvedModel;
  /** Of the event that chose the model; 0 for the caller's fallback. */
  readonly revision: number;
  /** Of an A/B test. */
  readonly arm?: string;
  /** All that is known about the choice. */
  readonly resolved: Resolved<JsonValue>;
  /** What the API could not carry as it was said. */
  readonly warnings: readonly RequestWarning[];
}

/** A piece of an answer; the last one holds the whole. */
export type LlmChunk = ModelChunk | { readonly type: 'end'; readonly result: LlmResult };

export interface LlmClient {
  /**
   * The whole answer. Failures: those of `Varve.resolve`; `invalid` for parameters and messages that are none or do not fit
   * the API; `unavailable` (no_endpoint, not_reached, timed_out, aborted, broken_answer, provider_failed); `limited`,
   * `unauthenticated`, `forbidden`, `not_found`, `refused` as the provider says.
   */
  complete(request: LlmRequest): Promise<LlmResult>;
  /**
   * The answer as it is written; the same failures, in the loop, and `unavailable` (cut_off). Who is asking, and with that model
   * and parameters, is decided here; the call is made when the loop begins. Leaving the loop ends it.
   */
  stream(request: LlmRequest): AsyncIterable<LlmChunk>;
  /** Reports the usage that waits. Failures: those of the server; it goes on waiting then. */
  flushUsage(): Promise<void>;
  /** Reports the usage that waits, and reports no more. Calls that run go on. */
  close(): Promise<void>;
}
