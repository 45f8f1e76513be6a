/** The writer: what a request expects, other servers that are faster, and recorded time. */
import { describe, expect, test } from 'vitest';
import type { ChangesetResult } from '../../src/ledger/changeset.ts';
import {
  addModel,
  key,
  once,
  openReadyStand,
  reasonsOf,
  request,
  revisionsOf,
  set,
  start,
} from './writer-stand.ts';

describe('expectations', () => {
  test('of 200 simultaneous writes with one expectedRevision exactly one succeeds', async () => {
    const stand = await openReadyStand();
    const results = await Promise.allSettled(
      Array.from({ length: 200 }, (_, n) => stand.submit([set(n, n)], { expectedRevision: 1 })),
    );
    expect(reasonsOf(results)).toEqual(['done', ...Array.from({ length: 199 }, () => 'revision_moved')]);
    expect((await stand.log.head('default')).revision).toBe(2);
  });

  test('the expected revision is compared with what really precedes, neighbours included', async () => {
    const stand = await openReadyStand();
    const results = await Promise.allSettled([
      stand.submit([set('a', 1)], { expectedRevision: 1 }),
      stand.submit([set('b', 1)], { expectedRevision: 2 }),
      stand.submit([set('c', 1)], { expectedRevision: 2 }),
      stand.submit([set('d', 1)], { expectedRevision: 3 }),
    ]);
    expect(reasonsOf(results)).toEqual(['done', 'done', 'revision_moved', 'done']);
  });

  test('a server that is behind looks at the log before it says that the revision is another', async () => {
    const one = await openReadyStand();
    const two = await openReadyStand({ log: one.shared });
    const { revision } = await one.submit([set('a', 1)]);
    expect(two.fold.state.revision).toBe(1);
    expect(revisionsOf([await two.submit([set('b', 1)], { expectedRevision: revision })])).toEqual([[3]]);
    await expect(one.submit([set('c', 1)], { expectedRevision: revision })).rejects.toMatchObject({
      code: 'conflict',
      reason: 'revision_moved',
      details: [{ path: 'expectedRevision', message: 'the ledger is at 3' }],
    });
  });

  test('a server that is behind looks at the log before it refuses, or answers that nothing changes', async () => {
    const one = await openReadyStand();
    await one.submit([set('same', 1)]);
    const two = await openReadyStand({ log: one.shared });
    await one.submit([addModel('acme/new'), set('same', 2)]);
    expect(revisionsOf([await two.submit([{ type: 'deprecateModel', id: 'acme/new' }])])).toEqual([[5]]);
    await one.fold.catchUp();
    await one.submit([set('same', 3)]);
    // At revision 5 this server believes that 2 is set already.
    expect(revisionsOf([await two.submit([set('same', 2)])])).toEqual([[7]]);
    expect(two.counts.lostRaces).toBe(2);
  });

  test('the expected version is that of the subject; 0 means that it must not be there', async () => {
    const stand = await openReadyStand();
    const subject = `override:${key}@user:a`;
    const expecting = (version: number) => ({ expectedVersion: { subject, version } });
    const results = await Promise.allSettled([
      stand.submit([set('a', 1)], expecting(1)),
      stand.submit([set('a', 1)], expecting(0)),
      stand.submit([set('a', 2)], expecting(0)),
      stand.submit([set('a', 2)], expecting(1)),
    ]);
    expect(reasonsOf(results)).toEqual(['version_moved', 'done', 'version_moved', 'done']);
    await expect(stand.submit([set('a', 3)], expecting(1))).rejects.toMatchObject({
      code: 'conflict',
      details: [{ path: 'header.If-Match', message: 'the subject is at version 2' }],
    });
    expect(revisionsOf([await stand.submit([set('a', 3)], expecting(2))])).toEqual([[4]]);
  });
});

