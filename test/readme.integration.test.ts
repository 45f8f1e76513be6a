/**
 * README.md keeps its word: its first session is run, command by command, against a fresh Varve, and each answer holds
 * what the README says; its npm scripts, settings and links are there.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as openFeature from '@openfeature/server-sdk';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import * as provider from '../src/sdk/openfeature-provider.ts';
import * as sdk from '../src/sdk/varve-sdk.ts';
import { startTestVarve, type TestVarve } from './support/varve.ts';

const AsyncFunction = (async () => undefined).constructor;

const root = join(import.meta.dirname, '..');
const readme = readFileSync(join(root, 'README.md'), 'utf8');
const session = readme.slice(readme.indexOf('## A first session'), readme.indexOf('## Two clocks'));
const commands = [...session.matchAll(/```sh\n(curl [\s\S]*?)\n# => (.*)\n```/g)].map(
  ([, command = '', answer = '']) => ({
    command,
    answer,
  }),
);

let varve: TestVarve;
/** Of the last changeset that a command made: what the reader copies from its answer. */
let changesetId = '';
beforeAll(async () => {
  varve = await startTestVarve({ seed: 'catalogue' });
});
afterAll(() => varve.stop());

test('the first session has its commands', () => {
  expect(commands.length).toBeGreaterThanOrEqual(9);
  expect(session.match(/```sh\ncurl/g)).toHaveLength(commands.length);
});

describe('the first session', () => {
  test.each(commands)('$command', async ({ command, answer }) => {
    const filledIn = command
      .replaceAll('$KEY', varve.adminKey)
      .replaceAll('$VARVE', varve.url)
      .replaceAll('$CHANGESET', changesetId);
    const response = await curl(shellWords(filledIn).slice(1));
    const text = await response.text();
    expect(text).toContain(answer);
    changesetId = /"changesetId":"([^"]+)","revisions"/.exec(text)?.[1] ?? changesetId;
  });
});

test('a service with OpenFeature', async () => {
  const section = readme.slice(readme.indexOf('## OpenFeature and OFREP'), readme.indexOf('## Two clocks'));
  const [, program = '', answer] = /```js\n([\s\S]*?\n)\/\/ => (.*)\n[\s\S]*?```/.exec(section) ?? [];
  const packages: Readonly<Record<string, object>> = {
    '@openfeature/server-sdk': openFeature,
    '@varve/sdk': sdk,
    '@varve/sdk/openfeature': provider,
  };
  const imports = [...program.matchAll(/^import \{ (.*) \} from '(.*)';$/gm)];
  expect(imports).toHaveLength(3);
  const imported = imports.map(([, name = '', from = '']) => [name, Reflect.get(packages[from] ?? {}, name)]);
  const said: unknown[] = [];
  const given = Object.fromEntries([
    ...imported,
    ['process', { env: { VARVE: varve.url, KEY: varve.adminKey } }],
    ['console', { log: (text: unknown) => said.push(text) }],
  ]);
  const body = program.replaceAll(/^import .*$/gm, '');
  await Reflect.construct(AsyncFunction, [...Object.keys(given), body])(...Object.values(given));
  await openFeature.OpenFeature.close();
  expect(said).toEqual([answer]);
});

test('every npm script, setting and file that it names is there', () => {
  const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    scripts: Record<string, string>;
  };
  for (const [, name = ''] of readme.matchAll(/npm run ([a-z:]+)/g))
    expect(scripts, name).toHaveProperty(name);
  const settings = readFileSync(join(root, 'src', 'settings.ts'), 'utf8');
  const named = [...readme.matchAll(/`((?:VARVE_[A-Z_]+|DATABASE_URL|REDIS_URL))`/g)].map(
    ([, name = '']) => name,
  );
  expect(named.length).toBeGreaterThan(8);
  for (const name of named) expect(settings).toContain(`${name}:`);
  for (const [, path = ''] of readme.matchAll(/\]\(([^)#:]+)\)/g))
    expect(existsSync(join(root, path)), path).toBe(true);
});

/** The part of curl that the README uses: -X, -H, -d and an address. */
function curl(words: readonly string[]): Promise<Response> {
  const headers = new Headers();
  let method: string | undefined;
  let body: string | undefined;
  let url = '';
  for (let index = 0; index < words.length; index++) {
    const word = words[index] ?? '';
    const value = words[index + 1] ?? '';
    if (word === '-H') headers.append(...(value.split(/:\s*/, 2) as [string, string]));
    else if (word === '-X') method = value;
    else if (word === '-d') body = value;
    else {
      url = word;
      continue;
    }
    index++;
  }
  return fetch(url, {
    method: method ?? (body === undefined ? 'GET' : 'POST'),
    headers,
    ...(body ? { body } : {}),
  });
}

/** Words of a shell command with single and double quotes, also where they stand in one word. */
function shellWords(command: string): string[] {
  return [...command.matchAll(/(?:'[^']*'|"[^"]*"|[^\s'"])+/g)].map(([word]) =>
    word.replace(/'([^']*)'|"([^"]*)"/g, (_, single?: string, double?: string) => single ?? double ?? ''),
  );
}
