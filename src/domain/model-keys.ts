/**
 * The eleven model keys of the design note on runtime configuration, each with the model that it falls back to.
 * Facts only: a fresh ledger is told them (seed/keys.ts), and the SDK answers them where there is no ledger's word.
 */
import type { ModelParts } from './model-reference.ts';

interface ModelKeyFacts extends ModelParts {
  readonly description: string;
}

const gemini = (model: string, description: string): ModelKeyFacts => ({
  provider: 'gemini',
  model,
  description,
});

/** By key, in the order of the note. */
export const modelKeys = {
  'ai.section_builder.model': gemini('gemini-2.5-pro', 'Builds lesson sections from the plan'),
  'ai.planner.model': gemini('gemini-2.5-pro', 'Lesson planning'),
  'ai.outcomes.model': gemini('gemini-2.5-flash', 'Preflight validation of outcomes'),
  'ai.repair.model': gemini('gemini-2.5-flash', 'JSON and structure fixing'),
  'ai.fenster.model': gemini('gemini-2.5-flash', 'Widget generation'),
  'ai.writing.model': gemini('gemini-2.5-flash', 'Writing evaluation'),
  'ai.tutor.model': gemini('gemini-2.5-flash', 'Tutoring'),
  'ai.illustration.model': gemini('gemini-2.5-flash-image', 'Image generation'),
  'ai.youtube.model': gemini('gemini-2.0-flash', 'YouTube transcription'),
  'ai.research.model': gemini('gemini-1.5-pro', 'Research discovery'),
  'ai.research.router_model': gemini('gemini-1.5-flash', 'Research classification'),
} as const satisfies Readonly<Record<string, ModelKeyFacts>>;

export type ModelKey = keyof typeof modelKeys;
