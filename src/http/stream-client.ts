/**
 * One open stream: first what the log holds after the client's revision, then (if it follows) what comes in, without gap
 * or repeat. In: a response and a position; out: frames. A client that reads too slowly goes back to the log at its own
 * pace, so that nothing piles up for it; one that does not read at all is cut off.
 */
import type { ServerResponse } from 'node:http';
import type { RecordedEvent } from '../domain/event.ts';
import type { LiveLedger } from '../ledger/live-ledger.ts';
import { type Frame, frameOf, retryText, type StreamLens } from './stream-frames.ts';
import type { Batch } from './stream-queue.ts';

export interface StreamLimits {
  /** More than this waiting in a socket makes a client a slow one. */
  readonly maxPendingBytes: number;
  /** A slow client that has not taken what waits for it after so long is cut off. */
  readonly stallMs: number;
}

export interface StreamOpening {
  readonly lens: StreamLens;
  /** The last revision that the client has. */
  readonly position: number;
  /** Whether it stays for what comes in; otherwise it ends at the head of now. */
  readonly isFollowing: boolean;
  readonly isStillKnown: () => Promise<boolean>;
}

const pageSize = 1_000;

/** Of what a slow client is read again. */
const minPageSize = 10;

/** Frames from the log are written together, in pieces of at least so many characters. */
const pieceLength = 65_536;

export class StreamClient {
  readonly lens: StreamLens;
  readonly isFollowing: boolean;
  readonly #response: ServerResponse;
  readonly #ledger: LiveLedger;
  readonly #limits: StreamLimits;
  readonly #isStillKnown: () => Promise<boolean>;
  #position: number;
  #isClosed = false;
  #wake: (() => void) | undefined;

  constructor(response: ServerResponse, ledger: LiveLedger, opening: StreamOpening, limits: StreamLimits) {
    this.#response = response;
    this.#ledger = ledger;
    this.lens = opening.lens;
    this.isFollowing = opening.isFollowing;
    this.#position = opening.position;
    this.#isStillKnown = opening.isStillKnown;
    this.#limits = limits;
    response.on('close', () => this.#close());
    response.on('error', () => this.#close());
    // Who has gone already is not told of again.
    if (response.destroyed) this.#close();
  }

  /**
   * Runs until the connection ends: up to the head by the log, then among the `live` ones until it falls behind. Joins
   * them in the very tick in which the head is reached, so that nothing comes in between.
   */
  async run(live: Set<StreamClient>): Promise<void> {
    const { state } = this.#ledger;
    if (!this.isFollowing) {
      const head = state.revision;
      await this.#catchUp(() => head);
      if (this.#isClosed) return;
      this.#response.end();
      return this.#taken('close');
    }
    while (!this.#isClosed) {
      const isBehind = new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      await this.#catchUp(() => state.revision);
      if (!this.#isClosed) live.add(this);
      await isBehind;
      live.delete(this);
    }
  }

  /** What came in. Answers false when the client is too slow and goes back to the log. */
  push(batch: Batch): boolean {
    if (this.#isSlow()) {
      this.fallBehind();
      return false;
    }
    const { frames, bytes } = batch.words(this.lens);
    const own = batch.first > this.#position ? bytes : this.#newIn(frames);
    this.#position = Math.max(this.#position, batch.last);
    if (own.length > 0) this.#response.write(own);
    return true;
  }

  /** Goes back to the log. */
  fallBehind(): void {
    this.#wake?.();
  }

  /** Shows one who follows that the connection is open, and ends it when the API key was revoked. */
  async beat(text: string): Promise<void> {
    if (this.#isClosed || !this.isFollowing) return;
    if (!this.#isSlow()) this.#response.write(text);
    if (!(await this.#isStillKnown())) this.end(0);
  }

  /**
   * Ends the stream in good order; the client comes again after `retryMs`. One that does not follow would take that for
   * the head: it is cut off.
   */
  end(retryMs: number): void {
    if (this.#isClosed) return;
    if (this.isFollowing) this.#response.end(retryText(retryMs));
    else this.#response.destroy();
    this.#close();
  }

  #close(): void {
    this.#isClosed = true;
    this.#wake?.();
  }

  /** Sends what the log holds up to `end`, where a changeset ends; whole changesets at a time. */
  async #catchUp(end: () => number): Promise<void> {
    let held = '';
    let readUpTo = this.#position;
    let size = pageSize;
    while (!this.#isClosed) {
      if (this.#isSlow()) await this.#taken('drain');
      if (readUpTo >= end()) return;
      const page = await this.#ledger.readLog(readUpTo, size);
      // The log may be ahead of what this server has taken in; that will be pushed.
      const known = page.filter(({ revision }) => revision <= end());
      if (known.length === 0) throw new Error(`the log ends at ${readUpTo}, before the live state`);
      const sent = this.#sendWhole(held, known);
      held = sent.held;
      readUpTo = sent.readUpTo;
      // Who is slow is not kept a page for: its rest is read again, and no more than was taken of this one.
      size = readUpTo < (known.at(-1)?.revision ?? 0) ? Math.max(minPageSize, sent.count) : pageSize;
    }
  }

  /**
   * Sends up to the last changeset that ends in a page, or until the client is slow; answers what has to wait for its
   * changeset's end, and where to read on.
   */
  #sendWhole(before: string, page: readonly RecordedEvent[]) {
    let whole = '';
    let held = before;
    let count = 0;
    for (const event of page) {
      if (this.#isClosed) break;
      count += 1;
      held += frameOf(event, this.lens)?.text ?? '';
      if (!event.last) continue;
      whole += held;
      held = '';
      this.#position = event.revision;
      if (whole.length < pieceLength) continue;
      this.#response.write(whole);
      whole = '';
      if (this.#isSlow()) return { held, readUpTo: event.revision, count };
    }
    if (whole !== '' && !this.#isClosed) this.#response.write(whole);
    return { held, readUpTo: page.at(-1)?.revision ?? this.#position, count };
  }

  /** Of a batch that began before the client was up to date: what it has not read in the log. */
  #newIn(frames: readonly Frame[]): string {
    const isNew = ({ revision }: Frame) => revision === undefined || revision > this.#position;
    return frames.filter(isNew).map(textOf).join('');
  }

  #isSlow(): boolean {
    return this.#response.writableLength > this.#limits.maxPendingBytes;
  }

  /** Until the client has taken what waits for it, which the response tells by an event; cut off when that is too long. */
  async #taken(event: 'drain' | 'close'): Promise<void> {
    const response = this.#response;
    await new Promise<void>((resolve) => {
      const done = () => {
        clearTimeout(timer);
        response.off(event, done);
        response.off('close', done);
        resolve();
      };
      const timer = setTimeout(() => response.destroy(), this.#limits.stallMs);
      response.on(event, done);
      response.on('close', done);
    });
  }
}

function textOf({ text }: Frame): string {
  return text;
}
