/**
 * Overrides that say one value from a moment on without an end, which are nearly all: rows in typed columns, 24 bytes each.
 * In: the state of such an override; out: the number of its row, and the state again, made when it is asked for.
 */
import { forever } from '../domain/assertion.ts';
import type { OverrideAssertion, OverrideState } from '../domain/subject-state.ts';
import { InternedValues } from './interned-values.ts';

type PlainAssertion = OverrideAssertion & { readonly kind: 'value' };

/** Columns grow by this share: what stands empty costs memory, what grows is copied. */
const growth = 1.25;

export class OverrideRows {
  #version = new Uint32Array(64);
  #value = new Uint32Array(64);
  #revision = new Float64Array(64);
  /** Epoch milliseconds. */
  #from = new Float64Array(64);
  readonly #values = new InternedValues();
  readonly #free: number[] = [];
  #used = 0;

  /** Keeps an override that `plainAssertion` finds; answers its row. */
  add(version: number, { revision, from, value }: PlainAssertion): number {
    const row = this.#free.pop() ?? this.#used++;
    if (row >= this.#version.length) this.#grow();
    this.#version[row] = version;
    this.#value[row] = this.#values.take(value);
    this.#revision[row] = revision;
    this.#from[row] = from;
    return row;
  }

  /** The row may be used for another override. */
  remove(row: number): void {
    this.#values.release(this.#value[row] ?? 0);
    this.#free.push(row);
  }

  read(row: number): OverrideState {
    const assertion = {
      revision: this.#revision[row] ?? 0,
      from: this.#from[row] ?? 0,
      until: forever,
      kind: 'value' as const,
      value: this.#values.at(this.#value[row] ?? 0),
    };
    return { version: this.#version[row] ?? 0, assertions: [assertion] };
  }

  #grow(): void {
    const size = Math.ceil(this.#version.length * growth);
    this.#version = copied(this.#version, new Uint32Array(size));
    this.#value = copied(this.#value, new Uint32Array(size));
    this.#revision = copied(this.#revision, new Float64Array(size));
    this.#from = copied(this.#from, new Float64Array(size));
  }
}

/** The one assertion of an override that fits into a row; undefined when it says more. */
export function plainAssertion({ assertions }: OverrideState): PlainAssertion | undefined {
  const only = assertions[0];
  const isPlain = assertions.length === 1 && only?.kind === 'value' && only.until === forever;
  return isPlain ? only : undefined;
}

function copied<A extends Uint32Array | Float64Array>(from: A, to: A): A {
  to.set(from);
  return to;
}
