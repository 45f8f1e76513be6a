/**
 * What instances are held by, before a real server: requests that handed them in, instances that were made with them; and that
 * nothing is left when disposing one fails unheard. (What requests ask for: user-slots.test.ts.)
 */
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { UserContexts } from '../../src/sdk/user-context.ts';
import { type ContextsStand, startContextsStand } from '../support/contexts-stand.ts';

interface Made {
  readonly name: string;
  disposals: number;
}

let stand: ContextsStand;
let contexts: UserContexts;

beforeEach(async () => {
  stand = await startContextsStand();
  ({ contexts } = stand);
});
afterEach(() => stand.close());

const madeAs = (name: string): Made => ({ name, disposals: 0 });
const dispose = (made: Made) => {
  made.disposals += 1;
};
const turn = () => new Promise(setImmediate);

test('a request keeps the instance that it has handed in', async () => {
  const [first, second] = [madeAs('first'), madeAs('second')];
  await contexts.run('ada', async () => {
    contexts.setUserLlmInstance(first, 'ada', dispose);
    await contexts.run('ada', async () => contexts.setUserLlmInstance(second, 'ada', dispose));
    await turn();
    expect([first.disposals, contexts.getUserLlmInstance('ada')]).toEqual([0, second]);
  });
  await turn();
  expect([first.disposals, second.disposals]).toEqual([1, 0]);
});

test('what an instance was made with is not disposed before it', async () => {
  await contexts.set('ada', { provider: 'Google', model: 'gemini-2.5-flash' });
  const clients: Made[] = [];
  const client = () =>
    contexts.slot(
      'ada',
      'mcp',
      ({ model }) => clients[clients.push(madeAs(`${model}`)) - 1],
      (made) => made && dispose(made),
    );
  const llm = () =>
    contexts.slot('ada', 'llm', async () => ({ ...madeAs('llm'), mcp: await client() }), dispose, {
      dependsOn: ['runtime.provider'],
    });
  const first = await llm();
  // Another client takes its place; the LLM instance stays, and requests that find it made work with the client before.
  await contexts.setUserModel('gemini-2.5-pro', 'ada');
  expect(await client()).not.toBe(first.mcp);
  await turn();
  expect(await contexts.run('ada', llm)).toBe(first);
  expect(first.mcp?.disposals).toBe(0);
  await contexts.setUserProvider('Anthropic', 'ada');
  await llm();
  await turn();
  expect([first, ...clients].map(({ disposals }) => disposals)).toEqual([1, 1, 1, 0]);
  expect(contexts.held().instances).toBe(2);
});

test('one that cannot be disposed goes also when nobody can be told', async () => {
  const deaf = stand.open({
    onTrouble: () => {
      throw new Error('nobody listens');
    },
  });
  deaf.setUserLlmInstance('an instance', 'ada', () => Promise.reject(new Error('stuck')));
  // What nobody catches fails the run.
  deaf.setUserLlmInstance(null, 'ada');
  await turn();
  expect(deaf.held().instances).toBe(0);
});
