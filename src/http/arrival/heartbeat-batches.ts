/**
 * Heartbeats of one ledger on their way to the table, many in one statement. What says something new is written within 50 ms,
 * and its sender hears when it is; what changes nothing but the time is answered at once and written within five seconds. So a
 * thousand processes at a heartbeat every ten seconds are one statement every five seconds.
 */
import { type ConsumerName, type Heartbeat, maxConsumers } from '../../domain/arrival.ts';
import { Failure } from '../../failure.ts';

export interface BatchOptions {
  /** Keeps up to 1,000 heartbeats and answers those that were not: no room, or repeats of who is not known. */
  readonly keep: (heartbeats: readonly Heartbeat[]) => Promise<readonly ConsumerName[]>;
  /** Called when something new was kept. */
  readonly onNews: () => void;
  /** 50 when absent. */
  readonly soonMs?: number;
  /** Within which what changes nothing but the time is written. */
  readonly laterMs: number;
}

/** The latest heartbeat of a process, and who waits to hear that it is kept. */
interface Pending {
  readonly heartbeat: Heartbeat;
  readonly senders: readonly { readonly resolve: () => void; readonly reject: (failure: unknown) => void }[];
}

const statementSize = 1_000;

/** A heartbeat may come in so much later than the good-bye that was sent after it, by another connection. */
const lateMs = 2_000;

export class HeartbeatBatches {
  readonly #options: BatchOptions;
  /** What each process has said, as far as this server kept it; emptied when it is full, which costs a few writes. */
  readonly #told = new Map<string, number>();
  /** When who said good-bye, the latest last; who has said it longest ago is dropped when it is full. */
  readonly #left = new Map<string, number>();
  readonly #pending = new Map<string, Pending>();
  #timer: NodeJS.Timeout | undefined;
  #isSoon = false;
  #flushing: Promise<void> | undefined;

  constructor(options: BatchOptions) {
    this.#options = options;
  }

  /**
   * Takes a heartbeat; the latest of a process stands, and what a good-bye has overtaken is passed over. Failures: limited,
   * unavailable.
   */
  note(heartbeat: Heartbeat): Promise<void> {
    const name = nameOf(heartbeat);
    if (heartbeat.isLeaving) this.#rememberLeft(name, heartbeat.at);
    else if (heartbeat.at <= this.#countedFrom(name, heartbeat)) return Promise.resolve();
    const { senders = [] } = this.#pending.get(name) ?? {};
    if (this.#pending.size >= maxConsumers && !this.#pending.has(name)) return Promise.reject(tooMany());
    if (!heartbeat.isLeaving && this.#told.get(name) === heartbeat.revision) {
      this.#pending.set(name, { heartbeat, senders });
      this.#plan(false);
      return Promise.resolve();
    }
    return new Promise((resolve, reject) => {
      this.#pending.set(name, { heartbeat, senders: [...senders, { resolve, reject }] });
      this.#plan(true);
    });
  }

  /** Writes what is left. */
  async end(): Promise<void> {
    await this.#flushing;
    if (this.#pending.size > 0) await this.#flush();
    clearTimeout(this.#timer);
  }

  #plan(isSoon: boolean): void {
    const isPlanned = this.#timer !== undefined && (this.#isSoon || !isSoon);
    if (isPlanned || this.#flushing !== undefined) return;
    clearTimeout(this.#timer);
    this.#isSoon = isSoon;
    const { soonMs = 50, laterMs } = this.#options;
    this.#timer = setTimeout(() => void this.#flush(), isSoon ? soonMs : laterMs);
    this.#timer.unref();
  }

  #flush(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#flushing ??= this.#write().finally(() => {
      this.#flushing = undefined;
      const left = [...this.#pending.values()];
      if (left.length > 0) this.#plan(left.some(({ senders }) => senders.length > 0));
    });
    return this.#flushing;
  }

  async #write(): Promise<void> {
    const all = [...this.#pending.values()];
    this.#pending.clear();
    for (let start = 0; start < all.length; start += statementSize) {
      await this.#writeSome(all.slice(start, start + statementSize));
    }
  }

  /** What could not be kept is told to who waits; the others say the same again in a few seconds. */
  async #writeSome(some: readonly Pending[]): Promise<void> {
    try {
      const refused = new Set((await this.#options.keep(some.map(toBeKept))).map(nameOf));
      if (some.some(({ senders }) => senders.length > 0)) this.#options.onNews();
      for (const { heartbeat, senders } of some) {
        const name = nameOf(heartbeat);
        if (heartbeat.isLeaving || refused.has(name)) this.#told.delete(name);
        else this.#remember(name, heartbeat.revision);
        for (const { resolve, reject } of senders) {
          if (refused.has(name)) reject(tooMany());
          else resolve();
        }
      }
    } catch (failure) {
      for (const { senders } of some) for (const { reject } of senders) reject(failure);
    }
  }

  #rememberLeft(name: string, at: number): void {
    this.#left.delete(name);
    const [oldest] = this.#left.keys();
    if (this.#left.size >= maxConsumers && oldest !== undefined) this.#left.delete(oldest);
    this.#left.set(name, at);
  }

  /**
   * What is heard up to then does not count any more. A process with a name of its own that comes again sooner is taken with
   * its next heartbeat; without one others may speak under its name, and only what was heard before is late.
   */
  #countedFrom(name: string, { instance }: ConsumerName): number {
    const left = this.#left.get(name) ?? Number.NEGATIVE_INFINITY;
    return instance === '' ? left : left + lateMs;
  }

  #remember(name: string, revision: number): void {
    if (this.#told.size >= maxConsumers * 2) this.#told.clear();
    this.#told.set(name, revision);
  }
}

/** What nobody waits for was said and kept before. */
function toBeKept({ heartbeat, senders }: Pending): Heartbeat {
  return senders.length === 0 ? { ...heartbeat, isRepeat: true } : heartbeat;
}

function nameOf({ client, instance }: ConsumerName): string {
  return JSON.stringify([client, instance]);
}

function tooMany(): Failure {
  return new Failure('limited', `a ledger has at most ${maxConsumers} consumers`, {
    reason: 'too_many_consumers',
    retryAfterSeconds: 60,
  });
}
