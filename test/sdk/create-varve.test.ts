/**
 * A client as a service makes it, in a process of its own: it waits for its server, keeps the process alive until it is
 * closed, and no longer.
 */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { VarveOptions } from '../../src/sdk/varve.ts';
import { defineNumber, type SdkStand, set, startSdkStand } from '../support/sdk-stand.ts';

const run = promisify(execFile);

let stand: SdkStand;
beforeEach(async () => {
  stand = await startSdkStand();
  await stand.http.change(defineNumber, set(1));
});
afterEach(() => stand.close());

/** Standard output of a module that runs until nothing keeps it alive, in a shell that was told something before. */
async function output(
  options: Partial<VarveOptions>,
  lines: readonly string[],
  shell = 'true',
): Promise<readonly string[]> {
  const text = [
    "import { createVarve } from './src/sdk/varve-sdk.ts';",
    'const onTrouble = ({ reason }) => console.log(reason);',
    `const given = ${JSON.stringify({ url: stand.url, apiKey: stand.http.adminKey, ...options })};`,
    'const varve = createVarve({ ...given, onTrouble });',
    ...lines,
  ].join('\n');
  const words = [process.execPath, '--import', 'tsx', '--input-type=module', '--eval', text];
  const env = { ...process.env, TSX_DISABLE_CACHE: '1' };
  const { stdout } = await run('bash', ['-c', `${shell} && exec "$0" "$@"`, ...words], { env });
  return stdout.trim().split('\n');
}

test('it ends with the client, in good order', async () => {
  const lines = [
    'await varve.ready();',
    "console.log(varve.value('a.b'));",
    "varve.onChange('a.b', async () => { console.log(varve.value('a.b')); await varve.close(); });",
    "await varve.write({ reason: 'because', changes: [{ type: 'setOverride', key: 'a.b', scope: 'global', value: 2 }] });",
  ];
  expect(await output({}, lines)).toEqual(['1', '2']);
});

test('without a server it waits as long as it was told to, and then goes on until it is closed', async () => {
  const lines = [
    'await varve.ready(300).catch(({ code }) => console.log(code));',
    "setTimeout(() => { console.log('still here'); void varve.close(); }, 50).unref();",
  ];
  const told = await output({ url: 'http://127.0.0.1:1' }, lines);
  expect([told[0], told.at(-1)]).toEqual(['not_reached', 'still here']);
  expect(told).toContain('unavailable');
});

test('a disk that takes no more is told, and nothing else comes of it', async () => {
  const cacheFile = join(await stand.folder(), 'varve.cache');
  await stand.http.change({ type: 'defineKey', key: 'a.text', valueType: 'string', fallback: '' });
  const lines = [
    "process.on('SIGXFSZ', () => undefined);",
    'await varve.ready();',
    'for (let count = 0; count < 5; count++) {',
    "  const changes = [{ type: 'setOverride', key: 'a.text', scope: 'global', value: count + 'x'.repeat(20_000) }];",
    "  await varve.write({ reason: 'because', changes });",
    '}',
    "console.log(varve.value('a.text').slice(0, 2));",
    'await varve.close();',
  ];
  // No file may grow beyond 64 KiB.
  const told = await output({ cacheFile }, lines, 'ulimit -f 64');
  expect(new Set(told)).toEqual(new Set(['cache_file', '4x']));
  await stand.stop();
  const next = stand.client({ cacheFile });
  await next.ready();
  // What was written before is sound; the line that did not fit is not used.
  expect(next.value('a.text')).toBe(`2${'x'.repeat(20_000)}`);
});
