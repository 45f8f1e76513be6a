/**
 * The mutants of this folder, read from their patch files in order of name.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type Mutant, parseMutant } from './mutant.ts';

const folder = fileURLToPath(new URL('.', import.meta.url));

export function readMutants(): readonly Mutant[] {
  return readdirSync(folder)
    .filter((file) => file.endsWith('.patch'))
    .sort()
    .map((file) => parseMutant(file.slice(0, -'.patch'.length), readFileSync(`${folder}${file}`, 'utf8')));
}
