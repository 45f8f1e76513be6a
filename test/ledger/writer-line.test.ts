/**
 * The writer among others: whoever loses a race waits in line, and what was answered elsewhere meanwhile is found. On a
 * log in memory whose appends wait while somebody has a turn, as those of Postgres do.
 */
import { expect, test } from 'vitest';
import { Failure } from '../../src/failure.ts';
import type { Ledger } from '../../src/ledger/ledger.ts';
import { createMemoryLedger } from '../../src/ledger/memory-ledger.ts';
import { gate, once, openReadyStand, reasonsOf, revisionsOf, set } from './writer-stand.ts';

/** The memory engine with a line; counts the turns that were taken. */
function withLine(): { readonly log: Ledger; readonly turns: () => number } {
  const inner = createMemoryLedger();
  let line: Promise<unknown> = Promise.resolve();
  let turns = 0;
  const enter = async (): Promise<() => void> => {
    const { opened, open } = gate();
    const before = line;
    line = before.then(() => opened);
    await before;
    return open;
  };
  const log: Ledger = {
    ...inner,
    async append(ledger, expectedRevision, events) {
      const leave = await enter();
      return inner.append(ledger, expectedRevision, events).finally(leave);
    },
    async takeTurn(ledger) {
      const leave = await enter();
      turns += 1;
      return {
        head: await inner.head(ledger),
        append: (expectedRevision, events) => inner.append(ledger, expectedRevision, events),
        end: async () => leave(),
      };
    },
  };
  return { log, turns: () => turns };
}

test('after one lost race it decides while nobody else can append', async () => {
  const { log, turns } = withLine();
  const one = await openReadyStand({ log });
  const two = await openReadyStand({ log });
  // Whoever races on loses every time: another server's write lands just before each of its appends.
  for (let n = 0; n < 20; n += 1) one.log.faults.push({ before: () => two.submit([set('other', n)]) });
  expect(revisionsOf([await one.submit([set('a', 1)], { reason: 'at last' })])).toEqual([[3]]);
  expect(one.counts.lostRaces).toBe(1);
  expect(turns()).toBe(1);
});

test('it waits in line until nobody else has written between two turns, and then no longer', async () => {
  const { log, turns } = withLine();
  const one = await openReadyStand({ log });
  const two = await openReadyStand({ log });
  await two.submit([set('b', 1)]);
  await one.submit([set('a', 1)]);
  expect(turns()).toBe(1);
  await two.submit([set('b', 2)]);
  const before = turns();
  await one.submit([set('a', 2)]);
  expect(turns()).toBe(before + 1);
  // Alone from here on: one turn more shows it.
  for (let n = 3; n < 8; n += 1) await one.submit([set('a', n)]);
  expect(turns()).toBe(before + 2);
});

test('a turn that came too late is a lost race, not a failure', async () => {
  const { log } = withLine();
  const one = await openReadyStand({ log });
  const two = await openReadyStand({ log });
  await two.submit([set('b', 1)]);
  const { takeTurn } = one.log;
  let late = 2;
  one.log.takeTurn = async (ledger) => {
    const turn = await takeTurn?.call(log, ledger);
    if (turn === undefined) throw new Error('no turn');
    if (late-- <= 0) return turn;
    return {
      ...turn,
      append: () => Promise.reject(new Failure('unavailable', 'late', { reason: 'turn_over' })),
    };
  };
  expect(revisionsOf([await one.submit([set('a', 1)])])).toEqual([[3]]);
  expect(one.counts.lostRaces).toBe(3);
});

test('a key that was answered elsewhere while it was looked up is looked up again', async () => {
  const one = await openReadyStand();
  const two = await openReadyStand({ log: one.shared });
  await one.submit([set('a', 1)]);
  await two.fold.catchUp();
  // The look-up of the second server is answered, and then waits; the key, another write and the news of it come between.
  const { opened, open } = gate();
  const looked = gate();
  const { findAnswers } = two.dependencies;
  let looks = 0;
  two.dependencies.findAnswers = async (ids) => {
    const found = await findAnswers(ids);
    looks += 1;
    if (looks > 1)
      return { ...found, answers: ids.map((id) => one.remembered.get(`${id.actor}\n${id.key}`)) };
    looked.open();
    await opened;
    return found;
  };
  const slow = two.submit([set('a', 1)], once());
  await looked.opened;
  expect(await one.submit([set('a', 1)], once())).toMatchObject({ changesetId: null, replayed: false });
  await one.submit([set('a', 2)]);
  await two.fold.catchUp();
  open();
  expect(await slow).toMatchObject({ changesetId: null, replayed: true });
  expect((await one.logged()).at(-1)?.data).toMatchObject({ value: 2 });
});

test('of two answers that change nothing the first stands, for the same body and against another', async () => {
  const one = await openReadyStand();
  await one.submit([set('a', 1), set('b', 1)]);
  const two = await openReadyStand({ log: one.shared, remembered: one.remembered, seesRemembered: false });
  expect(await one.submit([set('a', 1)], once('first'))).toMatchObject({ replayed: false });
  const results = await Promise.allSettled([
    two.submit([set('a', 1)], once('first')),
    two.submit([set('a', 1)], once('first')),
  ]);
  expect(results).toMatchObject([{ value: { replayed: true } }, { value: { replayed: true } }]);
  const three = await openReadyStand({ log: one.shared, remembered: one.remembered, seesRemembered: false });
  const other = await Promise.allSettled([three.submit([set('b', 1)], once('second'))]);
  expect(reasonsOf(other)).toEqual(['idempotency_key_reused']);
});
