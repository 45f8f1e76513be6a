/**
 * The overrides of one key in the scopes of one kind, by id: a row's number, or the whole state where a row cannot say it.
 */
import { copied } from '../domain/copied.ts';
import type { OverrideState } from '../domain/subject-state.ts';
import { type OverrideRows, plainAssertion } from './override-rows.ts';

export class OverrideTable {
  readonly #rows: OverrideRows;
  readonly #byId = new Map<string, number | OverrideState>();

  constructor(rows: OverrideRows) {
    this.#rows = rows;
  }

  get size(): number {
    return this.#byId.size;
  }

  get(id: string): OverrideState | undefined {
    const found = this.#byId.get(id);
    return typeof found === 'number' ? this.#rows.read(found) : found;
  }

  /** Takes the place of what was there; one that says nothing any more is forgotten. */
  set(id: string, state: OverrideState): void {
    const before = this.#byId.get(id);
    if (typeof before === 'number') this.#rows.remove(before);
    if (state.assertions.length === 0) {
      this.#byId.delete(id);
      return;
    }
    const plain = plainAssertion(state);
    const kept = plain === undefined ? state : this.#rows.add(state.version, plain);
    this.#byId.set(before === undefined ? copied(id) : id, kept);
  }
}
