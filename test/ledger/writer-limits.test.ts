/** The writer: nobody waits longer than the limits, whatever the log does, and what was answered as not done is not done. */
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { gate, once, openReadyStand, reasonsOf, set } from './writer-stand.ts';

const answerLimits = { waitMs: 60, answerMs: 120 };
const forever = () => new Promise<never>(() => undefined);

test('an append that hangs: the outcome is unknown in time, those behind it are certainly not recorded', async () => {
  const stand = await openReadyStand({ answerLimits });
  const { opened, open } = gate();
  stand.log.faults.push({ after: () => opened });
  const first = stand.submit([set('a', 1)], once());
  await new Promise((resolve) => setImmediate(resolve));
  const behind = [stand.submit([set('b', 1)]), stand.submit([set('c', 1)])];
  const results = await Promise.allSettled([first, ...behind]);
  expect(reasonsOf(results)).toEqual(['outcome_unknown', 'waited_too_long', 'waited_too_long']);
  expect(stand.writer.waiting).toBe(0);
  // The log comes back: what it had is found, and the others are not done after all.
  open();
  expect(await stand.submit([set('a', 1)], once())).toMatchObject({ replayed: true, revision: 2 });
  expect(await stand.submit([set('d', 1)])).toMatchObject({ revision: 3 });
  expect((await stand.logged()).map(({ subject }) => subject.split('user:')[1])).toEqual([
    undefined,
    'a',
    'd',
  ]);
});

test('what waited too long before the log got it is not appended when the clock answers at last', async () => {
  const { opened, open } = gate();
  let clock: Promise<unknown> = Promise.resolve();
  const stand = await openReadyStand({ answerLimits, beforeClock: () => clock });
  const before = await stand.logged();
  clock = opened;
  const late = await Promise.allSettled([stand.submit([set('a', 1)])]);
  expect(reasonsOf(late)).toEqual(['waited_too_long']);
  open();
  await sleep(20);
  expect(await stand.logged()).toEqual(before);
});

test('a stop does not wait for a log that does not answer', async () => {
  const stand = await openReadyStand();
  stand.log.faults.push({ before: forever });
  const results = Promise.allSettled([stand.submit([set('a', 1)])]);
  await new Promise((resolve) => setImmediate(resolve));
  await stand.writer.stop();
  expect(reasonsOf(await results)).toEqual(['outcome_unknown']);
});

test('before a stop whoever comes still is answered as soon as those who wait', async () => {
  const stand = await openReadyStand({ answerLimits: { waitMs: 60_000, answerMs: 120_000 } });
  stand.log.faults.push({ before: forever });
  const waiting = stand.submit([set('a', 1)]);
  await new Promise((resolve) => setImmediate(resolve));
  stand.writer.hurry(20);
  const results = await Promise.allSettled([waiting, stand.submit([set('b', 1)])]);
  expect(reasonsOf(results)).toEqual(['outcome_unknown', 'waited_too_long']);
});
