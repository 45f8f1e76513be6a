/**
 * All open streams of one ledger. A changeset that comes in, and what turns by itself, is put into words once for each
 * lens and handed to every client that is up to date. Subscribes to the ledger only while somebody follows it.
 */
import type { ServerResponse } from 'node:http';
import type { RecordedEvent } from '../domain/event.ts';
import type { LiveTurn } from '../domain/turns.ts';
import type { LiveLedger } from '../ledger/live-ledger.ts';
import { Activations } from './activations.ts';
import { presentOf } from './clocks.ts';
import { StreamClient, type StreamLimits, type StreamOpening } from './stream-client.ts';
import { activationText, aliveText, createTeller, type Frame, type StreamLens } from './stream-frames.ts';

export interface StreamOptions extends StreamLimits {
  readonly heartbeatMs: number;
  /** Epoch milliseconds. */
  readonly now: () => number;
}

interface LensInUse {
  readonly lens: StreamLens;
  readonly clients: number;
}

export class StreamHub {
  readonly #ledger: LiveLedger;
  readonly #options: StreamOptions;
  readonly #clients = new Set<StreamClient>();
  readonly #live = new Set<StreamClient>();
  readonly #lenses = new Map<string, LensInUse>();
  #followers = 0;
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
  async serve(response: ServerResponse, opening: StreamOpening): Promise<void> {
    const lens = this.#take(opening.lens);
    const client = new StreamClient(response, this.#ledger, { ...opening, lens }, this.#options);
    this.#clients.add(client);
    if (client.isFollowing) this.#follow();
    try {
      await client.run(this.#live);
    } catch (error) {
      response.destroy();
      throw error;
    } finally {
      this.#clients.delete(client);
      this.#letGo(lens);
      if (client.isFollowing) this.#unfollow();
    }
  }

  /** Ends every stream; clients come again after `retryMs`, somewhere else perhaps. */
  end(retryMs: number): void {
    for (const client of this.#clients) client.end(retryMs);
  }

  /** One lens for all who see the same, so that words are made once for them. */
  #take(asked: StreamLens): StreamLens {
    const name = nameOf(asked);
    const { lens, clients } = this.#lenses.get(name) ?? { lens: asked, clients: 0 };
    this.#lenses.set(name, { lens, clients: clients + 1 });
    return lens;
  }

  #letGo(lens: StreamLens): void {
    const name = nameOf(lens);
    const { clients = 1 } = this.#lenses.get(name) ?? {};
    if (clients > 1) this.#lenses.set(name, { lens, clients: clients - 1 });
    else this.#lenses.delete(name);
  }

  #follow(): void {
    this.#followers += 1;
    this.#stop ??= this.#start();
  }

  #unfollow(): void {
    this.#followers -= 1;
    if (this.#followers > 0) return;
    this.#stop?.();
    this.#stop = undefined;
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
    const tell = createTeller(events);
    const told = new Map<StreamLens, { readonly frames: readonly Frame[]; readonly text: string }>();
    for (const client of this.#live) {
      let words = told.get(client.lens);
      if (words === undefined) {
        const frames = tell(client.lens);
        words = { frames, text: frames.map(({ text }) => text).join('') };
        told.set(client.lens, words);
      }
      if (!client.push(words.frames, words.text, last)) this.#live.delete(client);
    }
  }

  /** Clients that are catching up are not told: they resolve by their own clock, as all do. */
  #tell(at: number, turns: readonly LiveTurn[]): void {
    const told = new Map<StreamLens, string>();
    for (const client of this.#live) {
      const text = told.get(client.lens) ?? activationText(at, turns, client.lens);
      told.set(client.lens, text);
      if (text !== '' && !client.tell(text)) this.#live.delete(client);
    }
  }

  #beat(): void {
    const at = presentOf(this.#ledger.state, this.#options.now());
    const text = aliveText(at, this.#ledger.ageMs());
    for (const client of this.#clients) {
      // A look-up that fails says nothing about the key; the next heartbeat asks again.
      client.beat(text).catch(() => undefined);
    }
  }
}

/** The same for lenses that show the same. */
function nameOf({ view, scopes }: StreamLens): string {
  return scopes === undefined ? view : `${view}\n${scopes.name}`;
}
