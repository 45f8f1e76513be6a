/**
 * Proof of arrival: which process has applied which revision, judged from what each says of itself. Pure.
 * Processes tell their revision by heartbeats; several of them may have one name, and are told apart by an instance.
 */
import type { Page, PageRequest } from './questions.ts';
import type { Context } from './scope.ts';

/** Heard of, but behind for longer than this: stuck. */
export const stuckAfterMs = 30_000;
/** Not heard of for longer than this: silent, and not waited for. Six heartbeats of the SDK. */
export const silentAfterMs = 60_000;
/** The most consumers of a ledger. */
export const maxConsumers = 10_000;
/** The most names in each list of a report. */
export const maxReported = 1_000;

/** What a process says of itself. */
export interface Heartbeat {
  readonly client: string;
  /** Empty when it does not say. */
  readonly instance: string;
  /** What it has applied. */
  readonly revision: number;
  /** When it was heard, epoch milliseconds. */
  readonly at: number;
  /** It says good-bye: it is not to be waited for any more. */
  readonly isLeaving: boolean;
  /** It says what it said before: where it is not known (any more), it said good-bye elsewhere, and is not taken for new. */
  readonly isRepeat?: true;
}

/** A process that was heard of; times are epoch milliseconds. */
export interface Consumer {
  readonly client: string;
  readonly instance: string;
  readonly revision: number;
  readonly firstSeenAt: number;
  readonly lastSeenAt: number;
  /** When it said another revision than before for the last time. */
  readonly movedAt: number;
}

export const consumerStates = ['current', 'behind', 'stuck', 'silent'] as const;
export type ConsumerState = (typeof consumerStates)[number];

/** From where consumers are judged. */
export interface Vantage {
  readonly now: number;
  readonly head: number;
  /** The head as it was `stuckAfterMs` ago. */
  readonly headThen: number;
}

/**
 * How a consumer is doing. Whoever has not even what was the head half a minute ago has been behind for so long; a process that
 * is younger than that may still be starting.
 */
export function consumerState(consumer: Consumer, { now, head, headThen }: Vantage): ConsumerState {
  if (isSilent(consumer, now)) return 'silent';
  if (consumer.revision >= head) return 'current';
  const isOld = consumer.firstSeenAt <= now - stuckAfterMs;
  return isOld && consumer.revision < headThen ? 'stuck' : 'behind';
}

export interface MissingConsumer extends Pick<Consumer, 'client' | 'instance' | 'revision' | 'lastSeenAt'> {
  readonly state: ConsumerState;
}

/** Who has a revision and who has not. */
export interface ArrivalReport {
  readonly revision: number;
  /** Names of which every process that is heard of has it; at most 1,000. */
  readonly reached: readonly string[];
  readonly reachedCount: number;
  /** Processes that have not, silent ones included; at most 1,000. */
  readonly missing: readonly MissingConsumer[];
  readonly missingCount: number;
}

/** Judges consumers, which come in order of name. */
export function arrivalReport(
  consumers: readonly Consumer[],
  revision: number,
  vantage: Vantage,
): ArrivalReport {
  const reached = new Set<string>();
  const lacking = new Set<string>();
  const missing: MissingConsumer[] = [];
  let missingCount = 0;
  for (const consumer of consumers) {
    if (consumer.revision >= revision) {
      reached.add(consumer.client);
      continue;
    }
    missingCount += 1;
    if (!isSilent(consumer, vantage.now)) lacking.add(consumer.client);
    if (missing.length >= maxReported) continue;
    const { client, instance, lastSeenAt } = consumer;
    const state = consumerState(consumer, vantage);
    missing.push({ client, instance, revision: consumer.revision, state, lastSeenAt });
  }
  const names = [...reached].filter((name) => !lacking.has(name));
  return {
    revision,
    reached: names.slice(0, maxReported),
    reachedCount: names.length,
    missing,
    missingCount,
  };
}

function isSilent({ lastSeenAt }: Consumer, now: number): boolean {
  return lastSeenAt < now - silentAfterMs;
}

/** A user's context, and when and how it was seen last. */
export interface ActiveContext {
  readonly context: Context & { readonly user: string };
  readonly lastSeenAt: number;
  readonly how: 'usage' | 'consumer';
}

/** A process's place in the order of consumers. */
export type ConsumerName = Pick<Consumer, 'client' | 'instance'>;

export interface ArrivalReads {
  /** Up to `limit` (at most 1,000) consumers behind a name, by client and instance; fewer only at the end. */
  consumers(ledger: string, after: ConsumerName | undefined, limit: number): Promise<readonly Consumer[]>;
  /** The lowest revision of the consumers that were heard of since a time; undefined when there is none. */
  leastRevision(ledger: string, heardSince: number): Promise<number | undefined>;
  /** Contexts with a user that were seen since a time, last seen first. Failure `invalid` for a bad cursor. */
  activeContexts(ledger: string, seenSince: number, page: PageRequest): Promise<Page<ActiveContext>>;
}
