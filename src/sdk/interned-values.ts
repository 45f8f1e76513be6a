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
  /** Lists and objects by their text, and the text of each by its place: whoever was given one may have changed it. */
  readonly #byText = new Map<string, number>();
  readonly #textOf = new Map<number, string>();

  at(place: number): JsonValue {
    return this.#values[place] ?? null;
  }

  /** The place of a value, counted once more. */
  take(value: JsonValue): number {
    const text = sharedText(value);
    const known = text === undefined ? this.#plain.get(value) : this.#byText.get(text);
    if (known !== undefined) {
      this.#counts[known] = (this.#counts[known] ?? 0) + 1;
      return known;
    }
    const place = this.#free.pop() ?? this.#values.length;
    this.#values[place] = value;
    this.#counts[place] = 1;
    if (text === undefined) this.#plain.set(value, place);
    else {
      this.#byText.set(text, place);
      this.#textOf.set(place, text);
    }
    return place;
  }

  /** One reference less. */
  release(place: number): void {
    const left = (this.#counts[place] ?? 0) - 1;
    this.#counts[place] = left;
    if (left > 0) return;
    const text = this.#textOf.get(place);
    if (text === undefined) this.#plain.delete(this.at(place));
    else {
      this.#byText.delete(text);
      this.#textOf.delete(place);
    }
    this.#values[place] = null;
    this.#free.push(place);
  }
}

/** By what a list or an object is found; undefined for what is found by itself, long ones among them. */
function sharedText(value: JsonValue): string | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const text = JSON.stringify(value);
  return text.length <= maxSharedLength ? text : undefined;
}
