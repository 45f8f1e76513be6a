/**
 * How thinking is asked for in Anthropic's style, and how many tokens the answer may have with it (Anthropic, "Extended
 * thinking", "Adaptive thinking", "Effort"). Pure.
 */
import type { JsonObject } from './json-object.ts';
import type { ModelTraits } from './model-traits.ts';
import type { LlmParams } from './params.ts';
import { leftOut, type Prompt, type RequestWarning, unfit } from './prompt.ts';

interface Thinking {
  readonly maxTokens: number;
  readonly isThinking: boolean;
  readonly fields: JsonObject;
}

/** The API wants a limit; what even its oldest models may answer. */
const assumedMaxTokens = 4_096;
const leastBudget = 1_024;

/** Budgets for words of effort, for models that know budgets only: powers of two from the least one on. */
const budgets: Readonly<Record<string, number>> = {
  minimal: leastBudget,
  low: leastBudget,
  medium: 2_048,
  high: 4_096,
  xhigh: 8_192,
  max: 16_384,
};

/** Failures: invalid for a budget below 1,024, or one that leaves no token of maxTokens for the answer. */
export function anthropicThinking(
  { params, model }: Prompt,
  traits: ModelTraits,
  warnings: RequestWarning[],
): Thinking {
  const effort = effortOf(params, traits, warnings);
  const isThinking = traits.thinking !== 'none' && wantsThinking(params, traits);
  if (!isThinking) {
    const mode = params.thinkingMode === true ? (['thinkingMode'] as const) : [];
    const words =
      traits.takesEffort || params.reasoningEffort === 'none' ? [] : (['reasoningEffort'] as const);
    const why = traits.thinking === 'none' ? `${model} does not think` : 'the model was told not to think';
    warnings.push(...leftOut(params, [...mode, ...words], why));
    if (params.thinkingTokens !== 0) warnings.push(...leftOut(params, ['thinkingTokens'], why));
    if (params.chainOfThought === true) warnings.push(...leftOut(params, ['chainOfThought'], why));
    return { maxTokens: limitOf(params, 0, warnings), isThinking, fields: effort };
  }
  const display =
    params.chainOfThought === undefined ? {} : { display: params.chainOfThought ? 'summarized' : 'omitted' };
  if (traits.thinking !== 'budget') {
    warnings.push(...leftOut(params, ['thinkingTokens'], `${model} says itself how much it thinks`));
    const fields = { thinking: { type: 'adaptive', ...display }, ...effort };
    return { maxTokens: limitOf(params, 0, warnings), isThinking, fields };
  }
  const budget = budgetOf(params, traits, warnings);
  const maxTokens = limitOf(params, budget, warnings);
  if (budget >= maxTokens) {
    throw unfit(
      'thinkingTokens',
      `${budget} to think leave nothing of maxTokens, ${maxTokens}, for the answer`,
    );
  }
  const fields = { thinking: { type: 'enabled', budget_tokens: budget, ...display }, ...effort };
  return { maxTokens, isThinking, fields };
}

function wantsThinking(
  { thinkingMode, thinkingTokens, reasoningEffort }: LlmParams,
  traits: ModelTraits,
): boolean {
  if (thinkingMode !== undefined) return thinkingMode;
  if (thinkingTokens !== undefined) return thinkingTokens > 0;
  return !traits.takesEffort && reasoningEffort !== undefined && reasoningEffort !== 'none';
}

function effortOf(
  { reasoningEffort }: LlmParams,
  { takesEffort }: ModelTraits,
  warnings: RequestWarning[],
): JsonObject {
  // `none` is the word for not thinking: nothing is asked for.
  if (!takesEffort || reasoningEffort === undefined || reasoningEffort === 'none') return {};
  if (reasoningEffort !== 'minimal') return { output_config: { effort: reasoningEffort } };
  warnings.push({
    code: 'adjusted',
    path: 'reasoningEffort',
    message: 'the least effort of this API is low',
  });
  return { output_config: { effort: 'low' } };
}

function budgetOf(
  { thinkingTokens, reasoningEffort }: LlmParams,
  { takesEffort }: ModelTraits,
  warnings: RequestWarning[],
): number {
  if (thinkingTokens !== undefined) {
    if (!takesEffort && reasoningEffort !== undefined) {
      const message = 'thinkingTokens say it already, and the model knows no word';
      warnings.push({ code: 'not_carried', path: 'reasoningEffort', message });
    }
    if (thinkingTokens >= leastBudget) return thinkingTokens;
    throw unfit('thinkingTokens', `this API wants at least ${leastBudget}`);
  }
  const budget = budgets[reasoningEffort ?? 'low'] ?? leastBudget;
  warnings.push({ code: 'assumed', path: 'thinkingTokens', message: `this API wants a number: ${budget}` });
  return budget;
}

function limitOf({ maxTokens }: LlmParams, budget: number, warnings: RequestWarning[]): number {
  if (maxTokens !== undefined) return maxTokens;
  const limit = assumedMaxTokens + budget;
  warnings.push({ code: 'assumed', path: 'maxTokens', message: `this API wants a limit: ${limit}` });
  return limit;
}
