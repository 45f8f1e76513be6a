/**
 * Values that many overrides share, each kept once. In: JSON values; out: their places.
 * A value that nobody refers to any more gives its place free.
 */
import type { JsonValue } from '../domain/json.ts';

/** Longer texts of lists and objects are not compared: each has a place of its own. */
const maxSharedLength = 4_096;

export class InternedValues {
  readonly #values: JsonValue[] = [];
  readonly #counts: number[] = [];
  readonly #free: number[] = [];
  readonly #plain = new Map<JsonValue, number>();
  /** Lists and objects by their text. */
  readonly #texts = new Map<string, number>();

  at(place: number): JsonValue {
    return this.#values[place] ?? null;
  }

  /** The place of a value, counted once more. */
  take(value: JsonValue): number {
    const isPlain = typeof value !== 'object' || value === null;
    const known = isPlain ? this.#plain.get(value) : undefined;
    if (known !== undefined) return this.#counted(known);
    const text = isPlain ? undefined : JSON.stringify(value);
    const isShared = text !== undefined && text.length <= maxSharedLength;
    const same = isShared ? this.#texts.get(text) : undefined;
    if (same !== undefined) return this.#counted(same);
    const place = this.#free.pop() ?? this.#values.length;
    this.#values[place] = value;
    this.#counts[place] = 1;
    if (isPlain) this.#plain.set(value, place);
    else if (isShared) this.#texts.set(text, place);
    return place;
  }

  /** One reference less. */
  release(place: number): void {
    const left = (this.#counts[place] ?? 0) - 1;
    this.#counts[place] = left;
    if (left > 0) return;
    const value = this.at(place);
    if (typeof value !== 'object' || value === null) this.#plain.delete(value);
    else {
      const text = JSON.stringify(value);
      if (text.length <= maxSharedLength) this.#texts.delete(text);
    }
    this.#values[place] = null;
    this.#free.push(place);
  }

  #counted(place: number): number {
    this.#counts[place] = (this.#counts[place] ?? 0) + 1;
    return place;
  }
}
