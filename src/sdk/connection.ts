/**
 * Keeps the values up to date for as long as a client lives: a snapshot first, then the stream, or asking again and again
 * where streams do not come through. Whatever fails is told, and tried again later; what is held stays.
 */
import { Failure } from '../failure.ts';
import type { ValuesChangeset } from './apply-changeset.ts';
import { type Backoff, createBackoff } from './backoff.ts';
import type { OnPiece } from './cache-file.ts';
import type { HeldValues } from './held-values.ts';
import { createNap } from './nap.ts';
import type { ReadSnapshot, ServerReads } from './server-reads.ts';
import type { VarveParts } from './varve-parts.ts';

type Transport = 'stream' | 'polling' | 'none';

interface ConnectionOn {
  readonly values: HeldValues;
  readonly reads: ServerReads;
  readonly parts: Pick<VarveParts, 'random' | 'elapsed' | 'waits'>;
  readonly transport: 'auto' | 'stream' | 'polling';
  readonly pollMs: number;
  /** Called once before everything else: values that need no server. */
  readonly restore: () => Promise<void>;
  /** Gets the snapshot that the values begin with, or begin anew with. */
  readonly load: (snapshot: (onPiece?: OnPiece) => Promise<ReadSnapshot>) => Promise<void>;
  readonly apply: (changeset: ValuesChangeset) => Promise<void>;
  /** Transport or failure changed, or values turned out to be the server's. */
  readonly onChange: () => void;
  readonly onTrouble: (failure: Failure) => void;
}

/** Starts at once. */
export class Connection {
  readonly #on: ConnectionOn;
  readonly #backoff: Backoff;
  readonly #nap = createNap({ keepsAlive: true });
  readonly #ending = new AbortController();
  readonly #running: Promise<void>;
  #transport: Transport = 'none';
  #failure: Failure | undefined;
  #needsSnapshot = false;
  /** The server has another log than what is held: a snapshot may be of any revision. */
  #isOtherLog = false;
  /** Until when streams are not tried, by elapsed time. */
  #pollsUntil = Number.NEGATIVE_INFINITY;
  /** The last stream gave nothing: whether asking works decides what was to blame. */
  #doubtsStreams = false;

  constructor(on: ConnectionOn) {
    this.#on = on;
    this.#backoff = createBackoff(on.parts.random, on.parts.waits);
    this.#running = this.#run();
  }

  get transport(): Transport {
    return this.#transport;
  }

  /** What went wrong last, while it has not come right since. */
  get failure(): Failure | undefined {
    return this.#failure;
  }

  /** Comes again at once where it would wait. */
  hurry(): void {
    this.#nap.wake();
  }

  /** The server told how long its clients wait before they come again. */
  startRetriesAt(ms: number): void {
    this.#backoff.startAt(ms);
  }

  /** Ends what is open; resolves when nothing goes on any more. */
  async close(): Promise<void> {
    this.#ending.abort();
    this.#nap.wake();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { signal } = this.#ending;
    try {
      await this.#on.restore();
    } catch (error) {
      this.#failed(error);
    }
    while (!signal.aborted) {
      let waitMs: number;
      try {
        waitMs = await this.#once();
      } catch (error) {
        if (signal.aborted) break;
        waitMs = this.#failed(error);
      }
      if (!signal.aborted) await this.#nap.sleep(waitMs);
    }
  }

  /** One attempt; answers how long to wait before the next. */
  async #once(): Promise<number> {
    const { values, transport, pollMs, parts } = this.#on;
    if (values.loaded === undefined || this.#needsSnapshot) await this.#load();
    if (transport === 'polling' || this.#doubtsStreams || parts.elapsed() < this.#pollsUntil) {
      await this.#poll();
      return pollMs;
    }
    await this.#follow();
    return this.#backoff.next();
  }

  async #load(): Promise<void> {
    const { values, reads, load } = this.#on;
    const minRevision = this.#isOtherLog ? 0 : values.revision;
    const log = this.#isOtherLog ? undefined : values.loaded?.log;
    const { signal } = this.#ending;
    await load((onPiece) => reads.snapshot({ minRevision, log, signal, ...(onPiece && { onPiece }) }));
    this.#needsSnapshot = false;
    this.#isOtherLog = false;
    this.#wentWell(this.#transport);
  }

  async #poll(): Promise<void> {
    const { values, reads, apply, parts } = this.#on;
    await reads.follow({
      revision: values.revision,
      log: values.loaded?.log,
      isFollowing: false,
      signal: this.#ending.signal,
      apply,
      onOpen: nothing,
      onCaughtUp: nothing,
    });
    values.confirm();
    if (this.#doubtsStreams) this.#pollsUntil = parts.elapsed() + parts.waits.streamAgainMs;
    this.#doubtsStreams = false;
    this.#wentWell('polling');
  }

  async #follow(): Promise<void> {
    const { values, reads, apply } = this.#on;
    await reads.follow({
      revision: values.revision,
      log: values.loaded?.log,
      isFollowing: true,
      signal: this.#ending.signal,
      apply,
      onOpen: () => this.#wentWell('stream'),
      onCaughtUp: () => {
        values.confirm();
        this.#on.onChange();
      },
    });
    this.#isNow('none', undefined);
  }

  #failed(thrown: unknown): number {
    const { parts, transport, values, onTrouble } = this.#on;
    const trouble =
      thrown instanceof Failure
        ? thrown
        : new Failure('corrupt', 'following the server failed', { reason: 'bug', cause: thrown });
    // What did not fit leaves the state behind: only a whole one helps.
    if (trouble.code === 'corrupt' || isOfOtherLog(trouble)) this.#needsSnapshot = true;
    if (isOfOtherLog(trouble)) this.#isOtherLog = true;
    const mayPoll = transport === 'auto' && values.loaded !== undefined && !this.#doubtsStreams;
    this.#doubtsStreams = mayPoll && this.#transport !== 'stream' && speaksAgainstStreams(trouble);
    this.#isNow('none', trouble);
    onTrouble(trouble);
    // Values of the file that are of another log should answer nobody for long.
    if (this.#doubtsStreams || (isOfOtherLog(trouble) && values.loaded?.source === 'file')) return 0;
    return isLasting(trouble)
      ? parts.waits.maxRetryMs * (0.5 + parts.random() / 2)
      : this.#backoff.next((trouble.retryAfterSeconds ?? 0) * 1_000);
  }

  #wentWell(by: Transport): void {
    this.#backoff.succeeded();
    this.#isNow(by, undefined);
  }

  #isNow(transport: Transport, failure: Failure | undefined): void {
    if (this.#transport === transport && this.#failure === failure) return;
    this.#transport = transport;
    this.#failure = failure;
    this.#on.onChange();
  }
}

const nothing = () => undefined;

/** A stream that did not open although the server may well be there. */
function speaksAgainstStreams({ reason }: Failure): boolean {
  return (
    reason === 'silent' ||
    reason === 'timed_out' ||
    reason === 'foreign_answer' ||
    reason === 'too_many_streams'
  );
}

/** What is held has no place in the server's log. */
export function isOfOtherLog({ reason }: Failure): boolean {
  return reason === 'other_log';
}

/** What trying again at once does not help against: a key or a ledger may be made later. */
export function isLasting({ code }: Failure): boolean {
  return code === 'unauthenticated' || code === 'forbidden' || code === 'not_found';
}
