/**
 * Values from a cache file. In: an open file and whose values it should hold; out: a state as whole as the file is sound.
 * A damaged snapshot is refused, never used in part; of the changesets after it those up to the first that is torn are used.
 */
import type { FileHandle } from 'node:fs/promises';
import { setImmediate as pause } from 'node:timers/promises';
import { Failure } from '../failure.ts';
import { putChangeset, stageChangeset } from './apply-changeset.ts';
import { baseChecksum, type CacheOwner, ownerLine, readBaseEnd, readChangesetLine } from './cache-lines.ts';
import type { HeldScopes } from './held-scopes.ts';
import { SnapshotReader } from './read-snapshot.ts';
import type { ValuesState } from './values-state.ts';

export interface CachedValues {
  readonly state: ValuesState;
  readonly ledger: string;
  /** As in a snapshot. */
  readonly log: string | undefined;
  /** When they were last known to be the newest, epoch milliseconds by the server's clock. */
  readonly at: number;
  /** What the next line goes on from. */
  readonly checksum: string;
  /** Of the snapshot with what stands before it, and of all that is sound. */
  readonly baseBytes: number;
  readonly bytes: number;
  /** Whether something unsound follows. */
  readonly hasDamagedEnd: boolean;
}

/** So many lines are read in one go: about 2 ms. */
const sliceSize = 500;

/** No line of ours comes near. */
const maxLineLength = 16_777_216;

/** Failures: corrupt for a file that cannot be used; what the file system throws. */
export async function readCacheFile(
  file: FileHandle,
  owner: CacheOwner,
  scopes: HeldScopes,
): Promise<CachedValues> {
  const lines = linesOf(file);
  const reader = new SnapshotReader();
  const sum = baseChecksum();
  const first = ownerLine(owner);
  if ((await lines.next()).value !== first) {
    throw new Failure('corrupt', 'the cache file is of another server, ledger or choice of scopes', {
      reason: 'foreign_cache',
    });
  }
  sum.update(first);
  let bytes = Buffer.byteLength(first);
  let base: { readonly checksum: string; readonly at: number } | undefined;
  let checksum = '';
  let at = 0;
  let hasDamagedEnd = false;
  let baseBytes = 0;
  for await (const line of lines) {
    if (base === undefined) {
      base = readBase(line, reader, sum);
      if (base !== undefined) {
        ({ checksum, at } = base);
        baseBytes = bytes + Buffer.byteLength(line);
      }
    } else {
      const read = line.endsWith('\n') ? readChangesetLine(checksum, line.slice(0, -1)) : undefined;
      hasDamagedEnd = read === undefined || read.changeset.after > reader.state.revision;
      if (read === undefined || hasDamagedEnd) break;
      const { changeset } = read;
      if (changeset.revision > reader.state.revision) {
        putChangeset(reader.state, changeset, await stageChangeset(reader.state, changeset, scopes));
      }
      ({ checksum } = read);
      ({ at } = changeset);
    }
    bytes += Buffer.byteLength(line);
  }
  if (base === undefined) throw damaged();
  const { ledger, log } = reader;
  return { state: reader.whole(), ledger, log, at, checksum, baseBytes, bytes, hasDamagedEnd };
}

/** A line of the snapshot; answers what ends it. */
function readBase(line: string, reader: SnapshotReader, sum: ReturnType<typeof baseChecksum>) {
  try {
    const end = readBaseEnd(line);
    if (end === undefined) {
      sum.update(line);
      reader.line(line);
    } else if (end.checksum !== sum.digest()) throw damaged();
    return end;
  } catch (error) {
    throw error instanceof Failure ? error : damaged(error);
  }
}

/** Lines with their ends, the last perhaps without one, with pauses in which others have their turn. */
async function* linesOf(file: FileHandle): AsyncGenerator<string> {
  let rest = '';
  let count = 0;
  for await (const piece of file.createReadStream({ start: 0, encoding: 'utf8', autoClose: false })) {
    const text = rest + String(piece);
    let start = 0;
    for (;;) {
      const end = text.indexOf('\n', start) + 1;
      if (end === 0) break;
      yield text.slice(start, end);
      start = end;
      count += 1;
      if (count % sliceSize === 0) await pause();
    }
    rest = text.slice(start);
    if (rest.length > maxLineLength) throw damaged();
  }
  if (rest !== '') yield rest;
}

function damaged(cause?: unknown): Failure {
  return new Failure('corrupt', 'the cache file is damaged', { reason: 'damaged_cache', cause });
}