describe('recorded time', () => {
  test('is the shared clock’s, and never runs backwards when the clock does', async () => {
    const stand = await openReadyStand();
    const times: unknown[] = [];
    for (const now of [start + 1_000, start + 500, start - 3_000, start + 1_001]) {
      stand.clock.now = now;
      times.push((await stand.submit([set('a', now)])).events[0]?.recordedAt);
    }
    expect(times).toEqual([
      '2026-01-01T00:00:01.000Z',
      '2026-01-01T00:00:01.000Z',
      '2026-01-01T00:00:01.000Z',
      '2026-01-01T00:00:01.001Z',
    ]);
    expect((await stand.log.head('default')).recordedAt).toBe(start + 1_001);
  });

  test('a head more than 5 s ahead of the clock makes writes wait', async () => {
    const stand = await openReadyStand();
    stand.clock.now = start - 5_000;
    await stand.submit([set('a', 1)]);
    stand.clock.now = start - 5_001;
    const failure = { code: 'unavailable', reason: 'clock_behind', retryAfterSeconds: 6 };
    await expect(stand.submit([set('a', 2)])).rejects.toMatchObject(failure);
    await expect(stand.writer.preview(request([set('a', 2)]))).rejects.toMatchObject(failure);
    expect(await stand.logged()).toHaveLength(2);
    stand.clock.now = start;
    await stand.submit([set('a', 2)]);
  });
});

describe('races', () => {
  test('a lost race is decided again on what the winner wrote', async () => {
    const one = await openReadyStand();
    const two = await openReadyStand({ log: one.shared });
    await two.submit([set('a', 1)]);
    const result = await one.submit([set('a', 2)]);
    expect(result.events).toMatchObject([
      { revision: 3, version: 2, changes: [{ field: 'value', before: 1, after: 2 }] },
    ]);
    expect(one.counts.lostRaces).toBe(1);
    expect(one.told.map((events) => events[0]?.revision)).toEqual([1, 2, 3]);
  });

  test('so is the refusal that rested on a neighbour, and the neighbour’s own', async () => {
    const one = await openReadyStand();
    const two = await openReadyStand({ log: one.shared });
    one.log.faults.push({
      before: () => two.submit([addModel('acme/one'), { type: 'removeModel', id: 'acme/one' }, set('a', 1)]),
    });
    const results = await Promise.allSettled([
      one.submit([set('b', 1)], { expectedRevision: 1 }),
      one.submit([addModel('acme/one')]),
      one.submit([addModel('acme/one')]),
      one.submit([set('a', 1)]),
      one.submit([set('c', 1)], { expectedRevision: 3 }),
    ]);
    // Without the race, the first and the last would have succeeded.
    expect(reasonsOf(results)).toEqual(['revision_moved', 'done', 'model_exists', 'done', 'revision_moved']);
    expect(results[3]).toMatchObject({ value: { changesetId: null } });
    expect((await one.logged()).map((event) => event.type)).toEqual([
      'KeyDefined',
      'ModelAdded',
      'ModelRemoved',
      'OverrideSet',
      'ModelAdded',
    ]);
  });

  test('a request whose twin won on another server meanwhile gives the twin’s answer', async () => {
    const one = await openReadyStand();
    const two = await openReadyStand({ log: one.shared });
    let twin: ChangesetResult | undefined;
    one.log.faults.push({
      before: async () => {
        twin = await two.submit([set('a', 1)], once());
      },
    });
    const result = await one.submit([set('a', 1)], once());
    expect(result).toMatchObject({ changesetId: twin?.changesetId, replayed: true });
    expect(await one.logged()).toHaveLength(2);
  });

  test('races are bounded', async () => {
    const one = await openReadyStand();
    const two = await openReadyStand({ log: one.shared });
    for (let n = 0; n < 20; n += 1) one.log.faults.push({ before: () => two.submit([set('other', n)]) });
    await expect(one.submit([set('a', 1)])).rejects.toMatchObject({
      code: 'unavailable',
      reason: 'races_lost',
    });
    expect(one.counts.lostRaces).toBe(20);
    expect(revisionsOf([await one.submit([set('a', 1)])])).toEqual([[22]]);
  });

  test('two servers under load: every changeset once, no gap, both states equal', async () => {
    const one = await openReadyStand();
    const two = await openReadyStand({ log: one.shared });
    const results = await Promise.all(
      Array.from({ length: 100 }, async (_, n) => {
        for (let turn = 0; turn < n % 7; turn += 1) await new Promise(setImmediate);
        return (n % 2 === 0 ? one : two).submit([set(n, n), set('both', n)]);
      }),
    );
    await Promise.all([one.fold.catchUp(), two.fold.catchUp()]);
    const logged = await one.logged();
    expect(logged.map((event) => event.revision)).toEqual(Array.from({ length: 201 }, (_, n) => n + 1));
    expect(
      revisionsOf(results)
        .flat()
        .sort((a, b) => a - b),
    ).toEqual(logged.slice(1).map((event) => event.revision));
    for (const stand of [one, two]) {
      expect(stand.told.flat()).toEqual(logged);
      expect(stand.fold.state.overrideCount).toBe(101);
    }
  });
});
