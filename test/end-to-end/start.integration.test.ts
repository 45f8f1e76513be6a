/**
 * `npm start` as a user sees it: its own process, its own embedded database in an empty folder; the address, the key
 * shown once, a second start on the same folder, a stop that is clean, and settings that are wrong.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { makeScratchFolder, type ScratchFolder } from '../support/scratch-folder.ts';

const root = join(import.meta.dirname, '..', '..');
let scratch: ScratchFolder;
beforeAll(async () => {
  scratch = await makeScratchFolder();
});
afterAll(() => scratch.remove());

interface Started {
  readonly child: ChildProcess;
  readonly output: () => string;
  readonly ended: Promise<number | null>;
}

function start(environment: Record<string, string>, words: readonly string[] = []): Started {
  const child = spawn(process.execPath, ['--import', 'tsx', join(root, 'src', 'main.ts'), ...words], {
    cwd: root,
    env: { PATH: process.env['PATH'] ?? '', VARVE_PORT: '0', VARVE_LOG_LEVEL: 'warn', ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let text = '';
  child.stdout.on('data', (chunk: Buffer) => {
    text += chunk.toString();
  });
  child.stderr.on('data', (chunk: Buffer) => {
    text += chunk.toString();
  });
  const ended = new Promise<number | null>((resolve) => {
    child.on('exit', resolve);
  });
  return { child, output: () => text, ended };
}

async function ready(started: Started): Promise<string> {
  let isOver = false;
  void started.ended.then(() => {
    isOver = true;
  });
  for (;;) {
    const url = /is ready at (http:\S+)/.exec(started.output())?.[1];
    if (url !== undefined) return url;
    if (isOver) throw new Error(`it ended: ${started.output()}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

test('the first start shows address and key, the second keeps what was written and shows no key', async () => {
  const environment = { VARVE_DATA_DIR: scratch.path };
  const first = start(environment);
  const url = await ready(first);
  const key = /varve_admin_\w+/.exec(first.output())?.[0] ?? '';
  expect(key).toMatch(/^varve_admin_[a-z0-9]{12}_[a-z0-9]{40}$/);
  const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' };
  const changes = [{ type: 'setOverride', key: 'ai.tutor.model', scope: 'global', value: 'openai/gpt-4o' }];
  const written = await fetch(`${url}/v1/changesets`, {
    method: 'POST',
    headers,
    body: JSON.stringify({ reason: 'before the stop', changes }),
  });
  expect(written.status).toBe(201);

  const rival = start(environment);
  expect(await rival.ended).toBe(1);
  expect(rival.output().trim().split('\n')).toHaveLength(1);

  first.child.kill('SIGTERM');
  expect(await first.ended).toBe(0);

  const second = start(environment);
  const again = await ready(second);
  expect(second.output()).not.toContain('varve_admin_');
  const answer = await fetch(`${again}/v1/resolve/ai.tutor.model`, { headers });
  expect(await answer.json()).toMatchObject({ value: 'openai/gpt-4o', scope: 'global' });
  second.child.kill('SIGTERM');
  expect(await second.ended).toBe(0);
});

test('a setting that does not parse ends the start with one line that names it', async () => {
  const wrong = [
    { VARVE_PORT: 'many' },
    { VARVE_SEED: 'all' },
    { DATABASE_URL: 'mysql://x' },
    { VARVE_ADMIN_KEY: 'secret' },
    { EVENTSTORE_URL: 'http://localhost:2113' },
    { EVENTSTORE_MAX_APPEND_BYTES: '1 MiB' },
    { VARVE_LOG_LEVEL: 'loud' },
  ];
  for (const environment of wrong) {
    const started = start({ VARVE_DATA_DIR: scratch.path, ...environment });
    expect(await started.ended).toBe(1);
    const lines = started.output().trim().split('\n');
    expect(lines).toHaveLength(1);
    expect(lines[0]).toContain(Object.keys(environment)[0]);
  }
});

test('--help tells the commands', async () => {
  const started = start({}, ['--help']);
  expect(await started.ended).toBe(0);
  expect(started.output()).toContain('npm run worker');
});
