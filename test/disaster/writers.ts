/**
 * The load: clients that send changesets one after the other, each in its own loop, until they are told to stop.
 * In: a client, a book, a seed; out: the book filled. Some ask again at once when they do not know what became of their
 * changeset, as a careful client does; the others leave it to the end of the cycle.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Book, Outcome } from './book.ts';
import { type Client, postChangeset } from './client.ts';
import { createRandom, type Random, streamSeed } from './random.ts';
import { makeChangeset, type SentChangeset } from './workload.ts';

export interface LoadOptions {
  /** Writers are spread over them. */
  readonly clients: readonly [Client, ...Client[]];
  readonly book: Book;
  readonly writers: number;
  readonly seed: number;
  /** Begins every marker; no other run on the same ledger may use it. */
  readonly name: string;
}

export interface Load {
  /** Resolves when so many that are sent from now on are acknowledged (by this server); rejects after `limitMs`. */
  acknowledgedFromNow(count: number, limitMs: number, by?: Client): Promise<void>;
  /** How many changesets a server has turned away or could not tell about so far. */
  unavailableBy(client: Client): number;
  /** How many it has acknowledged so far. */
  acknowledgedBy(client: Client): number;
  /** Resolves when nobody sends any more. */
  pause(): Promise<void>;
  resume(): void;
  /** The longest that an answer of the server took, milliseconds. */
  slowestMs(): number;
}

interface LoadState {
  isRunning: boolean;
  slowestMs: number;
  readonly onAcknowledged: Set<(sentAt: number, by: Client) => void>;
  readonly heard: Map<Client, { acknowledged: number; unavailable: number }>;
}

const thinkMs = 8;
const backOffMs = 40;

export function createLoad(options: LoadOptions): Load {
  const state: LoadState = { isRunning: false, slowestMs: 0, onAcknowledged: new Set(), heard: new Map() };
  const writers = Array.from({ length: options.writers }, (_, index) => ({
    index,
    sent: 0,
    random: createRandom(streamSeed(options.seed, index + 1)),
    client: options.clients[index % options.clients.length] ?? options.clients[0],
  }));
  let loops: Promise<unknown> = Promise.resolve();
  return {
    acknowledgedFromNow: (count, limitMs, by) => acknowledgedFromNow(state, count, limitMs, by),
    unavailableBy: (client) => state.heard.get(client)?.unavailable ?? 0,
    acknowledgedBy: (client) => state.heard.get(client)?.acknowledged ?? 0,
    async pause() {
      state.isRunning = false;
      await loops;
    },
    resume() {
      state.isRunning = true;
      loops = Promise.all(writers.map((writer) => writeOn(options, state, writer)));
    },
    slowestMs: () => state.slowestMs,
  };
}

interface Writer {
  readonly client: Client;
  readonly index: number;
  readonly random: Random;
  sent: number;
}

async function writeOn(options: LoadOptions, state: LoadState, writer: Writer): Promise<void> {
  const { book, name } = options;
  const { random } = writer;
  while (state.isRunning) {
    writer.sent++;
    const marker = `${name}-w${writer.index}-${writer.sent}`;
    const changeset = makeChangeset(marker, random);
    const asksAgainAtOnce = random.chance(0.3);
    book.send(changeset);
    const outcome = await send(writer.client, state, changeset, true);
    book.note(marker, outcome);
    if (outcome.kind === 'acknowledged') await sleep(random.next() * thinkMs);
    else await sleep(backOffMs * (0.5 + random.next()));
    if (outcome.kind === 'unknown' && asksAgainAtOnce)
      await askAgain(options, state, writer.client, changeset);
  }
}

/** Until it is known, or the cycle ends: then the end of the cycle sees to it. */
async function askAgain(
  options: LoadOptions,
  state: LoadState,
  client: Client,
  changeset: SentChangeset,
): Promise<void> {
  while (state.isRunning) {
    if (options.book.noteAgain(changeset.marker, await send(client, state, changeset, false))) return;
    await sleep(backOffMs);
  }
}

async function send(
  client: Client,
  state: LoadState,
  changeset: SentChangeset,
  isFirst: boolean,
): Promise<Outcome> {
  const sentAt = performance.now();
  const outcome = await postChangeset(client, changeset, isFirst);
  state.slowestMs = Math.max(state.slowestMs, performance.now() - sentAt);
  const heard = state.heard.get(client) ?? { acknowledged: 0, unavailable: 0 };
  state.heard.set(client, heard);
  if (outcome.kind === 'acknowledged') {
    heard.acknowledged++;
    for (const listener of state.onAcknowledged) listener(sentAt, client);
  } else heard.unavailable++;
  return outcome;
}

async function acknowledgedFromNow(
  state: LoadState,
  count: number,
  limitMs: number,
  wanted: Client | undefined,
): Promise<void> {
  const from = performance.now();
  let missing = count;
  let timer: NodeJS.Timeout | undefined;
  let listener: (sentAt: number, by: Client) => void = () => undefined;
  try {
    await new Promise<void>((resolve, reject) => {
      timer = setTimeout(() => reject(new Error(`no write was acknowledged for ${limitMs} ms`)), limitMs);
      listener = (sentAt, by) => {
        if (sentAt >= from && (wanted === undefined || wanted === by)) missing--;
        if (missing <= 0) resolve();
      };
      state.onAcknowledged.add(listener);
    });
  } finally {
    clearTimeout(timer);
    state.onAcknowledged.delete(listener);
  }
}
