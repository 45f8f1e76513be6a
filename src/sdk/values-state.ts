/**
 * What a client holds: everything that resolution needs, in as little memory as possible (about 100 bytes an override).
 * In: lines of a snapshot, then whole changesets of the values view; out: the look-ups of domain/resolve.ts.
 * It knows no clock; what turns by itself stands in its timetable.
 */
import { copied } from '../domain/copied.ts';
import { splitOverride } from '../domain/live-state.ts';
import type { ResolutionSlots, ResolutionSource } from '../domain/resolve.ts';
import { splitScope } from '../domain/scope.ts';
import type { KeyState, ModelState, OverrideState, SubjectState } from '../domain/subject-state.ts';
import { Timetable } from '../domain/timetable.ts';
import { OverrideRows } from './override-rows.ts';
import { OverrideTable } from './override-table.ts';

interface ValuesSlots extends ResolutionSlots {
  definition: KeyState | undefined;
  global: OverrideState | undefined;
  readonly tier: OverrideTable;
  readonly tenant: OverrideTable;
  readonly user: OverrideTable;
}

export class ValuesState implements ResolutionSource {
  revision = 0;
  /** Recorded time of the last changeset, epoch milliseconds; "now" is never before it. */
  recordedAt = 0;
  readonly slots = new Map<string, ValuesSlots>();
  /** Of overrides and models the next moment at which each turns by itself. */
  readonly timetable = new Timetable();
  readonly #models = new Map<string, ModelState>();
  readonly #rows = new OverrideRows();

  /** Names of the keys that are defined. */
  keys(): readonly string[] {
    const names: string[] = [];
    for (const { name, definition } of this.slots.values()) {
      if (definition !== undefined && !definition.retired) names.push(name);
    }
    return names;
  }

  model(id: string): ModelState | undefined {
    return this.#models.get(id);
  }

  /** Of a key, an override or a model; undefined for everything else, which is not held. */
  subject(subject: string): SubjectState | undefined {
    const colon = subject.indexOf(':');
    const name = subject.slice(colon + 1);
    switch (subject.slice(0, colon)) {
      case 'override': {
        const [key, scope] = splitOverride(name);
        const { kind, id } = splitScope(scope);
        const slots = this.slots.get(key);
        return kind === 'global' ? slots?.global : slots?.[kind].get(id);
      }
      case 'key':
        return this.slots.get(name)?.definition;
      case 'model':
        return this.model(name);
      default:
        return undefined;
    }
  }

  /** Sets what a subject has come to; what is no key, override or model is left out. */
  put(subject: string, state: SubjectState): void {
    const name = subject.slice(subject.indexOf(':') + 1);
    if ('assertions' in state) this.#putOverride(name, state);
    else if ('definition' in state) this.#slotsOf(name).definition = state;
    else if ('prices' in state) this.#models.set(state.id, state);
    this.timetable.note(subject, state, this.recordedAt);
  }

  #putOverride(name: string, state: OverrideState): void {
    const [key, scope] = splitOverride(name);
    const slots = this.#slotsOf(key);
    const { kind, id } = splitScope(scope);
    if (kind === 'global') slots.global = state;
    else slots[kind].set(id, state);
  }

  #slotsOf(key: string): ValuesSlots {
    const known = this.slots.get(key);
    if (known !== undefined) return known;
    const name = copied(key);
    const slots: ValuesSlots = {
      name,
      definition: undefined,
      global: undefined,
      tier: new OverrideTable(this.#rows),
      tenant: new OverrideTable(this.#rows),
      user: new OverrideTable(this.#rows),
    };
    this.slots.set(name, slots);
    return slots;
  }
}
