/**
 * One open stream: first what the log holds after the client's revision, then what comes in, without gap or repeat.
 * In: a response and a position; out: frames. A client that reads too slowly goes back to the log at its own pace,
 * so that nothing piles up for it; one that does not read at all is cut off.
 */
import type { ServerResponse } from 'node:http';
import type { RecordedEvent } from '../domain/event.ts';
import type { LiveLedger } from '../ledger/live-ledger.ts';
import { type Frame, frameOf, heartbeatText, retryText, type StreamView } from './stream-frames.ts';

export interface StreamLimits {
  /** More than this waiting in a socket makes a client a slow one. */
  readonly maxPendingBytes: number;
  /** A slow client that takes nothing for so long is cut off. */
  readonly stallMs: number;
}

const pageSize = 1_000;

export class StreamClient {
  readonly view: StreamView;
  readonly #response: ServerResponse;
  readonly #ledger: LiveLedger;
  readonly #limits: StreamLimits;
  readonly #isStillKnown: () => Promise<boolean>;
  #position: number;
  #isClosed = false;
  #wake: (() => void) | undefined;

  constructor(
    response: ServerResponse,
    ledger: LiveLedger,
    options: {
      readonly view: StreamView;
      readonly position: number;
      readonly limits: StreamLimits;
      readonly isStillKnown: () => Promise<boolean>;
    },
  ) {
    this.#response = response;
    this.#ledger = ledger;
    this.view = options.view;
    this.#position = options.position;
    this.#limits = options.limits;
    this.#isStillKnown = options.isStillKnown;
    response.on('close', () => this.#close());
    response.on('error', () => this.#close());
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Runs until the connection ends: up to the head by the log, then among the `live` ones until it falls behind. */
  async run(live: Set<StreamClient>): Promise<void> {
    while (!this.#isClosed) {
      const isBehind = new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      await this.#catchUp(live);
      await isBehind;
      live.delete(this);
    }
  }

  /** A whole changeset that came in. Answers false when the client is too slow and goes back to the log. */
  push(frames: readonly Frame[], text: string, last: number): boolean {
    if (this.#isSlow()) {
      this.#wake?.();
      return false;
    }
    const first = frames[0];
    const fits = first === undefined || first.revision > this.#position;
    const own = fits
      ? text
      : frames
          .filter(({ revision }) => revision > this.#position)
          .map(textOf)
          .join('');
    this.#position = Math.max(this.#position, last);
    if (own !== '') this.#response.write(own);
    return true;
  }

  /** A message that is no event and moves nothing on. Answers false when the client is too slow. */
  tell(text: string): boolean {
    if (this.#isSlow()) {
      this.#wake?.();
      return false;
    }
    this.#response.write(text);
    return true;
  }

  /** Shows that the connection is open, and ends it when the API key was revoked. */
  async beat(): Promise<void> {
    if (this.#isClosed) return;
    if (!this.#isSlow()) this.#response.write(heartbeatText);
    if (!(await this.#isStillKnown())) this.end(0);
  }

  /** Ends the stream in good order; the client comes again after `retryMs`. */
  end(retryMs: number): void {
    if (this.#isClosed) return;
    this.#response.end(retryText(retryMs));
    this.#close();
  }

  #close(): void {
    this.#isClosed = true;
    this.#wake?.();
  }

  /**
   * Sends what the log holds up to the head, whole changesets at a time; the head is where whole changesets end.
   * Joins the live ones in the very tick in which the head is reached, so that nothing comes in between.
   */
  async #catchUp(live: Set<StreamClient>): Promise<void> {
    const { state } = this.#ledger;
    let held = '';
    let readUpTo = this.#position;
    while (!this.#isClosed) {
      if (this.#isSlow()) await this.#drained();
      if (readUpTo >= state.revision) break;
      const page = await this.#ledger.readLog(readUpTo, pageSize);
      // The log may be ahead of what this server has taken in; that will be pushed.
      const known = page.filter(({ revision }) => revision <= state.revision);
      const last = known.at(-1);
      if (last === undefined) throw new Error(`the log ends at ${readUpTo}, before the live state`);
      held = this.#sendWhole(held, known);
      readUpTo = last.revision;
    }
    if (!this.#isClosed) live.add(this);
  }

  /** Sends up to the last changeset that ends in a page; answers what has to wait for its end. */
  #sendWhole(held: string, page: readonly RecordedEvent[]): string {
    let whole = '';
    let rest = held;
    for (const event of page) {
      rest += frameOf(event, this.view)?.text ?? '';
      if (!event.last) continue;
      whole += rest;
      rest = '';
      this.#position = event.revision;
    }
    if (whole !== '' && !this.#isClosed) this.#response.write(whole);
    return rest;
  }

  #isSlow(): boolean {
    return this.#response.writableLength > this.#limits.maxPendingBytes;
  }

  async #drained(): Promise<void> {
    const response = this.#response;
    await new Promise<void>((resolve) => {
      const done = () => {
        clearTimeout(timer);
        response.off('drain', done);
        response.off('close', done);
        resolve();
      };
      const timer = setTimeout(() => response.destroy(), this.#limits.stallMs);
      response.on('drain', done);
      response.on('close', done);
    });
  }
}

function textOf({ text }: Frame): string {
  return text;
}
