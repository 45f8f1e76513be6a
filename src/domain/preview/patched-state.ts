/**
 * A patched state: a state for resolving in which some subjects are otherwise than in the one below, which stays as it is.
 * In: subjects and what they are instead; out: look-ups. Both sides of a preview are one: the live state as it stood
 * while it moves on (holdState), and that with the previewed change on top.
 */
import { type LiveState, splitOverride } from '../live-state.ts';
import type { ResolutionSource } from '../resolve.ts';
import { splitScope } from '../scope.ts';
import type { KeyState, ModelState, OverrideState, SubjectState } from '../subject-state.ts';

/** Overrides of one kind of scope of a key, by the scope's id. */
export interface OverridesById extends Iterable<readonly [id: string, state: OverrideState]> {
  readonly size: number;
  get(id: string): OverrideState | undefined;
}

/** Of one key what is said about it; a KeySlots of the live state is one. */
export interface StateSlots {
  readonly name: string;
  readonly definition: KeyState | undefined;
  readonly global: OverrideState | undefined;
  readonly tier: OverridesById;
  readonly tenant: OverridesById;
  readonly user: OverridesById;
}

interface StateBelow extends ResolutionSource {
  readonly slots: { get(key: string): StateSlots | undefined; keys(): Iterable<string> };
}

export class PatchedState implements StateBelow {
  readonly slots = {
    get: (key: string): StateSlots | undefined => this.#slotsOf(key),
    /** The keys that are here, each once. */
    keys: (): Iterable<string> => this.#keys(),
  };
  readonly #below: StateBelow;
  /** Made when a key is first asked about or patched: what may change below is told to a held state before it does. */
  readonly #slots = new Map<string, PatchedSlots | undefined>();
  readonly #models = new Map<string, ModelState | undefined>();

  constructor(below: StateBelow) {
    this.#below = below;
  }

  model(id: string): ModelState | undefined {
    const patched = this.#models.get(id);
    if (patched !== undefined || this.#models.has(id)) return patched;
    return this.#below.model(id);
  }

  /** From now on the subject is this, or not there. Tags, API keys and ledgers mean nothing to resolution. */
  put(subject: string, state: SubjectState | undefined): void {
    const name = subject.slice(subject.indexOf(':') + 1);
    if (subject.startsWith('override:')) {
      this.#putOverride(name, state !== undefined && 'assertions' in state ? state : undefined);
    } else if (subject.startsWith('key:')) {
      const slots = this.#slotsOf(name, state !== undefined);
      if (slots !== undefined) {
        slots.definition = state !== undefined && 'definition' in state ? state : undefined;
      }
    } else if (subject.startsWith('model:')) {
      this.#models.set(name, state !== undefined && 'prices' in state ? state : undefined);
    }
  }

  #putOverride(name: string, state: OverrideState | undefined): void {
    const [key, scope] = splitOverride(name);
    const slots = this.#slotsOf(key, state !== undefined);
    const { kind, id } = splitScope(scope);
    if (kind !== 'global') slots?.[kind].put(id, state);
    else if (slots !== undefined) slots.global = state;
  }

  #slotsOf(key: string, isNeeded = false): PatchedSlots | undefined {
    const made = this.#slots.get(key);
    if (made !== undefined || (!isNeeded && this.#slots.has(key))) return made;
    const below = this.#below.slots.get(key);
    const slots = below === undefined && !isNeeded ? undefined : slotsOver(key, below);
    this.#slots.set(key, slots);
    return slots;
  }

  *#keys(): Iterable<string> {
    for (const key of this.#below.slots.keys()) if (this.#slotsOf(key) !== undefined) yield key;
    for (const [key, slots] of this.#slots) {
      if (slots !== undefined && this.#below.slots.get(key) === undefined) yield key;
    }
  }
}

/** A state as it stands now, whatever the live one takes meanwhile; to be released, or the live one tells it for ever. */
export function holdState(live: LiveState): { readonly state: PatchedState; release(): void } {
  const state = new PatchedState(live);
  const kept = new Set<string>();
  const release = live.beforeChange((subject, before) => {
    if (kept.has(subject)) return;
    kept.add(subject);
    state.put(subject, before);
  });
  return { state, release };
}

interface PatchedSlots extends StateSlots {
  definition: KeyState | undefined;
  global: OverrideState | undefined;
  readonly tier: PatchedOverrides;
  readonly tenant: PatchedOverrides;
  readonly user: PatchedOverrides;
}

function slotsOver(name: string, below: StateSlots | undefined): PatchedSlots {
  return {
    name,
    definition: below?.definition,
    global: below?.global,
    tier: new PatchedOverrides(below?.tier ?? nobody),
    tenant: new PatchedOverrides(below?.tenant ?? nobody),
    user: new PatchedOverrides(below?.user ?? nobody),
  };
}

const nobody: OverridesById = new Map();

class PatchedOverrides implements OverridesById {
  readonly #below: OverridesById;
  /** Undefined: not there. */
  readonly #patch = new Map<string, OverrideState | undefined>();

  constructor(below: OverridesById) {
    this.#below = below;
  }

  get size(): number {
    let { size } = this.#below;
    for (const [id, state] of this.#patch) {
      const isBelow = this.#below.get(id) !== undefined;
      if (isBelow !== (state !== undefined)) size += isBelow ? -1 : 1;
    }
    return size;
  }

  get(id: string): OverrideState | undefined {
    if (this.#patch.size > 0 && this.#patch.has(id)) return this.#patch.get(id);
    return this.#below.get(id);
  }

  put(id: string, state: OverrideState | undefined): void {
    this.#patch.set(id, state);
  }

  /**
   * May be interrupted while what is below grows and changes: a Map's iterator goes on, what is new is patched away, and
   * what was passed already does not come again.
   */
  *[Symbol.iterator](): Iterator<readonly [id: string, state: OverrideState]> {
    for (const entry of this.#below) {
      const [id] = entry;
      if (this.#patch.size === 0 || !this.#patch.has(id)) yield entry;
      else {
        const state = this.#patch.get(id);
        if (state !== undefined) yield [id, state];
      }
    }
    for (const [id, state] of this.#patch) {
      if (state !== undefined && this.#below.get(id) === undefined) yield [id, state];
    }
  }
}
