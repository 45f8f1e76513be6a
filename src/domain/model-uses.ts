/**
 * Who stands on a model: overrides in force or scheduled, arms, fallbacks and successors.
 * A model that something stands on is not removed, so that no value dangles in silence.
 */
import type { JsonValue } from './json.ts';
import type { View } from './live-state.ts';
import type { OverrideAssertion } from './subject-state.ts';

/** The first uses of a model, at most `limit`, each as a phrase for people. */
export function usesOf(view: View, id: string, now: number, limit: number): readonly string[] {
  const uses: string[] = [];
  // Looking through a million overrides takes 0.1 s and more, so it ends when all that may name the model are found.
  let unseen = view.namesOf(id);
  if (unseen <= 0) return uses;
  for (const { phrase, times, stands } of naming(view, id, now)) {
    if (stands) uses.push(phrase);
    unseen -= times;
    if (unseen <= 0 || uses.length >= limit) break;
  }
  return uses;
}

/** The first uses of each of many models, at most `limit` each, in one go over everything that stands. */
export function usesOfMany(
  view: View,
  ids: ReadonlySet<string>,
  now: number,
  limit: number,
): ReadonlyMap<string, readonly string[]> {
  const uses = new Map<string, string[]>();
  const note = (id: JsonValue | undefined, phrase: () => string): void => {
    if (typeof id !== 'string' || !ids.has(id)) return;
    const known = uses.get(id);
    if (known === undefined) uses.set(id, [phrase()]);
    else if (known.length < limit) known.push(phrase());
  };
  if (![...ids].some((id) => view.namesOf(id) > 0)) return uses;
  for (const model of view.models()) note(model.successor, () => `the successor of ${model.id}`);
  for (const { definition, retired } of view.keys()) {
    const { key, valueType, fallback } = definition;
    if (valueType !== 'model' || retired) continue;
    note(fallback, () => `the fallback of ${key}`);
    for (const [scope, { assertions }] of view.overridesOf(key)) {
      for (const assertion of assertions) {
        if (assertion.until <= now) continue;
        for (const value of valuesOf(assertion)) note(value, () => `${key} for ${scope}`);
      }
    }
  }
  return uses;
}

interface Naming {
  readonly phrase: string;
  /** How often the subject names the model. */
  readonly times: number;
  /** False for what is over. */
  readonly stands: boolean;
}

function* naming(view: View, id: string, now: number): Iterable<Naming> {
  for (const model of view.models()) {
    if (model.successor === id) yield { phrase: `the successor of ${model.id}`, times: 1, stands: true };
  }
  for (const { definition, retired } of view.keys()) {
    const { key, valueType, fallback } = definition;
    if (valueType !== 'model' || retired) continue;
    if (fallback === id) yield { phrase: `the fallback of ${key}`, times: 1, stands: true };
    for (const [scope, { assertions }] of view.overridesOf(key)) {
      if (!assertions.some((assertion) => names(assertion, id))) continue;
      const found = assertions.filter((assertion) => names(assertion, id));
      yield {
        phrase: `${key} for ${scope}`,
        times: found.length,
        stands: found.some(({ until }) => until > now),
      };
    }
  }
}

/** The values that an assertion can answer: its value, or those of its arms. */
export function valuesOf(assertion: OverrideAssertion): readonly JsonValue[] {
  switch (assertion.kind) {
    case 'value':
      return [assertion.value];
    case 'allocation':
      return assertion.value.arms.map((arm) => arm.value);
    case 'cleared':
      return [];
    default:
      return assertion satisfies never;
  }
}

function names(assertion: OverrideAssertion, id: string): boolean {
  if (assertion.kind === 'value') return assertion.value === id;
  return valuesOf(assertion).includes(id);
}
