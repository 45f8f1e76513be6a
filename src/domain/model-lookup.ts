/**
 * Finding the model that a change is about, in any spelling, and carrying over what imports tell of its date.
 */
import { refuse } from './decision.ts';
import type { View } from './live-state.ts';
import { canonicalModelId } from './model-reference.ts';
import type { ModelState } from './subject-state.ts';

/** The model of that id, `openai/gpt-4o` or `openai:gpt-4o`. Refuses what is unknown or removed. */
export function standingModel(view: View, spelling: string): ModelState {
  const id = canonicalModelId(spelling, (provider) => view.knowsProvider(provider));
  const model = view.model(id);
  if (model === undefined) throw refuse('unknown_model', `the catalogue does not know the model ${id}`);
  if (model.status === 'removed') throw refuse('removed_model', `the model ${id} was removed; add it again`);
  return model;
}

/** The date that the source of a change gives, as it stands in the event. */
export function observedIn(change: { readonly observedAt?: string }): { readonly observedAt?: string } {
  return change.observedAt === undefined ? {} : { observedAt: change.observedAt };
}
