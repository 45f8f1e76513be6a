/**
 * The SDK as a package of its own: packed, installed alone in an empty folder, and used there by the service of the
 * README, against a server that is killed. Needs npm's registry or its cache for the two packages that it depends on.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { freePort } from '../disaster/varve-process.ts';
import { makeProcessPlace, type ProcessPlace } from '../end-to-end/process-place.ts';
import { until } from '../jobs/chores-cases.ts';
import { makeScratchFolder, type ScratchFolder } from '../support/scratch-folder.ts';

const root = join(import.meta.dirname, '..', '..');
const guide = /```js\n(import [\s\S]*?)```/.exec(readFileSync(join(root, 'README.md'), 'utf8'))?.[1] ?? '';

let scratch: ScratchFolder;
let packed = '';
beforeAll(async () => {
  scratch = await makeScratchFolder();
  packed = npm(['run', '--silent', 'sdk:pack', '--', '--install', '--out', scratch.path], root);
  writeFileSync(join(scratch.path, 'package.json'), '{ "private": true, "type": "module" }\n');
  const tarball = readdirSync(scratch.path).find((name) => name.endsWith('.tgz')) ?? '';
  npm(['install', '--prefer-offline', '--no-audit', '--no-fund', `./${tarball}`], scratch.path);
});
afterAll(() => scratch.remove());

test('it brings itself and two packages without any of their own, and says what they weigh', () => {
  console.log(packed);
  expect(packed).toMatch(/^packed varve-sdk-\d+\.\d+\.\d+\.tgz: \d+ KiB$/m);
  expect(packed).toMatch(/^3 packages, [\d,]+ KiB$/m);
  const installed = readdirSync(join(scratch.path, 'node_modules')).filter((name) => !name.startsWith('.'));
  expect(installed.sort()).toEqual(['@varve', 'immer', 'zod']);
});

test('its types hold without the project around them', () => {
  const file = join(scratch.path, 'typed.ts');
  writeFileSync(
    file,
    `import { createVarve, type Resolved } from '@varve/sdk';
     import { createLlmClient } from '@varve/sdk/llm';
     import { z } from 'zod';
     const varve = createVarve({ url: 'http://127.0.0.1:1', apiKey: 'k' });
     const limit: number = varve.value('ai.limit', { tier: '3' }, { schema: z.number(), fallback: 10 });
     const said: Resolved<number> = varve.resolve('ai.limit', {}, { schema: z.number() });
     // @ts-expect-error: the schema says number
     const wrong: string = varve.value('ai.limit', {}, { schema: z.number() });
     const llm = createLlmClient(varve, { endpoints: {} });
     const text: Promise<string> = llm.complete({ key: 'ai.limit', messages: [] }).then((result) => result.text);
     console.log(limit, said, wrong, text);
    `,
  );
  const words = ['--noEmit', '--strict', '--module', 'nodenext', '--target', 'es2023', '--types', 'node'];
  const typeRoots = ['--typeRoots', join(root, 'node_modules', '@types')];
  const compiler = join(root, 'node_modules', '.bin', 'tsc');
  const said = run(compiler, [...words, ...typeRoots, '--ignoreConfig', file], scratch.path);
  expect(said).toBe('');
});

test('every door opens: what it imports is there, but for the peer of OpenFeature', () => {
  const open = (door: string) => `await import('${door}').then(() => 'open', ({ code }) => code)`;
  const doors = ['@varve/sdk', '@varve/sdk/llm', '@varve/sdk/openfeature'];
  const program = `console.log(JSON.stringify([${doors.map(open).join(', ')}]))`;
  const said = run(process.execPath, ['--input-type=module', '-e', program], scratch.path);
  expect(JSON.parse(said)).toEqual(['open', 'open', 'ERR_MODULE_NOT_FOUND']);
});

describe('the service of the README', () => {
  let server: ProcessPlace;
  let services: Service[];
  beforeAll(async () => {
    server = await makeProcessPlace();
    services = [];
    writeFileSync(join(scratch.path, 'service.js'), guide);
  });
  afterAll(async () => {
    for (const service of services) service.kill();
    await server.clear();
  });

  const startService = async (): Promise<Service> => {
    const service = await serviceIn(scratch.path, {
      VARVE: `http://127.0.0.1:${server.place.port}`,
      KEY: server.place.adminKey,
    });
    services.push(service);
    return service;
  };
  const setForAll = async (model: string) => {
    const change = {
      type: 'setOverride',
      key: 'ai.planner.model',
      scope: 'global',
      value: { provider: 'openai', model },
      allowUnlisted: true,
    };
    const { status } = await server.api.call('POST', '/v1/changesets', {
      reason: 'Another model',
      changes: [change],
    });
    expect(status).toBe(201);
  };

  test('resolves, follows, survives the death of the server, and starts from its file', async () => {
    const varve = await server.start();
    const service = await startService();
    expect(await service.ask('u-17')).toBe('gemini/gemini-2.5-pro');

    await setForAll('gpt-4o');
    await until(async () => (await service.ask('u-17')) === 'openai/gpt-4o');

    varve.signal('SIGKILL');
    await varve.ended;
    expect(await service.ask('u-17')).toBe('openai/gpt-4o');

    service.kill();
    const again = await startService();
    expect(await again.ask('u-17')).toBe('openai/gpt-4o');

    await server.start();
    await setForAll('gpt-4o-mini');
    await until(async () => (await again.ask('u-17')) === 'openai/gpt-4o-mini');
  });
});

interface Service {
  ask(user: string): Promise<string>;
  kill(): void;
}

async function serviceIn(folder: string, environment: Readonly<Record<string, string>>): Promise<Service> {
  const port = await freePort();
  const child: ChildProcess = spawn(process.execPath, ['service.js'], {
    cwd: folder,
    env: { PATH: process.env['PATH'], PORT: String(port), ...environment },
    stdio: 'inherit',
  });
  const ask = async (user: string): Promise<string> => {
    const response = await fetch(`http://127.0.0.1:${port}/?user=${user}`);
    return (await response.text()).trim();
  };
  await until(async () => (await ask('u-1').catch(() => '')) !== '');
  return { ask, kill: () => child.kill('SIGKILL') };
}

function npm(words: readonly string[], cwd: string): string {
  return run('npm', words, cwd);
}

function run(program: string, words: readonly string[], cwd: string): string {
  return execFileSync(program, words, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });
}
