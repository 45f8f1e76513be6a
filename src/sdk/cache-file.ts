/**
 * The last known good values on disk: the snapshot as it came, then every changeset that was applied. It follows what is
 * held and never holds it up; what goes wrong is told, and values go on being answered.
 * Each process writes into a file of its own that it has put into the place, so that two with the same path cannot mix:
 * the place holds what one of them wrote, whole.
 */
import { type FileHandle, open } from 'node:fs/promises';
import { Failure } from '../failure.ts';
import type { ValuesChangeset } from './apply-changeset.ts';
import { CacheBaseWriter, removeLeftOvers } from './cache-base.ts';
import { type CachedChangeset, type CacheOwner, ownerLine } from './cache-lines.ts';
import { CacheTail } from './cache-tail.ts';
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
  /** A new snapshot straight from the server, of the same log and of at least what is held. */
  readonly fetchSnapshot: (onPiece: OnPiece, signal: AbortSignal) => Promise<void>;
  readonly onTrouble: (failure: Failure) => void;
}

/** More than this waiting for the disk, and the file is given up until it can be made anew. */
const maxPendingEvents = 50_000;

export class CacheFile {
  readonly #on: CacheFileOn;
  readonly #ending = new AbortController();
  /** What is done to the disk is done one after the other. */
  #work: Promise<void> = Promise.resolve();
  /** What stands in the place and can be gone on with. */
  #tail: CacheTail | undefined;
  /** New bases that are in the making: what is appended waits for the last of them. */
  #makings = 0;
  #pending: CachedChangeset[] = [];
  #pendingEvents = 0;
  /** Something was given up that a base in the making lacks: nothing can follow it. */
  #hasGap = false;
  /** Until the file may be made anew, after it failed. */
  #timer: NodeJS.Timeout | undefined;

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
      if (!isMissing(error)) onTrouble(troubleOf(error, `the cache file ${path} cannot be read`));
      return undefined;
    }
  }

  /** Reads a snapshot by `read` and keeps it on the way; the file is put in its place in the background. */
  async keep(read: (onPiece: OnPiece) => Promise<ReadSnapshot>): Promise<ReadSnapshot> {
    this.#makings += 1;
    let writer: CacheBaseWriter | undefined;
    try {
      writer = await this.#begin().catch((error: unknown) => this.#notMade(error));
      const found = await read(this.#writingInto(writer));
      // It stands for all before, and may be of another log: nothing that follows it may come after the old base.
      this.#forgetPending();
      this.#hasGap = false;
      this.#make(async () => {
        this.#drop();
        await this.#finish(writer);
      });
      return found;
    } catch (error) {
      await writer?.discard();
      this.#queue(() => this.#flush());
      throw error;
    } finally {
      this.#makings -= 1;
    }
  }

  /** Keeps a changeset that was applied to what was held at revision `after`. */
  append(changeset: ValuesChangeset, after: number): void {
    if (this.#hasGap || (this.#tail === undefined && this.#makings === 0)) return;
    this.#pending.push({ ...changeset, after, at: this.#on.now() });
    this.#pendingEvents += changeset.events.length + 1;
    if (this.#pendingEvents > maxPendingEvents) this.#failed(new Error('the disk does not keep up'));
    else if (this.#pending.length === 1) this.#queue(() => this.#flush());
  }

  /** Writes what is left. `last` moves nothing on: it says until when the values were known to be the newest. */
  async close(last: ValuesChangeset | undefined): Promise<void> {
    if (last !== undefined) this.append(last, last.revision);
    this.#ending.abort();
    clearTimeout(this.#timer);
    await this.#work;
    await this.#tail?.close();
  }

  #queue(work: () => Promise<void>): void {
    this.#work = this.#work.then(work).catch((error: unknown) => this.#failed(error));
  }

  /** Makes a base, in turn, and goes on with what was appended meanwhile: after the base before, if there is no new one. */
  #make(work: () => Promise<void>): void {
    this.#makings += 1;
    this.#queue(async () => {
      try {
        await work();
      } catch (error) {
        this.#notMade(error);
      } finally {
        this.#makings -= 1;
      }
      await this.#flush();
    });
  }

  async #begin(): Promise<CacheBaseWriter> {
    const { path, owner, newId } = this.#on;
    const writer = await CacheBaseWriter.open(path, newId());
    try {
      await writer.write(ownerLine(owner));
      return writer;
    } catch (error) {
      await writer.discard();
      throw error;
    }
  }

  /** What cannot be written is told once; what is read goes on. */
  #writingInto(writer: CacheBaseWriter | undefined): OnPiece {
    return async (piece) => {
      try {
        await writer?.write(piece);
      } catch (error) {
        writer?.spoil();
        this.#notMade(error);
      }
    };
  }

  async #finish(writer: CacheBaseWriter | undefined): Promise<void> {
    if (writer === undefined || writer.isSpoilt) {
      await writer?.discard();
      this.#makeAnewLater();
      return;
    }
    try {
      const base = await writer.finish(this.#on.now());
      this.#goOnWith(new CacheTail(base, base.bytes));
      this.#forgetTimer();
    } catch (error) {
      await writer.discard();
      throw error;
    }
  }

  /** The file that was read is another process's perhaps: a copy of it is our own. */
  async #adopt(file: FileHandle, { bytes, baseBytes, checksum }: CachedValues): Promise<void> {
    try {
      const writer = await CacheBaseWriter.open(this.#on.path, this.#on.newId());
      try {
        this.#goOnWith(new CacheTail(await writer.copyOf(file, bytes, checksum), baseBytes));
      } catch (error) {
        await writer.discard();
        throw error;
      }
    } finally {
      await file.close();
    }
  }

  #goOnWith(tail: CacheTail): void {
    this.#drop();
    this.#tail = tail;
  }

  async #flush(): Promise<void> {
    if (this.#makings > 0) return;
    if (this.#hasGap) this.#drop();
    this.#hasGap = false;
    const pending = this.#pending;
    this.#forgetPending();
    if (pending.length === 0) return;
    await this.#tail?.append(pending);
    if (this.#tail?.isOutgrown === true) this.#makeAnew();
  }

  /** Begins anew with a snapshot, beside the file that stands there. What cannot be written is not fetched. */
  #makeAnew(): void {
    if (this.#ending.signal.aborted || this.#timer !== undefined) return;
    if (this.#makings > 0) {
      // What is in the making may be what failed.
      this.#makeAnewLater();
      return;
    }
    this.#make(async () => {
      const writer = await this.#begin();
      const { signal } = this.#ending;
      try {
        await this.#on.fetchSnapshot((piece) => writer.write(piece), signal);
      } catch (error) {
        await writer.discard();
        if (signal.aborted) return;
        throw error;
      }
      await this.#finish(writer);
    });
  }

  #forgetPending(): void {
    this.#pending = [];
    this.#pendingEvents = 0;
  }

  /** What stands in the place stays there, whole, but nothing is appended to it any more. */
  #drop(): void {
    void this.#tail?.close();
    this.#tail = undefined;
  }

  /** Nothing can be appended until the file is made anew. */
  #failed(cause: unknown): void {
    this.#forgetPending();
    this.#drop();
    this.#hasGap = this.#makings > 0;
    this.#notMade(cause);
  }

  /** No new base came of it; the one that is there, if any, goes on. */
  #notMade(cause: unknown): undefined {
    this.#on.onTrouble(troubleOf(cause, `the cache file ${this.#on.path} cannot be written`));
    this.#makeAnewLater();
  }

  #makeAnewLater(): void {
    this.#forgetTimer();
    if (this.#ending.signal.aborted) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#makeAnew();
    }, this.#on.againMs).unref();
  }

  #forgetTimer(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}

function troubleOf(cause: unknown, message: string): Failure {
  return cause instanceof Failure
    ? cause
    : new Failure('unavailable', message, { reason: 'cache_file', cause });
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}
