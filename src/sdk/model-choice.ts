/**
 * Which provider and model a feature uses (design note 000, step 2): a runtime configuration comes in, the pair goes out.
 * Pure. What the configuration does not say is answered by the note's defaults, which a fresh ledger has as fallbacks.
 */
import { type ModelKey, modelKeys } from '../domain/model-keys.ts';
import type { ModelParts } from '../domain/model-reference.ts';

/** A RuntimeConfig, or any plain object with values by key. */
type Values = Readonly<Record<string, unknown>>;

/**
 * The value of a key, split at its first slash. A name without a slash is a model of the default provider;
 * no value, another type than text, or nothing behind the slash: both defaults.
 */
export function getModelProviderAndName(
  runtimeConfig: Values,
  configKey: string,
  defaultProvider: string,
  defaultModel: string,
): ModelParts {
  const value = Object.hasOwn(runtimeConfig, configKey) ? runtimeConfig[configKey] : undefined;
  const text = typeof value === 'string' ? value.trim() : '';
  const slash = text.indexOf('/');
  const provider = text.slice(0, Math.max(slash, 0)).trim();
  const model = text.slice(slash + 1).trim();
  if (model === '') return { provider: defaultProvider, model: defaultModel };
  return { provider: provider === '' ? defaultProvider : provider, model };
}

const choiceOf = (key: ModelKey) => {
  const { provider, model } = modelKeys[key];
  return (runtimeConfig: Values): ModelParts => getModelProviderAndName(runtimeConfig, key, provider, model);
};

// The eleven of the note, in its order.
export const getSectionBuilderModel = choiceOf('ai.section_builder.model');
export const getPlannerModel = choiceOf('ai.planner.model');
export const getOutcomesModel = choiceOf('ai.outcomes.model');
export const getRepairModel = choiceOf('ai.repair.model');
export const getFensterModel = choiceOf('ai.fenster.model');
export const getWritingModel = choiceOf('ai.writing.model');
export const getTutorModel = choiceOf('ai.tutor.model');
export const getIllustrationModel = choiceOf('ai.illustration.model');
export const getYoutubeModel = choiceOf('ai.youtube.model');
export const getResearchModel = choiceOf('ai.research.model');
export const getResearchRouterModel = choiceOf('ai.research.router_model');
