/** The folder that holds package.json and migrations/, whether the sources run or what was built of them. */
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** Absolute path. */
export const rootFolder: string = findRoot(import.meta.dirname);

function findRoot(folder: string): string {
  if (existsSync(join(folder, 'package.json')) && existsSync(join(folder, 'migrations'))) return folder;
  const parent = dirname(folder);
  if (parent === folder) throw new Error('package.json and migrations/ are not beside the program');
  return findRoot(parent);
}
