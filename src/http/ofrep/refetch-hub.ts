/**
 * All open OFREP event streams of one ledger. In: changesets, and what turns by itself; out: notices to ask again, to those whom
 * it concerns. A notice carries no values and is no event of its own: what was missed is made good by one notice at the
 * beginning of each connection. It tells at most five times a second, because clients wait for a moment of silence.
 */
import type { ServerResponse } from 'node:http';
import type { LiveLedger } from '../../ledger/live-ledger.ts';
import { presentOf } from '../clocks.ts';
import type { MarkOf } from '../dependencies.ts';
import { followLedger } from '../follow-ledger.ts';
import { retryText } from '../stream-frames.ts';
import { type Concerned, concernedBy, concernedByTurn, everybody } from './audience.ts';

export interface RefetchOptions {
  readonly heartbeatMs: number;
  /** Epoch milliseconds. */
  readonly now: () => number;
}

export interface RefetchListener {
  readonly response: ServerResponse;
  /** Marks of the scopes whose changes are told; what concerns everybody is told to all. */
  readonly audience: readonly string[];
  readonly markOf: MarkOf;
  /** Epoch milliseconds: then it is told to ask once more, which answers with a newer address, and its connection ends. */
  readonly until: number;
  readonly isStillGood: () => boolean;
}

/** Clients refetch 50 ms after the last notice (ofrep-web-provider 0.4): told without a pause they never would. */
const pauseMs = 200;
/** More marks than this at once are everybody: each costs 3 µs. */
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
  #concerned = new Set<Concerned>();
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
    return followLedger(this.#ledger, {
      ...this.#options,
      onChangeset: (events) => this.#note(events.map(concernedBy)),
      onTurns: (_at, turns) => this.#note(turns.map(concernedByTurn)),
      onBeat: () => this.#beat(),
    });
  }

  #note(concerned: readonly (Concerned | undefined)[]): void {
    for (const scope of concerned) {
      if (scope !== undefined) this.#concerned.add(this.#concerned.size < maxMarks ? scope : everybody);
    }
    if (this.#pause === undefined) this.#flush();
  }

  #flush(): void {
    const concerned = this.#concerned;
    if (concerned.size === 0) return;
    this.#concerned = new Set();
    tellInSlices(this.#listenersOf(concerned), this.#notice());
    this.#pause = setTimeout(() => {
      this.#pause = undefined;
      this.#flush();
    }, pauseMs).unref();
  }

  /** A scope has another mark with each API key; of most ledgers few are followed with. */
  #listenersOf(concerned: ReadonlySet<Concerned>): readonly RefetchListener[] {
    const all = [...this.#listeners];
    const markers = new Set(all.map(({ markOf }) => markOf));
    const scopes = [...concerned].filter((scope) => scope !== everybody);
    if (scopes.length < concerned.size || scopes.length * markers.size > maxMarks) return all;
    const marks = new Map([...markers].map((markOf) => [markOf, new Set(scopes.map(markOf))]));
    return all.filter(({ audience, markOf }) => audience.some((mark) => marks.get(markOf)?.has(mark)));
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
    const present = presentOf(this.#ledger.state, this.#options.now());
    for (const { response, until, isStillGood } of this.#listeners) {
      if (response.writableEnded) continue;
      if (!isStillGood()) response.end();
      else if (until > present) response.write(heartbeatText);
      else response.end(this.#notice());
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
