/**
 * Requests that wait until the consumers of one ledger have a revision. However many there are, one look at the table serves
 * all: every 200 ms for what other servers heard, and at once when something new was heard here. Nobody who waits holds a
 * connection or a lock, and nobody waits longer than asked, but for the look under way.
 */
import { type ArrivalReport, silentAfterMs } from '../../domain/arrival.ts';
import type { LiveLedger } from '../../ledger/live-ledger.ts';
import { withTimeLimit } from '../../ledger/time-limit.ts';
import { type ArrivalDependencies, reportsNow } from './consumers-now.ts';

interface Waiting {
  readonly revision: number;
  readonly resolve: (report: ArrivalReport | undefined) => void;
  isOver: boolean;
}

const lookMs = 200;
/** A database that does not answer must not keep anybody waiting. */
const lookLimitMs = 2_000;

export class ArrivalWatch {
  readonly #dependencies: ArrivalDependencies;
  readonly #ledger: LiveLedger;
  readonly #waiting = new Set<Waiting>();
  #timer: NodeJS.Timeout | undefined;
  #isLooking = false;
  #isWantedAgain = false;

  constructor(dependencies: ArrivalDependencies, ledger: LiveLedger) {
    this.#dependencies = dependencies;
    this.#ledger = ledger;
  }

  /**
   * Who has a revision and who has not: as soon as every consumer that is not silent has it, after `waitMs` at the latest, or
   * when `gone` says that nobody wants to know any more. Undefined when that cannot be told just now.
   */
  async reached(revision: number, waitMs: number, gone: AbortSignal): Promise<ArrivalReport | undefined> {
    const { promise, resolve } = unsettled<ArrivalReport | undefined>();
    const waiting = { revision, resolve, isOver: waitMs <= 0 || gone.aborted };
    const end = () => {
      waiting.isOver = true;
      this.look();
    };
    this.#waiting.add(waiting);
    const timer = setTimeout(end, waitMs);
    gone.addEventListener('abort', end);
    this.look();
    try {
      return await promise;
    } finally {
      clearTimeout(timer);
      gone.removeEventListener('abort', end);
    }
  }

  /** Looks now, if anybody waits. */
  look(): void {
    if (this.#waiting.size === 0) return;
    if (this.#isLooking) {
      this.#isWantedAgain = true;
      return;
    }
    clearTimeout(this.#timer);
    this.#isLooking = true;
    this.#lookOnce()
      .catch(() => undefined)
      .finally(() => {
        this.#isLooking = false;
        if (this.#isWantedAgain) {
          this.#isWantedAgain = false;
          this.look();
        } else if (this.#waiting.size > 0) this.#timer = setTimeout(() => this.look(), lookMs);
      });
  }

  /** Answers everybody who waits, with what is known. */
  end(): void {
    for (const waiting of this.#waiting) waiting.isOver = true;
    this.look();
  }

  async #lookOnce(): Promise<void> {
    const { reads, now } = this.#dependencies;
    const least = await inTime(reads.leastRevision(this.#ledger.name, now() - silentAfterMs));
    const hasArrived = ({ revision }: Waiting) =>
      least.isKnown && (least.value === undefined || least.value >= revision);
    const ending = [...this.#waiting].filter((waiting) => waiting.isOver || hasArrived(waiting));
    if (ending.length === 0) return;
    const revisions = ending.map(({ revision }) => revision);
    const reports = await inTime(reportsNow(this.#dependencies, this.#ledger, revisions));
    ending.forEach((waiting, index) => {
      this.#waiting.delete(waiting);
      waiting.resolve(reports.isKnown ? reports.value[index] : undefined);
    });
  }
}

function unsettled<T>(): { readonly promise: Promise<T>; readonly resolve: (value: T) => void } {
  let resolve: (value: T) => void = () => undefined;
  const promise = new Promise<T>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}

type Looked<T> = { readonly isKnown: true; readonly value: T } | { readonly isKnown: false };

/** What a read says; unknown when it fails or takes too long. */
function inTime<T>(read: Promise<T>): Promise<Looked<T>> {
  const known = read.then(
    (value): Looked<T> => ({ isKnown: true, value }),
    (): Looked<T> => ({ isKnown: false }),
  );
  return withTimeLimit<Looked<T>>(known, lookLimitMs, () => ({ isKnown: false }));
}
