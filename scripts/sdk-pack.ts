/**
 * npm run sdk:pack: packs src/sdk and the rules that it shares with the server into a package of its own, @varve/sdk.
 * Out: a tarball, and what it weighs; with --install also what a folder holds in which it is installed alone.
 * Exit code 0 when done, 1 when a step failed, 2 when it is wrongly called.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { Command, CommanderError } from 'commander';
import { keepReachable } from './reachable-files.ts';
import { sdkManifest } from './sdk-manifest.ts';

interface PackOptions {
  readonly out: string;
  readonly install: boolean;
}

const root = join(import.meta.dirname, '..');

const command = new Command('sdk:pack')
  .description('Pack the SDK into a tarball that installs without the server.')
  .option('--out <folder>', 'where the tarball goes', '.')
  .option('--install', 'install it alone in an empty folder, and tell what that brings', false)
  .exitOverride()
  .action(pack);

try {
  command.parse();
} catch (error) {
  if (!(error instanceof CommanderError)) throw error;
  process.exitCode = error.exitCode === 0 ? 0 : 2;
}

function pack({ out, install }: PackOptions): void {
  const folder = mkdtempSync(join(tmpdir(), 'varve-sdk-'));
  try {
    const name = build(folder, resolve(out));
    const tarball = join(resolve(out), name);
    console.log(`packed ${name}: ${kib(statSync(tarball).size)}`);
    if (install) installAlone(tarball, join(folder, 'alone'));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Compiles, writes the manifest, packs; answers the tarball's name. */
function build(folder: string, out: string): string {
  const package_ = join(folder, 'package');
  const dist = join(package_, 'dist');
  run(join(root, 'node_modules', '.bin', 'tsc'), ['-p', 'tsconfig.sdk.json', '--outDir', dist], root);
  const manifest = sdkManifest(readFileSync(join(root, 'package.json'), 'utf8'));
  keepReachable(dist, manifest.entries);
  writeFileSync(join(package_, 'package.json'), `${JSON.stringify(manifest.json, null, 2)}\n`);
  writeFileSync(join(package_, 'README.md'), readFileSync(join(root, 'src', 'sdk', 'README.md')));
  mkdirSync(out, { recursive: true });
  const packed = run('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', out], package_);
  const [told] = JSON.parse(packed) as readonly { readonly filename: string }[];
  if (told === undefined) throw new Error('npm pack told nothing');
  return told.filename;
}

function installAlone(tarball: string, folder: string): void {
  mkdirSync(folder);
  writeFileSync(join(folder, 'package.json'), '{ "name": "alone", "private": true, "type": "module" }\n');
  run('npm', ['install', '--prefer-offline', '--no-audit', '--no-fund', tarball], folder);
  const lock = JSON.parse(readFileSync(join(folder, 'node_modules', '.package-lock.json'), 'utf8')) as {
    readonly packages: Readonly<Record<string, { readonly version: string }>>;
  };
  console.log('installed alone:');
  for (const [path, { version }] of Object.entries(lock.packages)) {
    console.log(`  ${path.replace(/^node_modules\//, '')} ${version}  ${kib(weightOf(join(folder, path)))}`);
  }
  const count = Object.keys(lock.packages).length;
  console.log(`${count} packages, ${kib(weightOf(join(folder, 'node_modules')))}`);
}

/** Bytes of all files in a folder. */
function weightOf(folder: string): number {
  let bytes = 0;
  for (const entry of readdirSync(folder, { withFileTypes: true, recursive: true })) {
    if (entry.isFile()) bytes += statSync(join(entry.parentPath, entry.name)).size;
  }
  return bytes;
}

function kib(bytes: number): string {
  return `${Math.ceil(bytes / 1024).toLocaleString('en-US')} KiB`;
}

function run(program: string, words: readonly string[], cwd: string): string {
  return execFileSync(program, words, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });
}
