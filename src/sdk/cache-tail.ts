/**
 * The file that stands in the place, and what is appended to it: a line a changeset. In: changesets in order; out: lines on
 * the disk, written piece by piece, so that many at once hold up nobody.
 */
import type { CacheBase } from './cache-base.ts';
import { type CachedChangeset, changesetLine } from './cache-lines.ts';

/** What is appended may grow to the size of the snapshot before it, and to this at least. */
const minAppendedBytes = 1_048_576;

/** So much is written in one go, characters. */
const pieceLength = 65_536;

export class CacheTail {
  readonly #base: CacheBase;
  readonly #snapshotBytes: number;
  #checksum: string;
  #appendedBytes: number;
  #isClosed = false;

  /** `snapshotBytes`: how much of the base is the snapshot, with what stands before it. */
  constructor(base: CacheBase, snapshotBytes: number) {
    this.#base = base;
    this.#snapshotBytes = snapshotBytes;
    this.#checksum = base.checksum;
    this.#appendedBytes = base.bytes - snapshotBytes;
  }

  /** Whether a new snapshot would be shorter. */
  get isOutgrown(): boolean {
    return this.#appendedBytes > Math.max(minAppendedBytes, this.#snapshotBytes);
  }

  /** Appends, unless it is closed meanwhile. Failures: what the file system throws; then nothing may follow. */
  async append(changesets: readonly CachedChangeset[]): Promise<void> {
    let text = '';
    for (const changeset of changesets) {
      const { pieces, checksum } = await changesetLine(this.#checksum, changeset);
      this.#checksum = checksum;
      for (const piece of pieces) {
        text += piece;
        if (text.length < pieceLength) continue;
        await this.#write(text);
        text = '';
      }
    }
    await this.#write(text);
  }

  /** What stands in the place stays there, whole. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#base.file.close().catch(() => undefined);
  }

  async #write(text: string): Promise<void> {
    if (this.#isClosed) return;
    const bytes = Buffer.from(text);
    await this.#base.file.appendFile(bytes);
    this.#appendedBytes += bytes.length;
  }
}
