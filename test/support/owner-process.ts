/**
 * Starts embedded-owner.ts as a process of its own: what comes in is where and as whom, what goes out is what it said.
 */

import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';

const checkout = fileURLToPath(new URL('../..', import.meta.url));

const firstLine = z.union([
  z.object({ connectionString: z.string(), dataDir: z.string(), pid: z.number() }),
  z.object({ failure: z.object({ code: z.string(), reason: z.string().optional(), message: z.string() }) }),
]);

export interface OwnerProcess {
  readonly child: ChildProcess;
  /** What it said first: where the server is, or the failure that it ended with. */
  readonly said: z.infer<typeof firstLine>;
  /** All further lines of JSON, until the process ends. */
  readonly laterLines: Promise<readonly string[]>;
  /** Sends a signal and waits for the end; the exit code, or the signal's name. */
  end(signal: NodeJS.Signals): Promise<number | string>;
}

export interface OwnerOptions {
  /** Another copy of the project; this one when absent. */
  readonly clone?: string;
  readonly account?: { readonly uid: number; readonly gid: number };
  /** A process group of its own, as a terminal gives to a command. */
  readonly ownGroup?: boolean;
}

export async function startOwner(dataDir: string, options: OwnerOptions = {}): Promise<OwnerProcess> {
  const clone = options.clone ?? checkout;
  const args = [
    '--import',
    join(clone, 'node_modules/tsx/dist/loader.mjs'),
    join(clone, 'test/support/embedded-owner.ts'),
  ];
  const child = spawn(process.execPath, [...args, dataDir], {
    cwd: clone,
    env: { PATH: '/usr/bin:/bin', TSX_DISABLE_CACHE: '1' },
    stdio: ['ignore', 'pipe', 'inherit'],
    detached: options.ownGroup === true,
    ...options.account,
  });
  const ended = once(child, 'exit');
  const lines = createInterface(child.stdout);
  const [line]: unknown[] = await Promise.race([once(lines, 'line'), ended.then(() => ['{}'])]);
  const later: string[] = [];
  lines.on('line', (text) => later.push(text));
  return {
    child,
    said: firstLine.parse(JSON.parse(String(line))),
    laterLines: once(lines, 'close').then(() => later),
    end: async (signal) => {
      child.kill(signal);
      await ended;
      return child.exitCode ?? child.signalCode ?? 'no end';
    },
  };
}

/** The server that an owner started; throws when it failed instead. */
export function serverOf(owner: OwnerProcess): { connectionString: string; dataDir: string; pid: number } {
  if ('failure' in owner.said) throw new Error(owner.said.failure.message);
  return owner.said;
}
