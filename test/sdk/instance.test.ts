/** An instance is made once, shared, and disposed once: never before it is made, never while somebody holds it. */
import { expect, test } from 'vitest';
import { createInstance } from '../../src/sdk/instance.ts';

function told<T>(make: () => T | Promise<T>, dispose: (made: T) => unknown = () => undefined) {
  const told: unknown[] = [];
  const instance = createInstance(
    {
      make,
      dispose: (made: T) => {
        told.push(['disposed', made]);
        return dispose(made);
      },
    },
    {
      onGone: () => told.push('gone'),
      onTrouble: (cause) => told.push(['trouble', cause]),
    },
  );
  return { instance, told };
}

test('what is there at once can be read at once', async () => {
  const { instance } = told(() => 'client');
  expect(instance.current()).toBe('client');
  expect(await instance.made).toBe('client');
});

test('what takes time is undefined until then', async () => {
  const { instance } = told(async () => 'client');
  expect(instance.current()).toBeUndefined();
  await instance.made;
  expect(instance.current()).toBe('client');
});

test('it is disposed once, however often it is retired', async () => {
  const { instance, told: heard } = told(() => 'client');
  await Promise.all([instance.retire(), instance.retire()]);
  await instance.retire();
  expect(heard).toEqual([['disposed', 'client'], 'gone']);
  expect(instance.current()).toBeUndefined();
});

test('retired in the making it is disposed as soon as it is made', async () => {
  let finish = (_: string) => {};
  const { instance, told: heard } = told(
    () =>
      new Promise<string>((resolve) => {
        finish = resolve;
      }),
  );
  const gone = instance.retire();
  expect(heard).toEqual([]);
  finish('client');
  await gone;
  expect(heard).toEqual([['disposed', 'client'], 'gone']);
});

test('what is held outlives being retired until the last one lets go', async () => {
  const { instance, told: heard } = told(() => 'client');
  const [first, second] = [instance.hold(), instance.hold()];
  await instance.made;
  const gone = instance.retire();
  first();
  await new Promise(setImmediate);
  expect(heard).toEqual([]);
  second();
  await gone;
  expect(heard).toEqual([['disposed', 'client'], 'gone']);
});

test.each([
  [
    'throws',
    () => {
      throw new Error('no key');
    },
  ],
  ['rejects', () => Promise.reject(new Error('no key'))],
])('making it %s: gone, and nothing is disposed', async (_, make) => {
  const { instance, told: heard } = told<string>(make);
  await expect(instance.made).rejects.toThrow('no key');
  await instance.retire();
  expect(heard).toEqual(['gone']);
});

test.each([
  [
    'throws',
    () => {
      throw new Error('stuck');
    },
  ],
  ['rejects', () => Promise.reject(new Error('stuck'))],
])('disposing it %s: it is told, and gone all the same', async (_, dispose) => {
  const { instance, told: heard } = told(() => 'client', dispose);
  await instance.retire();
  expect(heard).toEqual([['disposed', 'client'], ['trouble', new Error('stuck')], 'gone']);
});

test('an instance may be undefined or null', async () => {
  const { instance, told: heard } = told<undefined>(() => undefined);
  await instance.retire();
  expect(heard).toEqual([['disposed', undefined], 'gone']);
});
