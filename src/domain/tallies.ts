/**
 * Tallies: how many standing models each provider has, and how many subjects name each model.
 * In: a subject's state before and after; out: counts, so that "who stands on this model?" is mostly answered without
 * looking through a million overrides. A count of names is an upper bound: what has ended is counted until it is touched.
 */
import type { OverrideAssertion, SubjectState } from './subject-state.ts';

export class Tallies {
  readonly #providers = new Map<string, number>();
  readonly #names = new Map<string, number>();

  /** Counts a subject's old state out and its new one in. */
  move(before: SubjectState | undefined, after: SubjectState): void {
    if (before !== undefined) this.#count(before, -1);
    this.#count(after, 1);
  }

  /** Adds what another one has counted. */
  absorb(other: Tallies): void {
    for (const [provider, count] of other.#providers) add(this.#providers, provider, count);
    for (const [id, count] of other.#names) add(this.#names, id, count);
  }

  /** Models of a provider that are not removed; a difference, perhaps below zero, in an overlay. */
  modelsOf(provider: string): number {
    return this.#providers.get(provider) ?? 0;
  }

  /** Successors, fallbacks and override values that name a model; a difference in an overlay. */
  namesOf(id: string): number {
    return this.#names.get(id) ?? 0;
  }

  #count(state: SubjectState, step: number): void {
    if ('assertions' in state) {
      for (const assertion of state.assertions) this.#countAssertion(assertion, step);
    } else if ('prices' in state) {
      if (state.status !== 'removed') add(this.#providers, state.provider, step);
      if (state.successor !== undefined) add(this.#names, state.successor, step);
    } else if ('definition' in state) this.#countValue(state.definition.fallback, step);
  }

  #countAssertion(assertion: OverrideAssertion, step: number): void {
    if (assertion.kind === 'value') this.#countValue(assertion.value, step);
    else if (assertion.kind === 'allocation') {
      for (const arm of assertion.value.arms) this.#countValue(arm.value, step);
    }
  }

  /** Keys of other types are not told apart here: a text with a slash may be a model. */
  #countValue(value: unknown, step: number): void {
    if (typeof value === 'string' && value.includes('/')) add(this.#names, value, step);
  }
}

function add(counts: Map<string, number>, name: string, step: number): void {
  const count = (counts.get(name) ?? 0) + step;
  if (count === 0) counts.delete(name);
  else counts.set(name, count);
}
