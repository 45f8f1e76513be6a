/**
 * All open OFREP event streams of one ledger. In: changesets, and what turns by itself; out: notices to ask again, to those whom
 * it concerns. A notice carries no values and is no event of its own: what was missed is made good by one notice at the
 * beginning of each connection. It tells at most five times a second, because clients wait for a moment of silence.
 */
import type { ServerResponse } from 'node:http';
import type { LiveLedger } from '../../ledger/live-ledger.ts';
import { Activations } from '../activations.ts';
import { retryText } from '../stream-frames.ts';
import { concernedBy, concernedByTurn, everybody } from './audience.ts';

export interface RefetchOptions {
  readonly heartbeatMs: number;
  /** Epoch milliseconds. */
  readonly now: () => number;
}

export interface RefetchListener {
  readonly response: ServerResponse;
  /** Marks of the scopes whose changes are told; what concerns everybody is told to all. */
  readonly audience: readonly string[];
  readonly isStillGood: () => boolean;
}

/** Clients refetch 50 ms after the last notice (ofrep-web-provider 0.4): told without a pause they never would. */
const pauseMs = 200;
/** More marks than this at once are everybody. */
const maxMarks = 1_000;
/** Connections that are written to before others get their turn. */
const sliceSize = 500;
/** A comment: shows that the connection is open. */
const heartbeatText = ': alive\n\n';
/** Notices are 80 bytes: who has so much waiting does not read. It comes again, and is told to ask. */
const maxPendingBytes = 64 * 1024;

export class RefetchHub {
  readonly #ledger: LiveLedger;
  readonly #options: RefetchOptions;
  readonly #listeners = new Set<RefetchListener>();
  #concerned = new Set<string>();
  #pause: NodeJS.Timeout | undefined;
  #stop: (() => void) | undefined;

  constructor(ledger: LiveLedger, options: RefetchOptions) {
    this.#ledger = ledger;
    this.#options = options;
  }

  /** How many streams are open. */
  get size(): number {
    return this.#listeners.size;
  }

  /** Tells a client to ask, now and whenever something that concerns it changes, until its connection ends. */
  serve(listener: RefetchListener): void {
    const { response } = listener;
    // It may have gone while its ticket was looked at.
    if (response.destroyed) return;
    this.#listeners.add(listener);
    this.#stop ??= this.#start();
    response.on('error', () => response.destroy());
    response.on('close', () => {
      this.#listeners.delete(listener);
      if (this.#listeners.size > 0) return;
      this.#stop?.();
      this.#stop = undefined;
    });
    response.write(this.#notice());
  }

  /** Ends every stream; clients come again after `retryMs`, somewhere else perhaps. */
  end(retryMs: number): void {
    for (const { response } of this.#listeners) response.end(retryText(retryMs));
  }

  #start(): () => void {
    const activations = new Activations({
      ledger: this.#ledger,
      now: this.#options.now,
      tell: (_at, turns) => this.#note(turns.map(concernedByTurn)),
    });
    const unsubscribe = this.#ledger.onChangeset((events) => {
      this.#note(events.map(concernedBy));
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

  #note(concerned: readonly (string | undefined)[]): void {
    for (const mark of concerned) {
      if (mark !== undefined) this.#concerned.add(this.#concerned.size < maxMarks ? mark : everybody);
    }
    if (this.#pause === undefined) this.#flush();
  }

  #flush(): void {
    const concerned = this.#concerned;
    if (concerned.size === 0) return;
    this.#concerned = new Set();
    const told = [...this.#listeners].filter(
      ({ audience }) => concerned.has(everybody) || audience.some((mark) => concerned.has(mark)),
    );
    tellInSlices(told, this.#notice());
    this.#pause = setTimeout(() => {
      this.#pause = undefined;
      this.#flush();
    }, pauseMs).unref();
  }

  /** The revision goes with it: whichever server is asked then waits until it has it. */
  #notice(): string {
    const { revision, recordedAt } = this.#ledger.state;
    const notice = {
      type: 'refetchEvaluation',
      etag: String(revision),
      lastModified: Math.floor(recordedAt / 1000),
    };
    return `data: ${JSON.stringify(notice)}\n\n`;
  }

  #beat(): void {
    for (const { response, isStillGood } of this.#listeners) {
      if (response.writableEnded) continue;
      if (isStillGood()) response.write(heartbeatText);
      else response.end();
    }
  }
}

function tellInSlices(listeners: readonly RefetchListener[], text: string): void {
  for (const { response } of listeners.slice(0, sliceSize)) {
    if (response.writableLength > maxPendingBytes) response.destroy();
    else if (!response.writableEnded) response.write(text);
  }
  if (listeners.length > sliceSize) setImmediate(() => tellInSlices(listeners.slice(sliceSize), text));
}
