/**
 * The last known good values on disk: the snapshot as it came, then every changeset that was applied. It follows what is
 * held and never holds it up; what goes wrong is told, and values go on being answered.
 * Each process writes into a file of its own that it has put into the place, so that two with the same path cannot mix:
 * the place holds what one of them wrote, whole.
 */
import { type FileHandle, open } from 'node:fs/promises';
import { Failure } from '../failure.ts';
import type { ValuesChangeset } from './apply-changeset.ts';
import { type CacheBase, CacheBaseWriter, removeLeftOvers } from './cache-base.ts';
import { type CachedChangeset, type CacheOwner, changesetLine, ownerLine } from './cache-lines.ts';
import type { HeldScopes } from './held-scopes.ts';
import { type CachedValues, readCacheFile } from './read-cache-file.ts';
import type { ReadSnapshot } from './server-reads.ts';

export type OnPiece = (piece: Uint8Array) => Promise<void>;

interface CacheFileOn {
  readonly path: string;
  readonly owner: CacheOwner;
  readonly scopes: HeldScopes;
  /** Epoch milliseconds by the server's clock. */
  readonly now: () => number;
  /** Epoch milliseconds by this machine's clock, which is that of the file system. */
  readonly wallClock: () => number;
  readonly newId: () => string;
  /** After what went wrong the file is tried again; milliseconds. */
  readonly againMs: number;
  /** A new snapshot straight from the server, of at least what is held. */
  readonly fetchSnapshot: (onPiece: OnPiece) => Promise<void>;
  readonly onTrouble: (failure: Failure) => void;
}

/** What is appended may grow to the size of the snapshot before it, and to this at least. */
const minAppendedBytes = 1_048_576;

/** More than this waiting for the disk, and the file is given up until it can be made anew. */
const maxPendingEvents = 50_000;

export class CacheFile {
  readonly #on: CacheFileOn;
  /** What is done to the disk is done one after the other. */
  #work: Promise<void> = Promise.resolve();
  #base: CacheBase | undefined;
  #checksum = '';
  #baseBytes = 0;
  #appendedBytes = 0;
  /** New bases that are in the making: what is appended waits for the last of them. */
  #makings = 0;
  #pending: CachedChangeset[] = [];
  #pendingEvents = 0;
  #timer: NodeJS.Timeout | undefined;
  #isClosed = false;

  constructor(on: CacheFileOn) {
    this.#on = on;
  }

  /** Values of the file; undefined when there is none that can be used. */
  async read(): Promise<CachedValues | undefined> {
    const { path, owner, scopes, onTrouble } = this.#on;
    let file: FileHandle | undefined;
    try {
      await removeLeftOvers(path, this.#on.wallClock()).catch(() => undefined);
      file = await open(path, 'r');
      const opened = file;
      const found = await readCacheFile(opened, owner, scopes);
      if (found.hasDamagedEnd) {
        onTrouble(
          new Failure('corrupt', 'the end of the cache file is damaged and was left out', {
            reason: 'damaged_cache_end',
          }),
        );
      }
      this.#make(() => this.#adopt(opened, found));
      return found;
    } catch (error) {
      await file?.close().catch(() => undefined);
      if (!isMissing(error)) {
        onTrouble(
          error instanceof Failure
            ? error
            : new Failure('unavailable', `the cache file ${path} cannot be read`, {
                reason: 'cache_file',
                cause: error,
              }),
        );
      }
      return undefined;
    }
  }

  /** Reads a snapshot by `read` and keeps it on the way; the file is put in its place in the background. */
  async keep(read: (onPiece: OnPiece) => Promise<ReadSnapshot>): Promise<ReadSnapshot> {
    const writer = await this.#begin();
    let found: ReadSnapshot;
    this.#makings += 1;
    try {
      found = await read(this.#writingInto(writer));
      this.#make(() => this.#finish(writer));
    } catch (error) {
      await writer?.discard();
      throw error;
    } finally {
      this.#makings -= 1;
    }
    return found;
  }

  /** Keeps a changeset that was applied to what was held at revision `after`. */
  append(changeset: ValuesChangeset, after: number): void {
    if (this.#base === undefined && this.#makings === 0) return;
    this.#pending.push({ ...changeset, after, at: this.#on.now() });
    this.#pendingEvents += changeset.events.length + 1;
    if (this.#pendingEvents > maxPendingEvents) this.#failed(new Error('the disk does not keep up'));
    else if (this.#pending.length === 1) this.#queue(() => this.#flush());
  }

  /** Writes what is left. `last` moves nothing on: it says until when the values were known to be the newest. */
  async close(last: ValuesChangeset | undefined): Promise<void> {
    if (last !== undefined) this.append(last, last.revision);
    this.#isClosed = true;
    clearTimeout(this.#timer);
    await this.#work;
    await this.#base?.file.close().catch(() => undefined);
  }

  #queue(work: () => Promise<void>): void {
    this.#work = this.#work.then(work).catch((error: unknown) => this.#failed(error));
  }

  /** Makes a base, in turn, and goes on with what was appended meanwhile. */
  #make(work: () => Promise<void>): void {
    this.#makings += 1;
    this.#queue(async () => {
      try {
        await work();
      } finally {
        this.#makings -= 1;
      }
      await this.#flush();
    });
  }

  async #begin(): Promise<CacheBaseWriter | undefined> {
    const { path, owner, newId } = this.#on;
    try {
      const writer = await CacheBaseWriter.open(path, newId());
      await writer.write(ownerLine(owner));
      return writer;
    } catch (error) {
      this.#failed(error);
      return undefined;
    }
  }

  /** What cannot be written is told once; what is read goes on. */
  #writingInto(writer: CacheBaseWriter | undefined): OnPiece {
    return async (piece) => {
      try {
        await writer?.write(piece);
      } catch (error) {
        writer?.spoil();
        this.#failed(error);
      }
    };
  }

