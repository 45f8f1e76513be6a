/**
 * What waits to be told to the clients that are up to date: changesets and turns, in order. In: tellings; out: batches,
 * put into words once for each lens. It is filled where writes are acknowledged and must cost nothing there.
 */
import type { Frame, StreamLens, Telling } from './stream-frames.ts';

/** What one client is told at once. */
export interface Words {
  readonly frames: readonly Frame[];
  /** All frames, in UTF-8; the sockets of all clients share them. */
  readonly bytes: Buffer;
}

export interface Batch {
  /** Revision of its first event; infinite when it has none. */
  readonly first: number;
  /** Of its last event; 0 when it has none. */
  readonly last: number;
  words(lens: StreamLens): Words;
}

interface Item {
  readonly telling: Telling;
  readonly first: number;
  readonly last: number;
}

/** A batch is no longer, unless a changeset is: it may wait in a socket beyond all limits. */
const batchEvents = 100;

/** So many wait at most, unless one changeset is more: a quarter of a second of the most writes. */
const maxEvents = 2_000;

export class StreamQueue {
  #items: Item[] = [];
  #events = 0;

  get isEmpty(): boolean {
    return this.#items.length === 0;
  }

  /** Events `first` to `last`, or (0, 0) where no event happened. Answers false when too much waits already. */
  add(telling: Telling, first: number, last: number): boolean {
    const count = last - first + 1;
    if (this.#items.length > 0 && this.#events + count > maxEvents) return false;
    this.#items.push({ telling, first, last });
    this.#events += count;
    return true;
  }

  /** All that waits, in batches; what comes later waits for the next time. */
  take(): readonly Batch[] {
    const batches: Batch[] = [];
    let [items, events]: [Item[], number] = [[], 0];
    for (const item of this.#items) {
      items.push(item);
      events += item.last - item.first + 1;
      if (events < batchEvents) continue;
      batches.push(batchOf(items));
      [items, events] = [[], 0];
    }
    if (items.length > 0) batches.push(batchOf(items));
    this.clear();
    return batches;
  }

  clear(): void {
    this.#items = [];
    this.#events = 0;
  }
}

function batchOf(items: readonly Item[]): Batch {
  const told = new Map<StreamLens, Words>();
  const withEvents = items.filter(({ last }) => last > 0);
  return {
    first: withEvents[0]?.first ?? Number.POSITIVE_INFINITY,
    last: withEvents.at(-1)?.last ?? 0,
    words: (lens) => {
      const known = told.get(lens);
      if (known !== undefined) return known;
      const frames = items.flatMap(({ telling }) => telling(lens));
      const words = { frames, bytes: Buffer.from(frames.map(({ text }) => text).join('')) };
      told.set(lens, words);
      return words;
    },
  };
}
