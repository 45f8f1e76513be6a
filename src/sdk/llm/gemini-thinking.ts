/**
 * How thinking is asked for in Gemini's style (Gemini API, "Thinking"): 2.5 takes a budget of tokens, 3 and later a level. Pure.
 */
import { defined, type JsonObject } from './json-object.ts';
import type { ModelTraits } from './model-traits.ts';
import type { LlmParams } from './params.ts';
import { leftOut, type Prompt, type RequestWarning } from './prompt.ts';

/** The model decides how much. */
const dynamic = -1;

/** What Gemini's own OpenAI-compatible API makes of the words of effort. */
const budgets: Readonly<Record<string, number>> = {
  none: 0,
  minimal: 1_024,
  low: 1_024,
  medium: 8_192,
  high: 24_576,
  xhigh: 24_576,
  max: 24_576,
};

/** 2.5 Pro always thinks. */
const leastOfPro = 128;

/** `thinkingConfig`; undefined when nothing is to be said. */
export function geminiThinking(
  { params, model }: Prompt,
  traits: ModelTraits,
  warnings: RequestWarning[],
): JsonObject | undefined {
  const said = saidThinking(params, model, traits, warnings);
  const config = defined({ ...said, includeThoughts: params.chainOfThought });
  if (traits.thinking === 'none') return undefined;
  return Object.keys(config).length === 0 ? undefined : config;
}

function saidThinking(
  params: LlmParams,
  model: string,
  traits: ModelTraits,
  warnings: RequestWarning[],
): JsonObject {
  if (traits.thinking === 'none') {
    const wishes = Object.fromEntries(
      Object.entries(params).filter(([, value]) => value !== false && value !== 0 && value !== 'none'),
    );
    const names = ['thinkingMode', 'thinkingTokens', 'reasoningEffort', 'chainOfThought'] as const;
    warnings.push(...leftOut(wishes, names, `${model} does not think`));
    return {};
  }
  return traits.thinking === 'level' ? level(params, warnings) : budget(params, model, warnings);
}

function budget(params: LlmParams, model: string, warnings: RequestWarning[]): JsonObject {
  const { thinkingMode, thinkingTokens, reasoningEffort } = params;
  const adjusted = (wanted: number): JsonObject => {
    if (wanted < 0 || wanted >= leastOfPro || !/2\.5-pro/.test(model)) return { thinkingBudget: wanted };
    const message = `${model} always thinks: at least ${leastOfPro} tokens`;
    warnings.push({ code: 'adjusted', path: 'thinkingTokens', message });
    return { thinkingBudget: leastOfPro };
  };
  if (thinkingMode === false || thinkingTokens !== undefined) {
    const why = 'thinkingMode or thinkingTokens say it already';
    warnings.push(...leftOut(params, ['reasoningEffort'], why));
    if (thinkingMode !== false) return adjusted(thinkingTokens ?? dynamic);
    if (thinkingTokens !== 0) warnings.push(...leftOut(params, ['thinkingTokens'], 'thinkingMode is off'));
    return adjusted(0);
  }
  if (reasoningEffort === undefined) return thinkingMode === true ? { thinkingBudget: dynamic } : {};
  const tokens = budgets[reasoningEffort] ?? dynamic;
  warnings.push({ code: 'assumed', path: 'thinkingTokens', message: `the model takes a number: ${tokens}` });
  return adjusted(tokens);
}

function level(params: LlmParams, warnings: RequestWarning[]): JsonObject {
  const { thinkingMode, thinkingTokens, reasoningEffort } = params;
  if (thinkingMode === false || reasoningEffort === 'none') {
    if (thinkingTokens !== 0) {
      warnings.push(...leftOut(params, ['thinkingTokens'], 'the model was told not to think'));
    }
    const path = thinkingMode === false ? 'thinkingMode' : 'reasoningEffort';
    const message = 'the model always thinks: at the level low';
    warnings.push({ code: 'adjusted', path, message });
    return { thinkingLevel: 'low' };
  }
  // A level and a budget at once are refused by the API.
  if (reasoningEffort === undefined) return defined({ thinkingBudget: thinkingTokens });
  warnings.push(...leftOut(params, ['thinkingTokens'], 'reasoningEffort says it already'));
  if (reasoningEffort !== 'xhigh' && reasoningEffort !== 'max') return { thinkingLevel: reasoningEffort };
  const message = 'the highest level of this API is high';
  warnings.push({ code: 'adjusted', path: 'reasoningEffort', message });
  return { thinkingLevel: 'high' };
}