  async #finish(writer: CacheBaseWriter | undefined): Promise<void> {
    if (writer === undefined || writer.isSpoilt) {
      await writer?.discard();
      return;
    }
    try {
      const base = await writer.finish(this.#on.now());
      await this.#goOnWith(base, base.bytes);
    } catch (error) {
      await writer.discard();
      throw error;
    }
  }

  /** The file that was read is another process's perhaps: a copy of it is our own. */
  async #adopt(file: FileHandle, { bytes, baseBytes, checksum }: CachedValues): Promise<void> {
    const writer = await CacheBaseWriter.open(this.#on.path, this.#on.newId());
    try {
      await this.#goOnWith(await writer.copyOf(file, bytes, checksum), baseBytes);
    } catch (error) {
      await writer.discard();
      throw error;
    } finally {
      await file.close();
    }
  }

  async #goOnWith(base: CacheBase, baseBytes: number): Promise<void> {
    await this.#base?.file.close();
    this.#base = base;
    this.#checksum = base.checksum;
    this.#baseBytes = baseBytes;
    this.#appendedBytes = base.bytes - baseBytes;
  }

  async #flush(): Promise<void> {
    if (this.#makings > 0 || this.#base === undefined || this.#pending.length === 0) return;
    const pending = this.#pending;
    this.#forgetPending();
    let text = '';
    for (const changeset of pending) {
      const { line, checksum } = changesetLine(this.#checksum, changeset);
      this.#checksum = checksum;
      text += line;
    }
    await this.#base.file.appendFile(text);
    this.#appendedBytes += Buffer.byteLength(text);
    if (this.#appendedBytes > Math.max(minAppendedBytes, this.#baseBytes)) this.#makeAnew();
  }

  /** Begins anew with a snapshot, beside the file that stands there. */
  #makeAnew(): void {
    if (this.#isClosed) return;
    if (this.#makings > 0) {
      // What is in the making may be what failed.
      this.#makeAnewLater();
      return;
    }
    this.#make(async () => {
      const writer = await this.#begin();
      try {
        await this.#on.fetchSnapshot(this.#writingInto(writer));
      } catch (error) {
        await writer?.discard();
        throw error;
      }
      await this.#finish(writer);
    });
  }

  #forgetPending(): void {
    this.#pending = [];
    this.#pendingEvents = 0;
  }

  /** What stands in the place stays there, whole but old, until the file can be made anew. */
  #failed(cause: unknown): void {
    this.#on.onTrouble(
      cause instanceof Failure
        ? cause
        : new Failure('unavailable', `the cache file ${this.#on.path} cannot be written`, {
            reason: 'cache_file',
            cause,
          }),
    );
    this.#forgetPending();
    const base = this.#base;
    this.#base = undefined;
    base?.file.close().catch(() => undefined);
    this.#makeAnewLater();
  }

  #makeAnewLater(): void {
    clearTimeout(this.#timer);
    if (this.#isClosed) return;
    this.#timer = setTimeout(() => {
      if (this.#base === undefined) this.#makeAnew();
    }, this.#on.againMs).unref();
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}
