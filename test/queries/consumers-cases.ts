/**
 * What a store of consumers must do, whether it is the tables or what tests keep in memory: each process once, the newest
 * word of it, bounded, by name.
 */
import { expect, test } from 'vitest';
import { type ArrivalReads, type Heartbeat, maxConsumers, silentAfterMs } from '../../src/domain/arrival.ts';
import type { ConsumerStore } from '../../src/http/dependencies.ts';

export type ArrivalStore = ConsumerStore & { readonly reads: ArrivalReads };

export function heartbeat(
  client: string,
  revision: number,
  at: number,
  more: Partial<Heartbeat> = {},
): Heartbeat {
  return { client, instance: 'i', revision, at, isLeaving: false, ...more };
}

export function describeConsumers(store: () => ArrivalStore): void {
  const all = (ledger: string) => store().reads.consumers(ledger, undefined, 1_000);

  test('a process stands with what it said last, and when it moved', async () => {
    const { keep } = store();
    expect(
      await keep('moves', [heartbeat('chat', 5, 1_000), heartbeat('chat', 6, 1_000, { instance: 'j' })]),
    ).toEqual([]);
    await keep('moves', [heartbeat('chat', 5, 2_000)]);
    await keep('moves', [heartbeat('chat', 7, 3_000)]);
    await keep('moves', [heartbeat('chat', 7, 4_123)]);
    const times = { firstSeenAt: 1_000 };
    expect(await all('moves')).toEqual([
      { client: 'chat', instance: 'i', revision: 7, ...times, movedAt: 3_000, lastSeenAt: 4_123 },
      { client: 'chat', instance: 'j', revision: 6, ...times, movedAt: 1_000, lastSeenAt: 1_000 },
    ]);
    expect(await all('elsewhere')).toEqual([]);
  });

  test('a word that comes late changes nothing', async () => {
    const { keep } = store();
    await keep('late', [heartbeat('chat', 7, 3_000)]);
    await keep('late', [heartbeat('chat', 5, 2_000)]);
    expect(await all('late')).toMatchObject([{ revision: 7, movedAt: 3_000, lastSeenAt: 3_000 }]);
  });

  test('who says good-bye is gone, and who takes the name of silent ones replaces them', async () => {
    const { keep } = store();
    const process = (instance: string, at: number, isLeaving = false) =>
      heartbeat('chat', 1, at, { instance, isLeaving });
    await keep('names', [
      process('a', 1_000),
      process('b', 1_000),
      process('c', 9_000),
      heartbeat('other', 1, 1),
    ]);
    await keep('names', [process('b', 2_000, true), process('unknown', 2_000, true)]);
    await keep('names', [process('d', 1_001 + silentAfterMs)]);
    expect((await all('names')).map(({ client, instance }) => client + instance)).toEqual([
      'chatc',
      'chatd',
      'otheri',
    ]);
  });

  test('a repeat keeps who is there and puts nobody back', async () => {
    const { keep } = store();
    await keep('repeats', [heartbeat('here', 1, 1_000), heartbeat('gone', 1, 1_000)]);
    await keep('repeats', [heartbeat('gone', 1, 2_000, { isLeaving: true })]);
    const again = ['here', 'gone'].map((client) => heartbeat(client, 1, 3_000, { isRepeat: true }));
    expect(await keep('repeats', [...again, heartbeat('new', 1, 3_000)])).toMatchObject([{ client: 'gone' }]);
    expect(await all('repeats')).toMatchObject([
      { client: 'here', lastSeenAt: 3_000 },
      { client: 'new', lastSeenAt: 3_000 },
    ]);
  });

  test('names of any kind, in order, in pages', async () => {
    const { keep, reads } = store();
    const names = ['a', 'B', 'ä', '"quoted" \\ {1,2}', 'a\u{1f600}', "'", 'aa', '数'];
    const order = ['"quoted" \\ {1,2}', "'", 'B', 'a', 'aa', 'a\u{1f600}', 'ä', '数'];
    await keep(
      'order',
      names.map((name) => heartbeat(name, 1, 1_000, { instance: name })),
    );
    expect((await all('order')).map(({ client }) => client)).toEqual(order);
    const first = await reads.consumers('order', undefined, 3);
    const second = await reads.consumers('order', first.at(-1), 1_000);
    expect([...first, ...second].map(({ instance }) => instance)).toEqual(order);
  });

  test('the lowest revision is that of those that were heard of', async () => {
    const { keep, reads } = store();
    expect(await reads.leastRevision('least', 0)).toBeUndefined();
    await keep('least', [
      heartbeat('old', 3, 1_000),
      heartbeat('slow', 8, 2_000),
      heartbeat('good', 9, 3_000),
    ]);
    const asked = [0, 1_000, 1_001, 2_001, 3_001].map((since) => reads.leastRevision('least', since));
    expect(await Promise.all(asked)).toEqual([3, 3, 8, 9, undefined]);
  });

  test('there is room for ten thousand, and for whoever has a place', async () => {
    const { keep } = store();
    const many = Array.from({ length: maxConsumers - 1 }, (_, n) => heartbeat(`c${n}`, 1, 1_000));
    for (let start = 0; start < many.length; start += 1_000)
      expect(await keep('full', many.slice(start, start + 1_000))).toEqual([]);
    const refused = await keep('full', [
      heartbeat('x', 1, 1_000),
      heartbeat('y', 1, 1_000),
      heartbeat('c7', 2, 1_001),
    ]);
    expect(refused).toMatchObject([{ client: 'y' }]);
    expect(await store().reads.leastRevision('full', 1_001)).toBe(2);
    await keep('full', [heartbeat('c8', 1, 1_002, { isLeaving: true })]);
    expect(await keep('full', [heartbeat('y', 1, 1_003)])).toEqual([]);
    // Those that are silent longest give way.
    const at = 1_002 + silentAfterMs;
    expect(await keep('full', [heartbeat('z', 1, at)])).toEqual([]);
    expect(await all('full')).not.toContainEqual(expect.objectContaining({ client: 'c0' }));
    const last = await store().reads.consumers('full', { client: 'x', instance: '' }, 10);
    expect(last.map(({ client }) => client)).toEqual(['x', 'y', 'z']);
    expect(await keep('full', [heartbeat('early', 1, 1_001)])).toMatchObject([{ client: 'early' }]);
  });
}
