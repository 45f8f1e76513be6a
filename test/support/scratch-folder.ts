/**
 * Folders for tests, outside the checkout, removed by whoever made them.
 * Open enough that a database running under another account can pass through (mkdtemp alone closes them).
 */

import { chmod, mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface ScratchFolder {
  readonly path: string;
  remove(): Promise<void>;
}

/** All scratch folders begin like this, so that what a killed run left can be found. */
export const scratchPrefix = 'varve-test-';

/** Makes a fresh folder with a mode; 0o711: others may pass through, and not list it. */
export async function makeScratchFolder(mode = 0o711): Promise<ScratchFolder> {
  const path = await realpath(await mkdtemp(join(tmpdir(), scratchPrefix)));
  await chmod(path, mode);
  return { path, remove: () => rm(path, { recursive: true, force: true, maxRetries: 3 }) };
}
