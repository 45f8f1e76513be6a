/**
 * A cache file in the making: it grows under a name of its own beside its place and takes the place in one go, when it is
 * whole and on the disk. If the process dies before, the old file still stands there.
 */
import { type FileHandle, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { baseChecksum, baseEndLine } from './cache-lines.ts';

/** What stands in the file's place now, open to go on with. */
export interface CacheBase {
  readonly file: FileHandle;
  readonly bytes: number;
  readonly checksum: string;
}

export class CacheBaseWriter {
  readonly #path: string;
  readonly #temporary: string;
  readonly #file: FileHandle;
  readonly #sum = baseChecksum();
  #bytes = 0;
  #isSpoilt = false;

  private constructor(path: string, temporary: string, file: FileHandle) {
    this.#path = path;
    this.#temporary = temporary;
    this.#file = file;
  }

  /** `word` makes the name of its own. Failures: what the file system throws. */
  static async open(path: string, word: string): Promise<CacheBaseWriter> {
    const temporary = `${path}.${word}.tmp`;
    return new CacheBaseWriter(path, temporary, await open(temporary, 'wx', 0o600));
  }

  /** Whether something of it could not be written. */
  get isSpoilt(): boolean {
    return this.#isSpoilt;
  }

  spoil(): void {
    this.#isSpoilt = true;
  }

  /** Does nothing any more once it is spoilt. */
  async write(bytes: Uint8Array | string): Promise<void> {
    if (this.#isSpoilt) return;
    const buffer = typeof bytes === 'string' ? Buffer.from(bytes) : bytes;
    this.#sum.update(buffer);
    this.#bytes += buffer.length;
    await this.#file.appendFile(buffer);
  }

  /** Ends the snapshot and puts the file in its place. */
  async finish(at: number): Promise<CacheBase> {
    const checksum = this.#sum.digest();
    const line = baseEndLine(checksum, at);
    await this.#file.appendFile(line);
    return this.#place(this.#bytes + Buffer.byteLength(line), checksum);
  }

  /** Takes over so many bytes of a file that is sound so far, and puts the copy in its place. */
  async copyOf(file: FileHandle, bytes: number, checksum: string): Promise<CacheBase> {
    for await (const piece of file.createReadStream({ start: 0, end: bytes - 1, autoClose: false })) {
      await this.#file.appendFile(piece as Uint8Array);
    }
    return this.#place(bytes, checksum);
  }

  async discard(): Promise<void> {
    await this.#file.close().catch(() => undefined);
    await rm(this.#temporary, { force: true }).catch(() => undefined);
  }

  async #place(bytes: number, checksum: string): Promise<CacheBase> {
    await this.#file.sync();
    // If we stop here, the old file stands in its place, and this one is left over.
    await rename(this.#temporary, this.#path);
    await syncFolder(dirname(this.#path));
    return { file: this.#file, bytes, checksum };
  }
}

/** Left over by a process that died while it wrote: older than any writing takes. */
const leftOverMs = 3_600_000;

/** Removes what processes left over that died while they wrote. `now`: epoch milliseconds by this machine's clock. */
export async function removeLeftOvers(path: string, now: number): Promise<void> {
  const folder = dirname(path);
  const isTemporary = (name: string) => name.startsWith(`${basename(path)}.`) && name.endsWith('.tmp');
  for (const name of (await readdir(folder)).filter(isTemporary)) {
    const { mtimeMs } = await stat(join(folder, name));
    if (now - mtimeMs > leftOverMs) await rm(join(folder, name), { force: true });
  }
}

/** So that the new name is on the disk as well; not every system lets a folder be opened. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r').catch(() => undefined);
  await handle?.sync().catch(() => undefined);
  await handle?.close();
}
