/** Heartbeats on their way to the table: what is new at once and together, what is not in a while, nothing twice, all bounded. */
import { describe, expect, test } from 'vitest';
import { type ConsumerName, type Heartbeat, maxConsumers } from '../../../src/domain/arrival.ts';
import { Failure } from '../../../src/failure.ts';
import { HeartbeatBatches } from '../../../src/http/arrival/heartbeat-batches.ts';
import { heartbeat } from '../../queries/consumers-cases.ts';

interface Stand {
  readonly batches: HeartbeatBatches;
  /** What was written, statement by statement. */
  readonly written: (readonly Heartbeat[])[];
  news: number;
  /** What the store says to the next statement. */
  answer: () => Promise<readonly ConsumerName[]>;
}

const never = 1_000_000;
const repeat = { isRepeat: true } as const;

function startStand(soonMs = 5, laterMs = never): Stand {
  const written: (readonly Heartbeat[])[] = [];
  const stand: Stand = {
    written,
    news: 0,
    answer: async () => [],
    batches: new HeartbeatBatches({
      keep: (heartbeats) => {
        written.push(heartbeats);
        return stand.answer();
      },
      onNews: () => {
        stand.news += 1;
      },
      soonMs,
      laterMs,
    }),
  };
  return stand;
}

test('what comes together is one statement, and each sender hears when his is kept', async () => {
  const { batches, written } = startStand();
  await Promise.all(Array.from({ length: 500 }, (_, n) => batches.note(heartbeat(`c${n}`, n, 1))));
  expect(written.map(({ length }) => length)).toEqual([500]);
});

test('what changes nothing but the time is answered at once and written later, with what is new', async () => {
  const stand = startStand();
  const { batches, written } = stand;
  await batches.note(heartbeat('idle', 7, 1_000));
  expect(stand.news).toBe(1);
  for (let at = 1_001; at < 1_100; at++) await batches.note(heartbeat('idle', 7, at));
  expect(written).toHaveLength(1);
  await batches.note(heartbeat('moving', 8, 2_000));
  expect(written[1]).toEqual([heartbeat('idle', 7, 1_099, repeat), heartbeat('moving', 8, 2_000)]);
  await batches.note(heartbeat('idle', 7, 3_000));
  await batches.end();
  expect(written[2]).toEqual([heartbeat('idle', 7, 3_000, repeat)]);
  expect(stand.news).toBe(2);
});

test('a thousand idle processes are one statement each while', async () => {
  const { batches, written } = startStand(5, 40);
  const beat = (at: number) =>
    Promise.all(Array.from({ length: 1_000 }, (_, n) => batches.note(heartbeat(`c${n}`, 1, at))));
  await beat(1);
  await Promise.all([beat(2), beat(3)]);
  const until = performance.now() + 5_000;
  while (written.length < 2 && performance.now() < until) await new Promise((r) => setTimeout(r, 5));
  expect(written.map(({ length }) => length)).toEqual([1_000, 1_000]);
  expect(new Set(written[1]?.map(({ at }) => at))).toEqual(new Set([3]));
});

test('the latest word of a process stands, and a good-bye is forgotten', async () => {
  const { batches, written } = startStand();
  await Promise.all([1, 2, 3].map((revision) => batches.note(heartbeat('chat', revision, revision))));
  expect(written).toEqual([[heartbeat('chat', 3, 3)]]);
  await batches.note(heartbeat('chat', 3, 4, { isLeaving: true }));
  await batches.note(heartbeat('chat', 3, 5_000));
  expect(written).toHaveLength(3);
});

test('what a good-bye has overtaken puts nobody back, however many have left', async () => {
  const { batches, written } = startStand();
  const leave = (client: string) => batches.note(heartbeat(client, 3, 10, { isLeaving: true }));
  await leave('chat');
  for (const at of [9, 10, 2_010]) await batches.note(heartbeat('chat', 3, at));
  await batches.note(heartbeat('chat', 3, 10, { instance: 'other' }));
  await batches.note(heartbeat('chat', 3, 2_011));
  expect(written.slice(1)).toEqual([
    [heartbeat('chat', 3, 10, { instance: 'other' })],
    [heartbeat('chat', 3, 2_011)],
  ]);
  await Promise.all(Array.from({ length: maxConsumers }, (_, n) => leave(`c${n}`)));
  const before = written.length;
  await batches.note(heartbeat('c0', 3, 9));
  expect(written).toHaveLength(before);
  // Of more than can be, nobody is remembered for ever.
  await leave('one more');
  await batches.note(heartbeat('c0', 3, 9));
  expect(written).toHaveLength(before + 2);
});

test('who said good-bye to another server is not put back by what he repeats here; who is there still says it anew', async () => {
  const stand = startStand(5, 5);
  const { batches, written } = stand;
  await batches.note(heartbeat('chat', 3, 10));
  stand.answer = async () => [{ client: 'chat', instance: 'i' }];
  await batches.note(heartbeat('chat', 3, 20));
  await batches.end();
  expect(written[1]).toEqual([heartbeat('chat', 3, 20, repeat)]);
  stand.answer = async () => [];
  await batches.note(heartbeat('chat', 3, 30));
  expect(written[2]).toEqual([heartbeat('chat', 3, 30)]);
});

test('without a name of its own the next one to speak stands, if he speaks later', async () => {
  const { batches, written } = startStand();
  await batches.note(heartbeat('chat', 3, 10, { instance: '', isLeaving: true }));
  await batches.note(heartbeat('chat', 3, 10, { instance: '' }));
  await batches.note(heartbeat('chat', 3, 11, { instance: '' }));
  expect(written.slice(1)).toEqual([[heartbeat('chat', 3, 11, { instance: '' })]]);
});

describe('when it cannot be kept', () => {
  test('whoever says something new hears why, and it is not taken for said', async () => {
    const stand = startStand();
    const away = new Failure('unavailable', 'away');
    stand.answer = () => Promise.reject(away);
    await expect(stand.batches.note(heartbeat('chat', 1, 1))).rejects.toBe(away);
    stand.answer = async () => [];
    await stand.batches.note(heartbeat('chat', 1, 2));
    expect(stand.written).toHaveLength(2);
  });

  test('those without room are told so, the others are kept', async () => {
    const stand = startStand();
    stand.answer = async () => [{ client: 'late', instance: 'i' }];
    const early = stand.batches.note(heartbeat('early', 1, 1));
    await expect(stand.batches.note(heartbeat('late', 1, 1))).rejects.toMatchObject({
      code: 'limited',
      reason: 'too_many_consumers',
    });
    await early;
  });

  test('no more wait than there may be, while the database does not answer', async () => {
    const stand = startStand(0);
    const held: (() => void)[] = [];
    stand.answer = () => new Promise((resolve) => held.push(() => resolve([])));
    const first = stand.batches.note(heartbeat('first', 1, 1));
    const until = performance.now() + 5_000;
    while (held.length === 0 && performance.now() < until) await new Promise(setImmediate);
    const others = Array.from({ length: maxConsumers }, (_, n) =>
      stand.batches.note(heartbeat(`c${n}`, 1, 1)),
    );
    await expect(stand.batches.note(heartbeat('one more', 1, 1))).rejects.toMatchObject({ code: 'limited' });
    stand.answer = async () => [];
    held[0]?.();
    await Promise.all([first, ...others]);
    expect(stand.written.map(({ length }) => length)).toEqual([1, ...Array<number>(10).fill(1_000)]);
  });
});
