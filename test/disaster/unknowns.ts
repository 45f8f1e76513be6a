/**
 * What a client does about changesets whose outcome it does not know: it asks again with the same key, until it is told.
 * In: the book; out: the book, with nothing unknown in it. Some are asked twice at the same moment, and some
 * acknowledged ones once more: each must be done once and answered the same every time.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Book } from './book.ts';
import { type Client, postChangeset } from './client.ts';
import type { Random } from './random.ts';
import type { SentChangeset } from './workload.ts';

const pauseMs = 50;
const together = 16;

/** Asks for all that is unknown; answers whether all of it was told within the limit. */
export async function resolveUnknown(
  client: Client,
  book: Book,
  random: Random,
  limitMs: number,
): Promise<boolean> {
  const until = performance.now() + limitMs;
  while (book.unknown().length > 0) {
    if (performance.now() > until) return false;
    for (const batch of batchesOf(book.unknown())) {
      await Promise.all(batch.map((changeset) => ask(client, book, changeset, random.chance(0.5))));
    }
    if (book.unknown().length > 0) await sleep(pauseMs);
  }
  return true;
}

/** Asks for acknowledged ones once more; answers how many were told. */
export async function askOnceMore(
  client: Client,
  book: Book,
  changesets: readonly SentChangeset[],
): Promise<number> {
  let told = 0;
  for (const batch of batchesOf(changesets)) {
    const outcomes = await Promise.all(batch.map((changeset) => ask(client, book, changeset, false)));
    told += outcomes.filter(Boolean).length;
  }
  return told;
}

async function ask(client: Client, book: Book, changeset: SentChangeset, isTwice: boolean): Promise<boolean> {
  const requests = isTwice ? [changeset, changeset] : [changeset];
  const outcomes = await Promise.all(requests.map((request) => postChangeset(client, request, false)));
  // The two race: the one that did it may be heard after the one that was told so.
  const doneFirst = outcomes.toSorted((one, other) => replayRank(one) - replayRank(other));
  return doneFirst.map((outcome) => book.noteAgain(changeset.marker, outcome)).some(Boolean);
}

function replayRank(outcome: Awaited<ReturnType<typeof postChangeset>>): number {
  return outcome.kind === 'acknowledged' && !outcome.isReplay ? 0 : 1;
}

function batchesOf<T>(items: readonly T[]): readonly (readonly T[])[] {
  const count = Math.ceil(items.length / together);
  return Array.from({ length: count }, (_, index) => items.slice(index * together, (index + 1) * together));
}
