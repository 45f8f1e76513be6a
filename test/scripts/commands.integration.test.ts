/**
 * The commands beside the server as a person runs them: exit codes, and what they say when something is not as it
 * should be. Each in a process of its own, against a running Varve.
 */
import { writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { seedKeys } from '../../src/seed/keys.ts';
import { seedCatalogue } from '../../src/seed/seed-catalogue.ts';
import { freePort } from '../disaster/varve-process.ts';
import { run } from '../support/run-command.ts';
import { makeScratchFolder, type ScratchFolder } from '../support/scratch-folder.ts';
import { startTestVarve, type TestVarve } from '../support/varve.ts';

const root = join(import.meta.dirname, '..', '..');
const history = join(root, 'test', 'fixtures', 'deepseek-history.ndjson');

/** A model of the catalogue that no key and no other model names. */
const named = JSON.stringify([seedKeys, seedCatalogue.map(({ deprecated }) => deprecated)]);
const unreferred =
  seedCatalogue.find(({ id, deprecated }) => !named.includes(id) && deprecated === undefined)?.id ?? '';

let varve: TestVarve;
let stranger: Server;
let scratch: ScratchFolder;
/** Environments of a client. */
let here: Record<string, string>;
let strange: Record<string, string>;
let away: Record<string, string>;
beforeAll(async () => {
  varve = await startTestVarve();
  here = { VARVE_URL: varve.url, VARVE_API_KEY: varve.adminKey };
  stranger = createServer((_, response) => response.end('<h1>It works!</h1>')).listen(0, '127.0.0.1');
  await new Promise((resolve) => stranger.once('listening', resolve));
  const address = stranger.address();
  if (address === null || typeof address === 'string') throw new Error('no port was given');
  strange = { VARVE_URL: `http://127.0.0.1:${address.port}`, VARVE_API_KEY: 'any' };
  away = { VARVE_URL: `http://127.0.0.1:${await freePort()}`, VARVE_API_KEY: 'any' };
  scratch = await makeScratchFolder();
});
afterAll(async () => {
  stranger.close();
  await scratch.remove();
  await varve.stop();
});

describe.concurrent('npm run seed', () => {
  const seed = (environment: Record<string, string>, ...words: string[]) =>
    run('scripts/seed.ts', words, environment);

  test('adds what is missing, and nothing when it is all there', async () => {
    const first = await seed(here);
    expect(first).toEqual({ code: 0, out: [expect.stringMatching(/^\d+ events were added\.$/)], err: [] });
    const { body } = await varve.call('GET', '/v1/models?limit=1000');
    expect(body.items.length).toBeGreaterThanOrEqual(58);
    expect(await seed(here)).toEqual({ code: 0, out: ['Everything is there already.'], err: [] });

    // Twice the same is missing: it is added twice, and the second time not told from memory.
    for (const time of ['once', 'twice']) {
      await varve.change([{ type: 'removeModel', id: unreferred }], { 'x-request-id': time });
      expect((await seed(here)).out).toEqual(['1 events were added.']);
      const back = await varve.call('GET', `/v1/models/${encodeURIComponent(unreferred)}`);
      expect(back, time).toMatchObject({ status: 200 });
    }
  });

  test.each([
    [
      'a key that nobody knows',
      () => ({ ...here, VARVE_API_KEY: 'varve_admin_nobody_0' }),
      /unknown or revoked/,
    ],
    ['no key', () => ({ VARVE_URL: varve.url }), /Authorization is missing/],
    [
      'a server that is away',
      () => away,
      /does not answer at http:\/\/127\.0\.0\.1:\d+; npm start starts it/,
    ],
    ['a server that is not Varve', () => strange, /not as Varve does/],
    ['a setting that does not parse', () => ({ VARVE_URL: 'varve:4270' }), /^seed: VARVE_URL is no URL/],
  ])('with %s: exit code 1 and one line', async (_, environment, line) => {
    const { code, out, err } = await seed(environment());
    expect({ code, out, err }).toEqual({ code: 1, out: [], err: [expect.stringMatching(line)] });
    expect(err[0]).toMatch(/^seed: /);
  });

  test('wrongly called: exit code 2; --help: 0', async () => {
    expect(await seed(here, '--all')).toMatchObject({
      code: 2,
      out: [],
      err: [expect.stringContaining('--all')],
    });
    expect(await seed({}, '--help')).toMatchObject({ code: 0, err: [] });
  });
});

describe.concurrent('npm run import:models', () => {
  const load = (environment: Record<string, string>, ...words: string[]) =>
    run('scripts/import-models.ts', words, environment);

  test('imports a history, and adds nothing the second time', async () => {
    const first = await load(here, history);
    expect(first).toMatchObject({ code: 0, err: [] });
    expect(first.out.length).toBeGreaterThan(2);
    const id = encodeURIComponent('deepseek/deepseek-chat');
    const { body } = await varve.call('GET', `/v1/models/${id}?at=2025-07-01T00:00:00Z`);
    expect(body.pricing).toMatchObject({ input: '0.27', output: '1.1' });
    const prices = async () => (await varve.call('GET', `/v1/models/${id}/prices`)).body.items;
    const before = await prices();
    expect(await load(here, history)).toMatchObject({ code: 0 });
    expect(await prices()).toEqual(before);
  });

  test.each([
    [
      'a key that nobody knows',
      () => ({ ...here, VARVE_API_KEY: 'nobody' }),
      [/unknown or revoked/, /VARVE_API_KEY/],
    ],
    ['a server that is not Varve', () => strange, [/not as Varve does/]],
    ['a setting that does not parse', () => ({ VARVE_URL: 'ftp://x' }), [/VARVE_URL is no URL/]],
  ])('with %s: exit code 1, and it says why', async (_, environment, lines) => {
    const { code, out, err } = await load(environment(), history);
    expect({ code, out }).toEqual({ code: 1, out: [] });
    expect(err[0]).toMatch(/^import stopped: /);
    for (const line of lines) expect(err.join('\n')).toMatch(line);
    expect(err.length).toBeLessThan(4);
  });

  test('with a server that is away it tries for a while, then exit code 1 and where to look', async () => {
    const { code, err } = await load(away, history);
    expect(code).toBe(1);
    expect(err.slice(0, -2).every((line) => line.endsWith('; trying again'))).toBe(true);
    expect(err.slice(-2)).toEqual([
      expect.stringMatching(/^import stopped: .*no answer from http:\/\/127\.0\.0\.1:\d+: .*ECONNREFUSED/),
      expect.stringContaining('VARVE_URL'),
    ]);
  });

  test('with a file that is not there, or is none: exit code 1, and it names the file or the line', async () => {
    const missing = join(scratch.path, 'missing.ndjson');
    expect(await load(here, missing)).toMatchObject({
      code: 1,
      out: [],
      err: [expect.stringContaining(missing)],
    });
    const broken = join(scratch.path, 'broken.ndjson');
    await writeFile(broken, '{"no":"record"}\n');
    const { code, err } = await load(here, broken);
    expect(code).toBe(1);
    expect(err[0]).toMatch(/^import stopped: .*line 1\b/);
  });

  test('wrongly called: exit code 2; --help: 0', async () => {
    expect(await load(here)).toMatchObject({ code: 2, out: [] });
    expect(await load(here, history, '--fast')).toMatchObject({ code: 2, out: [] });
    const { code, out } = await load({}, '--help');
    expect(code).toBe(0);
    expect(out.join('\n')).toContain('VARVE_API_KEY');
  });
});

describe.concurrent('the command itself', () => {
  test.each([['--help'], ['-h'], ['help']])('%s tells the commands and starts nothing', async (word) => {
    const { code, out, err } = await run('src/main.ts', [word]);
    expect({ code, err }).toEqual({ code: 0, err: [] });
    expect(out.join('\n')).toMatch(/npm start[\s\S]*npm run server[\s\S]*npm run worker/);
  });

  test.each([[['serve']], [['server', 'worker']], [['--port', '80']]])(
    '%j is refused in one line',
    async (words) => {
      const { code, out, err } = await run('src/main.ts', words);
      expect({ code, out }).toEqual({ code: 1, out: [] });
      expect(err).toEqual([`varve: ${words.join(' ')} is none of: server, worker, --help`]);
    },
  );
});
