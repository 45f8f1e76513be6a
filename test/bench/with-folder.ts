/**
 * A folder for one bench, on the disk of temporary files, removed at its end. Open enough that a database under another
 * account can pass through.
 */
import { makeScratchFolder } from '../support/scratch-folder.ts';

export async function withFolder<T>(work: (path: string) => Promise<T>): Promise<T> {
  const folder = await makeScratchFolder();
  try {
    return await work(folder.path);
  } finally {
    await folder.remove();
  }
}
