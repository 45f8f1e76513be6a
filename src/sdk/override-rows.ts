/**
 * Overrides that say one value from a moment on without an end, which are nearly all: rows of numbers, 32 bytes each.
 * In: the state of such an override; out: the number of its row, and the state again, made when it is asked for.
 * A row stands in one line of the processor's cache: as four columns, a resolution among 100,000 took a sixth longer (Node 20).
 */
import { forever } from '../domain/assertion.ts';
import type { OverrideAssertion, OverrideState } from '../domain/subject-state.ts';
import { InternedValues } from './interned-values.ts';

type PlainAssertion = OverrideAssertion & { readonly kind: 'value' };

/** Version, revision, start in epoch milliseconds, and the place of the value. */
const width = 4;

/** Space grows by this share: what stands empty costs memory, what grows is copied. */
const growth = 1.25;

export class OverrideRows {
  #rows = new Float64Array(64 * width);
  readonly #values = new InternedValues();
  readonly #free: number[] = [];
  #used = 0;

  /** Keeps an override that `plainAssertion` finds; answers its row. */
  add(version: number, { revision, from, value }: PlainAssertion): number {
    const row = this.#free.pop() ?? this.#used++;
    const start = row * width;
    if (start >= this.#rows.length) this.#grow();
    this.#rows[start] = version;
    this.#rows[start + 1] = revision;
    this.#rows[start + 2] = from;
    this.#rows[start + 3] = this.#values.take(value);
    return row;
  }

  /** The row may be used for another override. */
  remove(row: number): void {
    this.#values.release(this.#rows[row * width + 3] ?? 0);
    this.#free.push(row);
  }

  read(row: number): OverrideState {
    const rows = this.#rows;
    const start = row * width;
    const assertion = {
      revision: rows[start + 1] ?? 0,
      from: rows[start + 2] ?? 0,
      until: forever,
      kind: 'value' as const,
      value: this.#values.at(rows[start + 3] ?? 0),
    };
    return { version: rows[start] ?? 0, assertions: [assertion] };
  }

  #grow(): void {
    const rows = new Float64Array(Math.ceil((this.#rows.length / width) * growth) * width);
    rows.set(this.#rows);
    this.#rows = rows;
  }
}

/** The one assertion of an override that fits into a row; undefined when it says more. */
export function plainAssertion({ assertions }: OverrideState): PlainAssertion | undefined {
  const only = assertions[0];
  const isPlain = assertions.length === 1 && only?.kind === 'value' && only.until === forever;
  return isPlain ? only : undefined;
}
