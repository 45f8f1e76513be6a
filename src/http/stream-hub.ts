/**
 * All open streams of one ledger. A changeset that comes in, and what turns by itself, is put into words once for each
 * lens and handed to every client that is up to date, in slices, after whoever wrote it was answered.
 * Subscribes to the ledger only while somebody follows it.
 */
import type { ServerResponse } from 'node:http';
import { setImmediate as turn } from 'node:timers/promises';
import type { LiveLedger } from '../ledger/live-ledger.ts';
import { presentOf } from './clocks.ts';
import { followLedger } from './follow-ledger.ts';
import { StreamClient, type StreamLimits, type StreamOpening } from './stream-client.ts';
import { aliveText, type StreamLens, type Telling, tellEvents, tellTurns } from './stream-frames.ts';
import { StreamQueue } from './stream-queue.ts';

export interface StreamOptions extends StreamLimits {
  readonly heartbeatMs: number;
  /** Epoch milliseconds. */
  readonly now: () => number;
}

/** So many clients are written to before everything else that waits for the event loop has its turn: about 3 ms. */
const sliceClients = 250;

/**
 * After telling all clients, so long a rest for each of them, several times what a write takes: what comes in meanwhile is told
 * together, so that telling takes a small part of the event loop, however many listen and however much is written.
 */
const restMsPerClient = 0.05;
const maxRestMs = 50;

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
  readonly #queue = new StreamQueue();
  #followers = 0;
  #isTelling = false;
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
    return followLedger(this.#ledger, {
      ...this.#options,
      onChangeset: (events) =>
        this.#enqueue(tellEvents(events), events[0]?.revision ?? 0, events.at(-1)?.revision ?? 0),
      onTurns: (at, turns) => this.#enqueue(tellTurns(at, turns), 0, 0),
      onBeat: () => void this.#beat(),
    });
  }

  /** Clients that are catching up read of events in the log; of turns they need not be told. */
  #enqueue(telling: Telling, first: number, last: number): void {
    if (this.#live.size === 0) return;
    if (this.#queue.add(telling, first, last)) this.#beginTelling();
    else this.#sendBack();
  }

  /** Not in the turn that folds a changeset: its writer is answered first, and those of a commit group are told together. */
  #beginTelling(): void {
    if (this.#isTelling) return;
    this.#isTelling = true;
    setImmediate(() => void this.#tell());
  }

  #rest(): void {
    const ms = Math.min(maxRestMs, this.#live.size * restMsPerClient);
    setTimeout(() => {
      this.#isTelling = false;
      if (!this.#queue.isEmpty) this.#beginTelling();
    }, ms).unref();
  }

  async #tell(): Promise<void> {
    try {
      for (const batch of this.#queue.take()) {
        await this.#forEach(this.#live, (client) => {
          if (!client.push(batch)) this.#live.delete(client);
        });
        await turn();
      }
    } catch {
      // What cannot be told here cannot be told from the log either, which cuts a client off and says why.
      this.#sendBack();
    } finally {
      this.#rest();
    }
  }

  /** Too much waits: every client reads on in the log, at its own pace. */
  #sendBack(): void {
    this.#queue.clear();
    for (const client of this.#live) client.fallBehind();
    this.#live.clear();
  }

  async #beat(): Promise<void> {
    const at = presentOf(this.#ledger.state, this.#options.now());
    const text = aliveText(at, this.#ledger.ageMs());
    await this.#forEach(this.#clients, (client) => {
      // A look-up that fails says nothing about the key; the next heartbeat asks again.
      client.beat(text).catch(() => undefined);
    });
  }

  async #forEach(clients: ReadonlySet<StreamClient>, act: (client: StreamClient) => void): Promise<void> {
    let count = 0;
    for (const client of clients) {
      act(client);
      count += 1;
      if (count % sliceClients === 0) await turn();
    }
  }
}

/** The same for lenses that show the same. */
function nameOf({ view, scopes }: StreamLens): string {
  return scopes === undefined ? view : `${view}\n${scopes.name}`;
}
