/**
 * The base of a service's own providers (design note 001, item 4): `complete` takes parameters as objects, and still takes
 * the old positional ones, which it warns of once. What a provider does is in `completeWith`, which sees the new kind only.
 */
import { Failure } from '../../failure.ts';
import { isObject } from './json-object.ts';
import type { Message } from './message.ts';
import type { GenerationParams, ReasoningParams } from './params.ts';
import { readGenerationParams, readReasoningParams } from './params-spelling.ts';
import type { Tool } from './tool.ts';

/** The code of the deprecation warning, for `process.on('warning', …)` and `--no-deprecation`. */
export const deprecationCode = 'VARVE_DEP001';

const deprecation =
  'LLMProvider.complete(messages, model, temperature, maxTokens, stream, tools) is deprecated: ' +
  'use complete(messages, model, generationParams, reasoningParams)';

export type EmitWarning = (
  message: string,
  options: { readonly type: 'DeprecationWarning'; readonly code: string },
) => void;

/** Warns once, however often it is called. */
export type WarnOnce = () => void;

export function createDeprecationWarning(emit: EmitWarning): WarnOnce {
  let hasWarned = false;
  return () => {
    if (hasWarned) return;
    hasWarned = true;
    emit(deprecation, { type: 'DeprecationWarning', code: deprecationCode });
  };
}

/** Shared by all providers: one warning a process, not one an object. */
const warnOnceAProcess = createDeprecationWarning((message, options) =>
  process.emitWarning(message, options),
);

/** `M` is a message as the service has it, `A` what its providers answer. */
export abstract class LLMProvider<A, M = Message> {
  readonly #warn: WarnOnce;

  constructor(warn: WarnOnce = warnOnceAProcess) {
    this.#warn = warn;
  }

  /** Failures: invalid for parameters that are none, and whatever the provider's own are. */
  complete(
    messages: readonly M[],
    model: string,
    generationParams: GenerationParams,
    reasoningParams?: ReasoningParams,
  ): Promise<A>;
  /**
   * Does the same as `complete(messages, model, { temperature, maxTokens, stream, tools })`; null is "not said".
   * @deprecated since the parameters are objects (design note 001, item 4).
   */
  complete(
    messages: readonly M[],
    model: string,
    temperature: number | null,
    maxTokens?: number | null,
    stream?: boolean | null,
    tools?: readonly Tool[] | null,
  ): Promise<A>;
  async complete(messages: readonly M[], model: string, ...rest: readonly unknown[]): Promise<A> {
    if (!isPositional(rest)) {
      const [generation, reasoning] = rest;
      if (rest.length > 2) {
        throw new Failure('invalid', 'complete takes messages, model, generationParams, reasoningParams', {
          reason: 'bad_params',
        });
      }
      return this.completeWith(
        messages,
        model,
        readGenerationParams(generation ?? {}),
        reasoning === undefined || reasoning === null ? undefined : readReasoningParams(reasoning),
      );
    }
    this.#warn();
    const [temperature, maxTokens, stream, tools] = rest;
    const generation = readGenerationParams({ temperature, maxTokens, stream, tools });
    return this.completeWith(messages, model, generation, undefined);
  }

  /** One completion. The parameters are checked; absent ones are the API's defaults. */
  protected abstract completeWith(
    messages: readonly M[],
    model: string,
    generationParams: GenerationParams,
    reasoningParams: ReasoningParams | undefined,
  ): Promise<A>;
}

/**
 * Told by what stands there: a temperature is a number, parameters are an object. Where neither is said the fourth tells, and
 * where that says nothing either, only an old call has null there or more than the new one takes.
 */
function isPositional(rest: readonly unknown[]): boolean {
  const [third, fourth] = rest;
  if (third !== undefined && third !== null) return typeof third === 'number';
  if (isObject(fourth)) return false;
  return third === null || fourth === null || typeof fourth === 'number' || rest.length > 2;
}
