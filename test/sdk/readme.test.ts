/**
 * The SDK's README keeps its word: what it shows of values, users and sessions is run against a real server. The calls of
 * models are run in llm/, against providers of our own; Redis in redis-bridge.redis.test.ts.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import * as sdk from '../../src/sdk/varve-sdk.ts';
import { type SdkStand, startSdkStand } from '../support/sdk-stand.ts';

const readme = readFileSync(join(import.meta.dirname, '..', '..', 'src', 'sdk', 'README.md'), 'utf8');
const blocks = [...readme.matchAll(/```js\n([\s\S]*?)```/g)].map(([, block = '']) => block);

type Runner = (given: object) => Promise<Record<string, unknown>>;
const AsyncFunction: FunctionConstructor = Object.getPrototypeOf(async () => undefined).constructor;

let stand: SdkStand;
beforeAll(async () => {
  stand = await startSdkStand();
});
afterAll(() => stand.close());

test('values, users and sessions', async () => {
  const [start = '', users = ''] = blocks;
  expect(users).toContain('createUserContexts');
  const seen: unknown[] = [];
  const given = {
    ...sdk,
    createVarve: (options: sdk.VarveOptions) => {
      expect(options).toMatchObject({ url: 'http://127.0.0.1:4270', cacheFile: 'varve.cache' });
      return stand.client();
    },
    connect: (context: unknown) => {
      seen.push(context);
      return { close: () => undefined };
    },
  };
  const body = `${start}${users}`.replaceAll(/^import .*$/gm, '');
  const run = new AsyncFunction(
    `{ ${Object.keys(given).join(', ')} }`,
    `${body}; return { provider, model, session };`,
  );
  for (const [key, fallback] of [
    ['ai.planner.model', 'gemini/gemini-2.5-pro'],
    ['ai.tutor.model', 'gemini/gemini-2.5-flash'],
  ])
    await stand.http.change({ type: 'defineKey', key, valueType: 'string', fallback });
  const { provider, model, session } = await (run as unknown as Runner)(given);
  expect([provider, model]).toEqual(['gemini', 'gemini-2.5-pro']);
  expect(session).toMatchObject({ context: { user: 'u-17' }, token: { mode: 'pinned' } });
  expect(seen).toMatchObject([{ provider: 'Google', model: 'gemini-2.5-flash' }]);
});
