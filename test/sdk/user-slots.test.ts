/**
 * Instances per user before a real server: one LLM instance, one MCP client of each user, made once, remade when what they
 * were made from has changed, disposed once. And users who come and go leave nothing behind.
 */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { UserContext } from '../../src/sdk/runtime-fields.ts';
import type { UserContexts } from '../../src/sdk/user-context.ts';
import type { Varve } from '../../src/sdk/varve.ts';
import { type ContextsStand, startContextsStand } from '../support/contexts-stand.ts';

/** Says for whom and from what it was made, and how often it was disposed. */
interface Llm {
  readonly userId: string;
  readonly model: string | null;
  disposals: number;
}

let stand: ContextsStand;
let varve: Varve;
let contexts: UserContexts;
let made: Llm[];

beforeEach(async () => {
  stand = await startContextsStand();
  ({ varve, contexts } = stand);
  made = [];
});
afterEach(() => stand.close());

const make = async ({ userId, model }: UserContext): Promise<Llm> => {
  await new Promise(setImmediate);
  const llm = { userId, model, disposals: 0 };
  made.push(llm);
  return llm;
};
const dispose = (llm: Llm) => {
  llm.disposals += 1;
};
const llmOf = (user: string, dependsOn?: readonly string[]) =>
  contexts.slot(user, 'llm', make, dispose, dependsOn === undefined ? {} : { dependsOn });
const turn = () => new Promise(setImmediate);

describe('a slot', () => {
  test('is filled once for all who ask at once, and for each user apart', async () => {
    const asked = await Promise.all(
      ['ada', 'bob', 'ada', 'bob', 'ada'].map((user) => contexts.run(user, () => llmOf(user))),
    );
    expect(made.map(({ userId }) => userId)).toEqual(['ada', 'bob']);
    expect(asked.map(({ userId }) => userId)).toEqual(['ada', 'bob', 'ada', 'bob', 'ada']);
    expect(await llmOf('ada')).toBe(asked[0]);
    expect(contexts.held()).toEqual({ contexts: 2, instances: 2 });
  });

  test('keeps things of several names', async () => {
    const llm = await llmOf('ada');
    const client = await contexts.slot('ada', 'mcp', () => 'a client');
    expect([await llmOf('ada'), client]).toEqual([llm, 'a client']);
    expect(made).toHaveLength(1);
  });

  test('is filled anew after a failure, which all who asked hear', async () => {
    let attempts = 0;
    const ask = () =>
      contexts.slot('ada', 'llm', async () => {
        attempts += 1;
        await turn();
        if (attempts === 1) throw new Error('no key');
        return attempts;
      });
    const outcomes = await Promise.allSettled([ask(), ask(), ask()]);
    expect(outcomes.map(({ status }) => status)).toEqual(Array(3).fill('rejected'));
    expect(contexts.held()).toEqual({ contexts: 1, instances: 0 });
    expect(await Promise.all([ask(), ask()])).toEqual([2, 2]);
  });

  test('is filled with the eyes of its user, whoever asks', async () => {
    await contexts.set('ada', { model: 'ada’s model' });
    await contexts.set('bob', { model: 'bob’s model' });
    const look = async () => {
      await turn();
      return [varve.value('runtime.model'), contexts.current()?.userId];
    };
    expect(await contexts.run('bob', () => contexts.slot('ada', 'look', look))).toEqual([
      'ada’s model',
      'ada',
    ]);
  });

  test('there are 32 names a user at most', async () => {
    for (let i = 0; i < 32; i++) await contexts.slot('ada', `slot-${i}`, () => i);
    await expect(contexts.slot('ada', 'one more', () => 32)).rejects.toMatchObject({ code: 'limited' });
    expect(await contexts.slot('ada', 'slot-31', () => 'another')).toBe(31);
    expect(await contexts.slot('bob', 'one more', () => 32)).toBe(32);
  });
});

