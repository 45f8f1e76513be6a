/**
 * What the package @varve/sdk needs: everything that its doors reach in src/, and the packages that are imported there.
 * Found by reading the imports, so that one too many is named here and not when the package is installed alone.
 */
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { sdkManifest } from '../../scripts/sdk-manifest.ts';
import { parseSource } from '../support/imports.ts';

const root = join(import.meta.dirname, '..', '..');
const { entries, needs } = sdkManifest(readFileSync(join(root, 'package.json'), 'utf8'));

test('the doors need the packages of the manifest, and no more', () => {
  const reached = new Set<string>();
  const packages = new Set<string>();
  const follow = (path: string): void => {
    if (reached.has(path)) return;
    reached.add(path);
    const { imports } = parseSource({ path, text: readFileSync(join(root, path), 'utf8') });
    for (const { specifier = '', kind } of imports) {
      if (kind === 'type' || specifier.startsWith('node:')) continue;
      if (specifier.startsWith('.')) follow(join(dirname(path), specifier));
      else packages.add(specifier);
    }
  };
  for (const entry of entries) follow(join('src', `${entry}.ts`));
  expect(reached.size).toBeGreaterThan(40);
  expect([...packages].sort()).toEqual([...needs].sort());
});
