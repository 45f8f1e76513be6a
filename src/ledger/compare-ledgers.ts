/**
 * Whether two logs hold the same of a ledger: a sample before anything is added to one of them, and all of it afterwards.
 * Revisions, recorded times and bytes count.
 */
import { createHash } from 'node:crypto';
import { Failure } from '../failure.ts';
import type { Ledger, StoredEvent } from './ledger.ts';

const pageSize = 5_000;
const lastPageSize = 1_000;
const sampleSize = 20;

export interface SameEvents {
  readonly events: number;
  readonly bytes: number;
  readonly sha256: string;
}

/** What the target holds already: its last thousand events, and some before. Failure `conflict`, reason `not_a_copy`. */
export async function compareSample(source: Ledger, target: Ledger, ledger: string): Promise<void> {
  const { revision } = await target.head(ledger);
  if (revision === 0) return;
  for (let one = 0; one < sampleSize; one += 1) {
    const after = Math.floor((one * revision) / sampleSize);
    await comparePage(source, target, ledger, after, 1);
  }
  const lastPage = Math.max(0, revision - lastPageSize);
  for (let after = lastPage; after < revision; ) {
    after += await comparePage(source, target, ledger, after, revision - after);
  }
}

/** All that the target holds; the source may have gone on since. Failure `conflict`, reason `not_a_copy`, that names the first revision that differs. */
export async function compareLedgers(
  source: Ledger,
  target: Ledger,
  ledger: string,
  onProgress: (revision: number, of: number) => void,
): Promise<SameEvents> {
  const hash = createHash('sha256');
  const { revision: of } = await source.head(ledger);
  let bytes = 0;
  let at = 0;
  for (;;) {
    const [there, here] = await readBoth(source, target, ledger, at, pageSize);
    if (here.length === 0) break;
    const count = compare(ledger, at, there, here);
    for (const event of there.slice(0, count)) {
      hash.update(`${event.bytes}\n`);
      bytes += Buffer.byteLength(event.bytes);
    }
    at += count;
    onProgress(at, of);
  }
  return { events: at, bytes, sha256: hash.digest('hex') };
}

async function comparePage(
  source: Ledger,
  target: Ledger,
  ledger: string,
  after: number,
  limit: number,
): Promise<number> {
  const [there, here] = await readBoth(source, target, ledger, after, limit);
  return compare(ledger, after, there, here);
}

function readBoth(source: Ledger, target: Ledger, ledger: string, after: number, limit: number) {
  return Promise.all([source.read(ledger, after, limit), target.read(ledger, after, limit)]);
}

/** Compares as far as both pages go (one may have been cut for its bytes); answers how far that is. */
function compare(
  ledger: string,
  after: number,
  there: readonly StoredEvent[],
  here: readonly StoredEvent[],
): number {
  const count = Math.min(there.length, here.length);
  if (count === 0) throw differs(ledger, after + 1);
  for (let place = 0; place < count; place += 1) {
    const [one, other] = [there[place], here[place]];
    const isSame =
      one?.revision === other?.revision &&
      one?.recordedAt === other?.recordedAt &&
      one?.bytes === other?.bytes;
    if (!isSame) throw differs(ledger, after + 1 + place);
  }
  return count;
}

function differs(ledger: string, revision: number): Failure {
  return new Failure('conflict', `the target is no copy: ledger ${ledger} differs at revision ${revision}`, {
    reason: 'not_a_copy',
  });
}
