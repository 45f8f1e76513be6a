/**
 * Where the real data lies, for tests: VARVE_REAL_DATA, or the folder beside the project.
 * On a machine without it the tests that need it are left out and say so; a folder that is named but absent is an error.
 */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const named = process.env['VARVE_REAL_DATA'];
const folder = named ?? fileURLToPath(new URL('../../../shared/data', import.meta.url));

if (named !== undefined && !existsSync(named)) throw new Error(`VARVE_REAL_DATA names no folder: ${named}`);

/** The folder with model-history.ndjson and model-catalogue.json; undefined where there is none. */
export const realDataFolder: string | undefined = existsSync(folder) ? folder : undefined;

/** What a test's name ends in, so that a run without the data says what it left out. */
export const leftOutNote =
  realDataFolder === undefined ? ' (left out: no real data here, see VARVE_REAL_DATA)' : '';
