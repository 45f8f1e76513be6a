/**
 * The eleven model keys that every fresh ledger defines, with their fallbacks.
 * Facts of the design note on runtime configuration (hierarchy user > tenant > tier > global > fallback); data only.
 */
import type { ChangeOf } from '../domain/change.ts';

/** A model key as a fresh ledger defines it. */
export type SeedKey = Omit<ChangeOf<'defineKey'>, 'type'>;

/** The eleven keys, in the order of the note. */
export const seedKeys: readonly SeedKey[] = [
  modelKey('ai.section_builder.model', 'gemini/gemini-2.5-pro', 'Builds lesson sections from the plan'),
  modelKey('ai.planner.model', 'gemini/gemini-2.5-pro', 'Lesson planning'),
  modelKey('ai.outcomes.model', 'gemini/gemini-2.5-flash', 'Preflight validation of outcomes'),
  modelKey('ai.repair.model', 'gemini/gemini-2.5-flash', 'JSON and structure fixing'),
  modelKey('ai.fenster.model', 'gemini/gemini-2.5-flash', 'Widget generation'),
  modelKey('ai.writing.model', 'gemini/gemini-2.5-flash', 'Writing evaluation'),
  modelKey('ai.tutor.model', 'gemini/gemini-2.5-flash', 'Tutoring'),
  modelKey('ai.illustration.model', 'gemini/gemini-2.5-flash-image', 'Image generation'),
  modelKey('ai.youtube.model', 'gemini/gemini-2.0-flash', 'YouTube transcription'),
  modelKey('ai.research.model', 'gemini/gemini-1.5-pro', 'Research discovery'),
  modelKey('ai.research.router_model', 'gemini/gemini-1.5-flash', 'Research classification'),
];

function modelKey(key: string, fallback: string, description: string): SeedKey {
  return { key, valueType: 'model', fallback, defaultProvider: 'gemini', description };
}
