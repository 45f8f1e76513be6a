/**
 * Of a compiled folder, what its entries reach: the rest is deleted, and declarations import what is really there.
 * In: a folder of `.js` and `.d.ts` files, entries relative to it without an ending.
 */
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';

const specifiers = /(?:from|import)\s*\(?\s*'(\.{1,2}\/[^']+)'/g;

export function keepReachable(folder: string, entries: readonly string[]): void {
  const reached = new Set<string>();
  for (const ending of ['.js', '.d.ts']) {
    for (const entry of entries) follow(join(folder, `${entry}${ending}`), ending, reached);
  }
  for (const entry of readdirSync(folder, { withFileTypes: true, recursive: true })) {
    const path = join(entry.parentPath, entry.name);
    if (entry.isFile() && !reached.has(path)) rmSync(path);
  }
}

function follow(path: string, ending: string, reached: Set<string>): void {
  if (reached.has(path)) return;
  if (!existsSync(path)) throw new Error(`${path} is imported and was not compiled`);
  reached.add(path);
  const text = readFileSync(path, 'utf8');
  for (const [, specifier = ''] of text.matchAll(specifiers)) {
    follow(resolve(dirname(path), specifier.replace(/\.[jt]s$/, ending)), ending, reached);
  }
  // The compiler leaves `.ts` in declarations, where nothing of that name is.
  if (ending === '.d.ts')
    writeFileSync(
      path,
      text.replace(specifiers, (words) => words.replace(/\.ts'$/, ".js'")),
    );
}
