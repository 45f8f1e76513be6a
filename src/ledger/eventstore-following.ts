/**
 * Tells who follows an EventStoreDB log that it may have grown: at once for appends of this process, by a subscription for
 * those of others, and by a poll for whatever was lost. A subscription only wakes; it begins after the last revision that is
 * known and is made again, later each time, after any end of it, said or silent.
 */
import type { StreamListener } from './eventstore-streams.ts';
import type { Ledger } from './ledger.ts';

type Follower = Parameters<Ledger['follow']>[1];

export interface EventStoreFollowingOptions {
  readonly pollMs: number;
  readonly headOf: (ledger: string) => Promise<number>;
  /** Listens to what comes after a revision; answers how to stop. */
  readonly listen: (ledger: string, after: number, listener: StreamListener) => () => void;
}

export interface EventStoreFollowing {
  readonly follow: Ledger['follow'];
  /** To be called after an append of this process, with the head that it made. */
  appended(ledger: string, revision: number): void;
  stop(): void;
}

/** One ledger that somebody follows. */
interface Followed {
  readonly followers: Set<Follower>;
  /** The highest revision that is known to stand; undefined until one is. */
  revision: number | undefined;
  /** Whether a wake-up of this turn is under way. */
  isWaking: boolean;
  stopListening: (() => void) | undefined;
  /** Times in a row that listening ended before it began. */
  failures: number;
  again: NodeJS.Timeout | undefined;
}

const firstBackoffMs = 50;
const longestBackoffMs = 5_000;

export function openEventStoreFollowing(options: EventStoreFollowingOptions): EventStoreFollowing {
  const { pollMs, headOf, listen } = options;
  const ledgers = new Map<string, Followed>();
  let isStopped = false;

  const tell = (one: Followed, revision?: number) => {
    for (const onAdvance of one.followers) onAdvance(revision);
  };

  /** A page of a thousand events is one wake-up. */
  const advance = (one: Followed, revision: number) => {
    one.revision = Math.max(one.revision ?? 0, revision);
    if (one.isWaking) return;
    one.isWaking = true;
    setImmediate(() => {
      one.isWaking = false;
      tell(one, one.revision);
    });
  };

  /** Goes on after the last revision that is known; at first that is the head, so that nothing old is sent. */
  async function begin(ledger: string, one: Followed): Promise<void> {
    one.again = undefined;
    try {
      one.revision ??= await headOf(ledger);
    } catch {
      beginLater(ledger, one);
      return;
    }
    if (isStopped || one.followers.size === 0) return;
    one.stopListening = listen(ledger, one.revision, {
      onRevision: (revision) => advance(one, revision),
      onOpen: () => {
        one.failures = 0;
        tell(one);
      },
      onEnd: () => {
        one.stopListening = undefined;
        beginLater(ledger, one);
      },
    });
  }

  function beginLater(ledger: string, one: Followed): void {
    if (isStopped || one.followers.size === 0) return;
    const waitMs = Math.min(longestBackoffMs, firstBackoffMs * 2 ** one.failures);
    one.failures = Math.min(one.failures + 1, 10);
    one.again = setTimeout(() => void begin(ledger, one), waitMs);
    one.again.unref();
  }

  function end(ledger: string, one: Followed): void {
    ledgers.delete(ledger);
    clearTimeout(one.again);
    one.stopListening?.();
  }

  const poll = setInterval(() => {
    for (const one of ledgers.values()) tell(one);
  }, pollMs);
  poll.unref();

  return {
    follow(ledger, onAdvance) {
      let one = ledgers.get(ledger);
      if (one === undefined) {
        one = {
          followers: new Set(),
          revision: undefined,
          isWaking: false,
          stopListening: undefined,
          failures: 0,
          again: undefined,
        };
        ledgers.set(ledger, one);
        void begin(ledger, one);
      }
      const mine = one;
      mine.followers.add(onAdvance);
      return {
        stop: () => {
          mine.followers.delete(onAdvance);
          if (mine.followers.size === 0) end(ledger, mine);
        },
      };
    },
    appended(ledger, revision) {
      // In the next turn: whoever appended has folded its own by then, and need not read it back.
      const one = ledgers.get(ledger);
      if (one !== undefined) advance(one, revision);
    },
    stop() {
      isStopped = true;
      clearInterval(poll);
      for (const [ledger, one] of ledgers) end(ledger, one);
    },
  };
}
