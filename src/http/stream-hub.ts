/**
 * All open streams of one ledger. A changeset that comes in, and what turns by itself, is put into words once for each
 * view and handed to every client that is up to date. Subscribes to the ledger only while somebody listens.
 */
import type { ServerResponse } from 'node:http';
import type { RecordedEvent } from '../domain/event.ts';
import type { LiveTurn } from '../domain/turns.ts';
import type { LiveLedger } from '../ledger/live-ledger.ts';
import { Activations } from './activations.ts';
import { StreamClient, type StreamLimits } from './stream-client.ts';
import { activationText, type Frame, frameOf, type StreamView } from './stream-frames.ts';

export interface StreamOptions extends StreamLimits {
  readonly heartbeatMs: number;
  /** Epoch milliseconds. */
  readonly now: () => number;
}

interface Opening {
  readonly view: StreamView;
  /** The last revision that the client has. */
  readonly position: number;
  readonly isStillKnown: () => Promise<boolean>;
}

export class StreamHub {
  readonly #ledger: LiveLedger;
  readonly #options: StreamOptions;
  readonly #clients = new Set<StreamClient>();
  readonly #live = new Set<StreamClient>();
  #stop: (() => void) | undefined;

  constructor(ledger: LiveLedger, options: StreamOptions) {
    this.#ledger = ledger;
    this.#options = options;
  }

  /** How many streams are open. */
  get size(): number {
    return this.#clients.size;
  }

  /** Serves a client until its connection ends; a failure to read the log cuts it off, and it comes again. */
  async serve(response: ServerResponse, opening: Opening): Promise<void> {
    const client = new StreamClient(response, this.#ledger, { ...opening, limits: this.#options });
    this.#clients.add(client);
    this.#stop ??= this.#start();
    try {
      await client.run(this.#live);
    } catch (error) {
      response.destroy();
      throw error;
    } finally {
      this.#clients.delete(client);
      if (this.#clients.size === 0) {
        this.#stop();
        this.#stop = undefined;
      }
    }
  }

  /** Ends every stream; clients come again after `retryMs`, somewhere else perhaps. */
  end(retryMs: number): void {
    for (const client of this.#clients) client.end(retryMs);
  }

  #start(): () => void {
    const activations = new Activations({
      ledger: this.#ledger,
      now: this.#options.now,
      tell: (at, turns) => this.#tell(at, turns),
    });
    const unsubscribe = this.#ledger.onChangeset((events) => {
      this.#push(events);
      activations.note(events);
    });
    const timer = setInterval(() => {
      this.#beat();
      activations.check();
    }, this.#options.heartbeatMs);
    timer.unref();
    return () => {
      unsubscribe();
      activations.stop();
      clearInterval(timer);
    };
  }

  #push(events: readonly RecordedEvent[]): void {
    const last = events.at(-1)?.revision;
    if (last === undefined || this.#live.size === 0) return;
    const told = new Map<StreamView, { readonly frames: readonly Frame[]; readonly text: string }>();
    for (const client of this.#live) {
      let words = told.get(client.view);
      if (words === undefined) {
        const frames = events.flatMap((event) => frameOf(event, client.view) ?? []);
        words = { frames, text: frames.map(({ text }) => text).join('') };
        told.set(client.view, words);
      }
      if (!client.push(words.frames, words.text, last)) this.#live.delete(client);
    }
  }

  /** Clients that are catching up are not told: they resolve by their own clock, as all do. */
  #tell(at: number, turns: readonly LiveTurn[]): void {
    const told = new Map<StreamView, string>();
    for (const client of this.#live) {
      const text = told.get(client.view) ?? activationText(at, turns, client.view);
      told.set(client.view, text);
      if (text !== '' && !client.tell(text)) this.#live.delete(client);
    }
  }

  #beat(): void {
    for (const client of this.#clients) {
      // A look-up that fails says nothing about the key; the next heartbeat asks again.
      client.beat().catch(() => undefined);
    }
  }
}
