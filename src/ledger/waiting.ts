/**
 * A request that waits for its answer, never longer than its limits: whatever the log does, the caller hears in time.
 * In: a request and how to answer; out: one answer, the first that is given. Who waited too long before the log got the
 * changeset is told that nothing was recorded, and it must not be decided any more; once the log has it, nobody knows.
 */
import { Failure } from '../failure.ts';
import type { ChangesetRequest, ChangesetResult } from './changeset.ts';

export interface AnswerLimits {
  /** The longest wait before the log is given the changeset, milliseconds. */
  readonly waitMs: number;
  /** The longest until the answer, whatever it is; more than `waitMs`. */
  readonly answerMs: number;
}

/** What the API promises: README, "When something is down". */
export const defaultAnswerLimits: AnswerLimits = { waitMs: 10_000, answerMs: 15_000 };

export class Waiting {
  readonly request: ChangesetRequest;
  readonly #settle: {
    readonly resolve: (result: ChangesetResult) => void;
    readonly reject: (failure: unknown) => void;
  };
  readonly #limits: AnswerLimits;
  /** Told when it is over before the log got it. */
  readonly #onOver: (waiting: Waiting) => void;
  #timer: NodeJS.Timeout;
  #isWithLog = false;
  #isAnswered = false;

  constructor(
    request: ChangesetRequest,
    settle: {
      readonly resolve: (result: ChangesetResult) => void;
      readonly reject: (failure: unknown) => void;
    },
    limits: AnswerLimits,
    onOver: (waiting: Waiting) => void,
  ) {
    this.request = request;
    this.#settle = settle;
    this.#limits = limits;
    this.#onOver = onOver;
    this.#timer = setTimeout(() => this.#waitedLongEnough(), limits.waitMs);
  }

  /** Whether it has been answered; then it must not be given to the log. */
  get isAnswered(): boolean {
    return this.#isAnswered;
  }

  readonly resolve = (result: ChangesetResult): void => {
    if (this.#answer()) this.#settle.resolve(result);
  };

  readonly reject = (failure: unknown): void => {
    if (this.#answer()) this.#settle.reject(failure);
  };

  /** From now on the log may have it. */
  handOver(): void {
    this.#isWithLog = true;
  }

  /** The log certainly does not have it: a lost race. */
  takeBack(): void {
    this.#isWithLog = false;
  }

  /** Shortens what is left to `ms`. */
  hurry(ms: number): void {
    if (this.#isAnswered) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#end(), ms);
  }

  #waitedLongEnough(): void {
    if (this.#isWithLog) this.hurry(this.#limits.answerMs - this.#limits.waitMs);
    else this.#end();
  }

  #end(): void {
    if (this.#isAnswered) return;
    this.reject(this.#isWithLog ? noAnswerInTime() : waitedTooLong());
    if (!this.#isWithLog) this.#onOver(this);
  }

  #answer(): boolean {
    if (this.#isAnswered) return false;
    this.#isAnswered = true;
    clearTimeout(this.#timer);
    return true;
  }
}

function waitedTooLong(): Failure {
  return new Failure('unavailable', 'the log did not take the changeset in time; nothing was recorded', {
    reason: 'waited_too_long',
    retryAfterSeconds: 1,
  });
}

function noAnswerInTime(): Failure {
  return new Failure(
    'unavailable',
    'the log did not answer in time: the changeset may or may not have been recorded; ask again with the same Idempotency-Key',
    { reason: 'outcome_unknown', retryAfterSeconds: 1 },
  );
}
