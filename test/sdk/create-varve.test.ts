/**
 * A client as a service makes it, in a process of its own: it waits for its server, keeps the process alive until it is
 * closed, and no longer.
 */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { defineNumber, type SdkStand, set, startSdkStand } from '../support/sdk-stand.ts';

const run = promisify(execFile);

let stand: SdkStand;
beforeEach(async () => {
  stand = await startSdkStand();
  await stand.http.change(defineNumber, set(1));
});
afterEach(() => stand.close());

/** Standard output of a module that runs until nothing keeps it alive. */
async function output(url: string, lines: readonly string[]): Promise<readonly string[]> {
  const text = [
    "import { createVarve } from './src/sdk/varve-sdk.ts';",
    `const varve = createVarve({ url: '${url}', apiKey: '${stand.http.adminKey}' });`,
    ...lines,
  ].join('\n');
  const words = ['--import', 'tsx', '--input-type=module', '--eval', text];
  return (await run(process.execPath, words)).stdout.trim().split('\n');
}

test('it ends with the client, in good order', async () => {
  const lines = [
    'await varve.ready();',
    "console.log(varve.value('a.b'));",
    "varve.onChange('a.b', async () => { console.log(varve.value('a.b')); await varve.close(); });",
    "await varve.write({ reason: 'because', changes: [{ type: 'setOverride', key: 'a.b', scope: 'global', value: 2 }] });",
  ];
  expect(await output(stand.url, lines)).toEqual(['1', '2']);
});

test('without a server it waits as long as it was told to, then nothing keeps it', async () => {
  const lines = ['await varve.ready(300).catch(({ code }) => console.log(code));'];
  expect(await output('http://127.0.0.1:1', lines)).toEqual(['unavailable']);
});
