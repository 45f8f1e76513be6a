/**
 * Excerpts: just enough of a state that resolve() answers some keys for some contexts.
 * A live state changes in place while somebody waits; an excerpt of it stays, and may be changed into what might be
 * (world.ts). In: a state, keys and contexts; out: their definitions, overrides and models, as they were held.
 */
import { emptySlots, type KeySlots, splitOverride } from '../live-state.ts';
import { valuesOf } from '../model-uses.ts';
import { maxSuccessors, type ResolutionSlots, type ResolutionSource } from '../resolve.ts';
import { type Context, type Scope, splitScope } from '../scope.ts';
import type {
  KeyState,
  ModelState,
  OverrideAssertion,
  OverrideState,
  SubjectState,
} from '../subject-state.ts';

/** Keys with the contexts that ask them; an excerpt may know of more. */
export type Asked = ReadonlyMap<string, readonly Context[]>;

export class Excerpt implements ResolutionSource {
  readonly slots = new Map<string, KeySlots>();
  readonly #models = new Map<string, ModelState>();

  model(id: string): ModelState | undefined {
    return this.#models.get(id);
  }

  /** The key's slots, without overrides where it is new here. */
  putKey(definition: KeyState): KeySlots {
    const name = definition.definition.key;
    const known = this.slots.get(name);
    if (known !== undefined) {
      known.definition = definition;
      return known;
    }
    const slots = { ...emptySlots(name), definition };
    this.slots.set(name, slots);
    return slots;
  }

  putModel(model: ModelState): void {
    this.#models.set(model.id, model);
  }

  /** Overrides of a key that is not here are of no use, nor is anything but keys, overrides and models. */
  put(subject: string, state: SubjectState): void {
    if ('definition' in state) this.putKey(state);
    else if ('prices' in state) this.putModel(state);
    else if ('assertions' in state) {
      const [key, scope] = splitOverride(subject.slice(subject.indexOf(':') + 1));
      const slots = this.slots.get(key);
      if (slots !== undefined) putOverride(slots, scope, state);
    }
  }

  /** Every override that is here may be replaced by what `change` makes of it. */
  changeOverrides(change: (override: OverrideState) => OverrideState): void {
    for (const slots of this.slots.values()) {
      if (slots.global !== undefined) slots.global = change(slots.global);
      for (const kind of kinds) {
        for (const [id, override] of slots[kind]) slots[kind].set(id, change(override));
      }
    }
  }

  /** The models that fallbacks and overrides name. */
  namedModels(): ReadonlySet<string> {
    const named = new Set<string>();
    for (const { definition, global, ...layers } of this.slots.values()) {
      if (definition?.definition.valueType !== 'model') continue;
      addText(named, definition.definition.fallback);
      if (global !== undefined) addNamed(named, global);
      for (const kind of kinds) for (const override of layers[kind].values()) addNamed(named, override);
    }
    return named;
  }
}

/** The part of a state that is asked. */
export function excerptOf(state: ResolutionSource, asked: Asked): Excerpt {
  const excerpt = new Excerpt();
  for (const [key, contexts] of asked) {
    const from = state.slots.get(key);
    if (from?.definition === undefined) continue;
    copyOverrides(from, excerpt.putKey(from.definition), contexts, (override) => override);
  }
  for (const model of followedModels(state, excerpt.namedModels())) excerpt.putModel(model);
  return excerpt;
}

/** Copies the overrides that contexts ask, each as `take` has it; what that leaves undefined is not there. */
export function copyOverrides(
  from: ResolutionSlots,
  to: KeySlots,
  contexts: readonly Context[],
  take: (override: OverrideState, scope: () => Scope) => OverrideState | undefined,
): void {
  if (from.global !== undefined) to.global = take(from.global, () => 'global');
  for (const context of contexts) {
    for (const kind of kinds) {
      const id = context[kind];
      if (id === undefined || to[kind].has(id)) continue;
      const override = from[kind].get(id);
      const taken = override === undefined ? undefined : take(override, () => `${kind}:${id}`);
      if (taken !== undefined) to[kind].set(id, taken);
    }
  }
}

/** The models that are named, and the successors that resolution may follow from them; unknown ones are left out. */
export function followedModels(
  source: Pick<ResolutionSource, 'model'>,
  named: Iterable<string>,
): Iterable<ModelState> {
  const found = new Map<string, ModelState>();
  for (const id of named) {
    let model = source.model(id);
    for (let step = 0; model !== undefined && step <= maxSuccessors; step++) {
      found.set(model.id, model);
      model = model.successor === undefined ? undefined : source.model(model.successor);
    }
  }
  return found.values();
}

/**
 * What an override said as of an earlier revision, if its state of today still tells all that it ever said: then each of
 * its events asserted something, and nothing was taken back or forgotten since. Otherwise undefined: the read models know.
 */
export function assertionsThen(
  { version, assertions }: OverrideState,
  asOf: number,
): readonly OverrideAssertion[] | undefined {
  if (assertions.length !== version) return undefined;
  return assertions.filter(({ revision }) => revision <= asOf);
}

const kinds = ['user', 'tenant', 'tier'] as const;

function putOverride(slots: KeySlots, scope: Scope, override: OverrideState): void {
  const { kind, id } = splitScope(scope);
  if (kind === 'global') slots.global = override;
  else slots[kind].set(id, override);
}

function addNamed(named: Set<string>, { assertions }: OverrideState): void {
  for (const assertion of assertions) for (const value of valuesOf(assertion)) addText(named, value);
}

function addText(named: Set<string>, value: unknown): void {
  if (typeof value === 'string') named.add(value);
}
