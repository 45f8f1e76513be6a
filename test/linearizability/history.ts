/**
 * What clients saw of a Varve with several servers, and what its log holds afterwards: the input of every judgement.
 * Times are milliseconds on the one monotonic clock of the harness, never those of a server.
 */

/** When a client asked, and when it heard; an operation that it never heard of has no end. */
interface Interval {
  readonly call: number;
  readonly return: number | undefined;
}

/** Null: not set. */
export type Value = string | null;

/** One change of a changeset: of an override (`<key>@<scope>`). */
export interface Change {
  readonly subject: string;
  readonly value: Value;
}

/** What a writer makes its write depend on. */
export type Guard =
  | { readonly kind: 'plain' }
  | { readonly kind: 'revision'; readonly expected: number }
  /** Of the subject of the first change. */
  | { readonly kind: 'version'; readonly expected: number };

export interface AnsweredEvent extends Change {
  readonly revision: number;
  readonly version: number;
}

export type Outcome =
  | { readonly kind: 'done'; readonly changesetId: string; readonly events: readonly AnsweredEvent[] }
  /** Nothing had to change; `revision` is the one that the answer is of. */
  | { readonly kind: 'same'; readonly revision: number }
  /** The guard did not hold: the ledger or the subject was at `at`; the server was at `revision`. */
  | { readonly kind: 'moved'; readonly at: number; readonly revision: number }
  /** Told that nothing happened. */
  | { readonly kind: 'refused'; readonly reason: string }
  | { readonly kind: 'unknown' };

/** One wish, however often it was asked: with an idempotency key from the first attempt to the answer that was heard. */
export interface Write extends Interval {
  readonly kind: 'write';
  /** Stands in the reason of every event that comes of it. */
  readonly id: string;
  /** The life of the server that answered at last. */
  readonly server: string;
  readonly changes: readonly Change[];
  readonly guard: Guard;
  readonly isIdempotent: boolean;
  readonly outcome: Outcome;
}

export interface Read extends Interval {
  readonly kind: 'read';
  readonly id: string;
  readonly return: number;
  readonly server: string;
  readonly subject: string;
  readonly minRevision: number | undefined;
  /** It asked for all that any client had heard of before: then it is linearizable, not only consistent. */
  readonly isFresh: boolean;
  /** As the answer says it. */
  readonly revision: number;
  readonly value: Value;
  /** Undefined where the answer does not tell it. */
  readonly version: number | undefined;
}

export type Operation = Write | Read;

export interface LogEvent extends AnsweredEvent {
  readonly changesetId: string;
  readonly last: boolean;
  /** The `id` of the write, from its reason; undefined for what was there before. */
  readonly writeId: string | undefined;
  readonly recordedAt: number;
}

export interface History {
  readonly operations: readonly Operation[];
  /** The whole log, by revision. */
  readonly log: readonly LogEvent[];
}