describe('when the configuration changes', () => {
  beforeEach(() => contexts.set('ada', { provider: 'Google', model: 'gemini-2.5-flash' }));

  test('the next asker gets a new instance, and the one before is disposed', async () => {
    const before = await llmOf('ada');
    const ofBob = await llmOf('bob');
    await contexts.setUserModel('gemini-2.5-pro', 'ada');
    const [after, same] = await Promise.all([llmOf('ada'), llmOf('ada')]);
    expect(after).toMatchObject({ model: 'gemini-2.5-pro', disposals: 0 });
    expect(same).toBe(after);
    expect(before).toMatchObject({ model: 'gemini-2.5-flash', disposals: 1 });
    expect(await llmOf('bob')).toBe(ofBob);
    expect(made).toHaveLength(3);
  });

  test('a request that is running keeps the one that it has', async () => {
    let before: Llm | undefined;
    await contexts.run('ada', async () => {
      before = await llmOf('ada');
      expect(await llmOf('ada')).toBe(before);
      await contexts.setUserModel('gemini-2.5-pro', 'ada');
      const after = await contexts.run('ada', () => llmOf('ada'));
      await turn();
      expect([before.disposals, after.disposals]).toEqual([0, 0]);
      expect(after).not.toBe(before);
    });
    await turn();
    expect(before?.disposals).toBe(1);
    expect(contexts.held().instances).toBe(1);
  });

  test('work that goes on after its request has ended keeps none', async () => {
    let goOn = () => {};
    let later: Promise<Llm> | undefined;
    await contexts.run('ada', async () => {
      later = new Promise<void>((resolve) => {
        goOn = resolve;
      }).then(() => llmOf('ada'));
    });
    goOn();
    const late = await later;
    await contexts.setUserModel('gemini-2.5-pro', 'ada');
    await llmOf('ada');
    await turn();
    expect(late?.disposals).toBe(1);
  });

  test('only the keys that it depends on matter, of whatever name', async () => {
    const change = { type: 'defineKey', key: 'llm.seed', valueType: 'integer', fallback: 0 };
    await varve.write({ reason: 'a seed', changes: [change] });
    const seed = (value: number) =>
      varve.write({
        reason: 'another seed',
        changes: [{ type: 'setOverride', key: 'llm.seed', scope: 'user:ada', value }],
      });
    const before = await llmOf('ada', ['llm.seed']);
    await contexts.setUserModel('gemini-2.5-pro', 'ada');
    expect(await llmOf('ada', ['llm.seed'])).toBe(before);
    await seed(1);
    expect(await llmOf('ada', ['llm.seed'])).not.toBe(before);
    expect(before.disposals).toBe(1);
  });

  test('what was handed in stays until another is, or none', async () => {
    const given = { userId: 'ada', model: 'given', disposals: 0 };
    contexts.setUserLlmInstance(given, 'ada', dispose);
    await contexts.setUserModel('gemini-2.5-pro', 'ada');
    expect(contexts.getUserLlmInstance('ada')).toBe(given);
    contexts.setUserLlmInstance(given, 'ada', dispose);
    await turn();
    expect(given.disposals).toBe(0);
    const second = { ...given, model: 'second' };
    contexts.setUserLlmInstance(second, 'ada', dispose);
    expect(contexts.getUserLlmInstance('ada')).toBe(second);
    await turn();
    expect(given.disposals).toBe(1);
    contexts.setUserLlmInstance(null, 'ada');
    expect(contexts.getUserLlmInstance('ada')).toBeNull();
    await turn();
    expect([given.disposals, second.disposals]).toEqual([1, 1]);
    expect(contexts.held().instances).toBe(0);
  });
});

describe('what goes', () => {
  test('with an idle context: its instances, once; what is being made keeps it', async () => {
    const ofAda = await llmOf('ada');
    stand.passHours(25);
    const ofBob = llmOf('bob');
    stand.passHours(25);
    expect(await contexts.cleanupInactiveUserContexts()).toBe(1);
    await turn();
    expect([ofAda.disposals, (await ofBob).disposals]).toEqual([1, 0]);
    expect(await llmOf('ada')).not.toBe(ofAda);
  });

  test('in a full house: those of the longest unused', async () => {
    contexts = stand.open({ maxContexts: 3 });
    for (let i = 0; i < 10; i++) await llmOf(`u-${i}`);
    await turn();
    expect(contexts.held()).toEqual({ contexts: 3, instances: 3 });
    expect(made.map(({ disposals }) => disposals)).toEqual([...Array(7).fill(1), 0, 0, 0]);
  });

  test('is told when it cannot be disposed, and goes', async () => {
    const failing = () => {
      throw new Error('stuck');
    };
    await contexts.slot('ada', 'mcp', () => 'a client', failing);
    stand.passHours(25);
    await contexts.cleanupInactiveUserContexts();
    await turn();
    expect(stand.troubles).toEqual([
      expect.objectContaining({ code: 'unavailable', reason: 'not_disposed', cause: new Error('stuck') }),
    ]);
    expect(contexts.held()).toEqual({ contexts: 0, instances: 0 });
  });

  test('at the end: everything, when the requests that run have ended', async () => {
    let finish = () => {};
    const running = contexts.run('ada', async () => {
      const llm = await llmOf('ada');
      await new Promise<void>((resolve) => {
        finish = resolve;
      });
      return llm.disposals;
    });
    await llmOf('bob');
    await turn();
    await turn();
    const closed = contexts.close();
    await turn();
    expect(made.map(({ userId, disposals }) => [userId, disposals])).toEqual([
      ['ada', 0],
      ['bob', 1],
    ]);
    finish();
    expect(await running).toBe(0);
    await closed;
    expect(made.map(({ disposals }) => disposals)).toEqual([1, 1]);
  });
});

test('10,000 users come and go: nothing of them is left, and each instance is disposed once', async () => {
  await contexts.set('ada', { provider: 'Google' });
  let held = 0;
  for (let wave = 0; wave < 10; wave++) {
    await Promise.all(
      Array.from({ length: 1_000 }, (_, i) => {
        const user = `u-${wave}-${i}`;
        return contexts.run(user, async () => {
          await Promise.all([llmOf(user), contexts.slot(user, 'mcp', make, dispose)]);
        });
      }),
    );
    held = Math.max(held, contexts.held().contexts);
    stand.passHours(13);
    await contexts.cleanupInactiveUserContexts();
  }
  stand.passHours(25);
  await contexts.cleanupInactiveUserContexts();
  await turn();
  expect(held).toBeLessThanOrEqual(2_001);
  expect(contexts.held()).toEqual({ contexts: 0, instances: 0 });
  expect(made).toHaveLength(20_000);
  expect(made.filter(({ disposals }) => disposals !== 1)).toEqual([]);
});
