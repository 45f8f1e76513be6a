/** What is held for users is bounded, in the order of their last access, and never let go of while it is used. */
import { describe, expect, test } from 'vitest';
import { createHeldContexts } from '../../src/sdk/held-contexts.ts';
import { createInstance } from '../../src/sdk/instance.ts';

function stand(maxContexts = 100) {
  let now = 1_000;
  const held = createHeldContexts(maxContexts, () => now);
  const disposed: string[] = [];
  return {
    held,
    disposed,
    setTo: (ms: number) => {
      now = ms;
    },
    pass: (ms: number) => {
      now += ms;
    },
    touch: (user: string) => held.touch({ user }),
    users: () => [...held.all()].map(({ user }) => user.user),
    give: (user: string) => {
      const instance = createInstance(
        { make: () => user, dispose: (made) => disposed.push(made) },
        { onGone: () => undefined, onTrouble: () => undefined },
      );
      held.touch({ user }).instances.set('llm', { instance, madeFrom: undefined });
      return instance.made;
    },
  };
}

describe('idle contexts', () => {
  test('go when they were not accessed for longer than so long, with their instances', async () => {
    const { held, pass, touch, users, give, disposed } = stand();
    await give('ada');
    touch('bob');
    pass(10);
    touch('bob');
    expect(await held.dropIdle(10)).toBe(0);
    pass(1);
    expect(await held.dropIdle(10)).toBe(1);
    expect(users()).toEqual(['bob']);
    await new Promise(setImmediate);
    expect(disposed).toEqual(['ada']);
  });

  test('one that a request uses stays, counts as accessed, and hides no idle one behind it', async () => {
    const { held, pass, touch, users } = stand();
    const ada = touch('ada');
    ada.users += 1;
    touch('bob');
    pass(11);
    expect(await held.dropIdle(10)).toBe(1);
    expect(users()).toEqual(['ada']);
    ada.users -= 1;
    expect(await held.dropIdle(10)).toBe(0);
    pass(11);
    expect(await held.dropIdle(10)).toBe(1);
  });

  test('are let go of in slices, other work in between', async () => {
    const { held, pass, touch } = stand(10_000);
    for (let i = 0; i < 5_000; i++) touch(`u-${i}`);
    pass(11);
    let turns = 0;
    let isDone = false;
    const count = () => {
      turns += 1;
      if (!isDone) setImmediate(count);
    };
    setImmediate(count);
    expect(await held.dropIdle(10)).toBe(5_000);
    isDone = true;
    expect(turns).toBeGreaterThan(20);
    expect(held.size()).toBe(0);
  });

  test('are looked at once each, also when time goes on and all are in use', async () => {
    const { held, pass, touch } = stand(1_000);
    for (let i = 0; i < 500; i++) touch(`u-${i}`).users += 1;
    let isDone = false;
    const tick = () => {
      pass(1);
      if (!isDone) setImmediate(tick);
    };
    tick();
    expect(await held.dropIdle(0)).toBe(0);
    isDone = true;
    expect(held.size()).toBe(500);
  });

  test('a clock that is put back changes no order and loses nobody', async () => {
    const { held, setTo, pass, touch, users } = stand();
    touch('ada');
    setTo(500);
    touch('bob');
    expect(users()).toEqual(['ada', 'bob']);
    expect(await held.dropIdle(10)).toBe(0);
    setTo(1_000);
    pass(11);
    expect(await held.dropIdle(10)).toBe(2);
  });
});

describe('a full house', () => {
  test('the longest unused gives way', () => {
    const { touch, users } = stand(2);
    touch('ada');
    touch('bob');
    touch('ada');
    touch('cy');
    expect(users()).toEqual(['ada', 'cy']);
  });

  test('one that is used does not; when all are used the next one is turned away', () => {
    const { held, touch, users } = stand(2);
    const [ada, bob] = [touch('ada'), touch('bob')];
    ada.users += 1;
    touch('cy');
    expect(users()).toEqual(['ada', 'cy']);
    bob.users += 1;
    touch('cy').users += 1;
    expect(() => touch('dan')).toThrow(expect.objectContaining({ code: 'limited' }));
    expect(held.size()).toBe(2);
  });
});

test('a user is held as he was asked for last', () => {
  const { held } = stand();
  held.touch({ user: 'ada', tenant: 'acme' });
  expect(held.touch({ user: 'ada', tier: '3' }).user).toEqual({ user: 'ada', tier: '3' });
  expect(held.size()).toBe(1);
});

test('all are let go of at once, and waited for', async () => {
  const { held, give, disposed } = stand();
  await Promise.all([give('ada'), give('bob')]);
  await held.dropAll();
  expect(disposed.sort()).toEqual(['ada', 'bob']);
  expect(held.size()).toBe(0);
});
