/** Telling processes apart: living, dead, and dead but not yet reaped. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, test } from 'vitest';
import {
  findPostgresIn,
  findProcess,
  isRunning,
  readCommand,
  sendSignal,
  waitUntilGone,
} from '../../src/database/processes.ts';

test('a process is found while it lives, with the same mark each time, and not after', async () => {
  const child = spawn('sleep', ['600'], { stdio: 'ignore' });
  const pid = child.pid ?? 0;
  const found = findProcess(pid);
  expect(found).toEqual(findProcess(pid));
  expect(found?.startMark).not.toBe('');
  expect(readCommand(pid)).toBe('sleep 600');
  if (found === undefined) throw new Error('not found');
  expect(isRunning(found)).toBe(true);
  expect(isRunning({ pid, startMark: `${found.startMark}0` })).toBe(false);
  expect(await waitUntilGone(found, 30)).toBe(false);

  const ended = once(child, 'exit');
  expect(sendSignal(pid, 'SIGKILL')).toBe(true);
  await ended;
  expect(findProcess(pid)).toBeUndefined();
  expect(sendSignal(pid, 'SIGTERM')).toBe(false);
  expect(await waitUntilGone(found, 0)).toBe(true);
});

test('a zombie is gone', async () => {
  // The shell becomes a program that never reaps the child it started as a shell.
  const parent = spawn('sh', ['-c', 'sleep 0 & echo $!; exec sleep 600'], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  try {
    const [line]: unknown[] = await once(parent.stdout, 'data');
    const pid = Number(String(line));
    const identity = findProcess(pid);
    if (identity !== undefined) expect(await waitUntilGone(identity, 20_000)).toBe(true);
    expect(findProcess(pid)).toBeUndefined();
    expect(process.kill(pid, 0)).toBe(true);
  } finally {
    parent.kill('SIGKILL');
  }
});

test('only servers in the folder are found, nobody else who works there', async () => {
  const child = spawn('sleep', ['600'], { cwd: '/tmp', stdio: 'ignore' });
  try {
    expect(findPostgresIn('/tmp')).toEqual([]);
  } finally {
    child.kill('SIGKILL');
  }
});
