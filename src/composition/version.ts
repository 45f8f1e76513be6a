/** The version of Varve, from package.json. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { rootFolder } from './root-folder.ts';

const { version: own } = JSON.parse(readFileSync(join(rootFolder, 'package.json'), 'utf8')) as {
  version: string;
};

/** As in package.json. */
export const version: string = own;
