/**
 * Questions about where values come from and their answers, as types; bound to a pool with the others (questions.ts).
 */
import type { RecordedEvent } from './event.ts';
import type { Moment } from './questions.ts';
import type { Resolution } from './resolve.ts';
import type { Context } from './scope.ts';

/** A key and context, and a stretch of what services saw: from one moment to a later one. */
export interface DifferenceQuestion {
  readonly key: string;
  readonly context: Context;
  /** `at` is not before the revision was recorded. */
  readonly from: Moment;
  readonly to: Moment;
}

/** Where a key first answers with another value, or becomes known or unknown. */
export interface FirstDifference {
  /** The first revision that was recorded with it or after it; null when there is none in the stretch. */
  readonly revision: number | null;
  /** Epoch milliseconds. */
  readonly at: number;
  /** Just before; undefined where the key is not defined. */
  readonly before: Resolution | undefined;
  readonly after: Resolution | undefined;
  /** The event that made the difference; undefined when time alone did: a start, an end, a sunset. */
  readonly event: RecordedEvent | undefined;
}

export interface BlameReads {
  /** Undefined when nothing differs. Failures: `limited` after 200,000 events about the value, `corrupt`. */
  firstDifference(ledger: string, question: DifferenceQuestion): Promise<FirstDifference | undefined>;
  /** The event that deprecated each of these models last, as of a revision; those that never were are left out. */
  deprecations(
    ledger: string,
    asOf: number,
    ids: readonly string[],
  ): Promise<ReadonlyMap<string, RecordedEvent>>;
}
