/**
 * Runs a command of scripts/ as a person would, in a process of its own, and answers how it ended and what it said.
 */
import { spawn } from 'node:child_process';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..', '..');

export interface Ended {
  readonly code: number | null;
  /** Lines. */
  readonly out: readonly string[];
  readonly err: readonly string[];
}

/** `environment` is all of it beside PATH. */
export function run(
  file: string,
  words: readonly string[],
  environment: Record<string, string> = {},
): Promise<Ended> {
  const child = spawn(process.execPath, ['--import', 'tsx', join(root, file), ...words], {
    cwd: root,
    env: { PATH: process.env['PATH'] ?? '', ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const texts = { out: '', err: '' };
  child.stdout.on('data', (chunk: Buffer) => (texts.out += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (texts.err += chunk.toString()));
  const lines = (text: string) => text.split('\n').filter((line) => line !== '');
  return new Promise((resolve) => {
    child.on('close', (code) => resolve({ code, out: lines(texts.out), err: lines(texts.err) }));
  });
}
