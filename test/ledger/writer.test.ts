/** The writer: what it records, group commit, neighbours, previews. */
import { describe, expect, test } from 'vitest';
import {
  addModel,
  defineKey,
  gate,
  key,
  once,
  openReadyStand,
  openStand,
  reasonsOf,
  request,
  revisionsOf,
  set,
} from './writer-stand.ts';

describe('an event', () => {
  test('says who, when, why, how and together with what', async () => {
    const stand = openStand();
    const actor = { id: 'ann', kind: 'person', via: 'console' } as const;
    const result = await stand.submit([defineKey, set('u', 5)], {
      actor,
      reason: 'because',
      source: 'console',
      requestId: 'r-1',
      idempotency: { key: 'k', bodyHash: 'h' },
    });
    const envelope = {
      ledger: 'default',
      schemaVersion: 1,
      version: 1,
      recordedAt: '2026-01-01T00:00:00.000Z',
      actor,
      reason: 'because',
      source: 'console',
      changesetId: 'changeset-1',
      requestId: 'r-1',
      idempotency: { key: 'k', bodyHash: 'h' },
    };
    const { type: _type, ...definition } = defineKey as Extract<typeof defineKey, { type: 'defineKey' }>;
    const events = [
      { ...envelope, type: 'KeyDefined', revision: 1, subject: `key:${key}`, data: definition, last: false },
      {
        ...envelope,
        type: 'OverrideSet',
        revision: 2,
        subject: `override:${key}@user:u`,
        data: { key, scope: 'user:u', value: 5 },
        last: true,
      },
    ];
    expect(await stand.logged()).toEqual(events);
    expect(stand.told).toEqual([events]);
    const changes = [
      [
        { field: 'fallback', before: null, after: 0 },
        { field: 'key', before: null, after: key },
        { field: 'retired', before: null, after: false },
        { field: 'valueType', before: null, after: 'integer' },
      ],
      [{ field: 'value', before: null, after: 5 }],
    ];
    expect(result).toEqual({
      changesetId: 'changeset-1',
      events: events.map((event, place) => ({ ...event, changes: changes[place] })),
      warnings: [],
      revision: 2,
      replayed: false,
    });
  });

  test('keeps the warnings of an idempotent changeset in its last event', async () => {
    const stand = await openReadyStand();
    const result = await stand.submit([set('a', 1), set('a', 1), set('b', 1)], once());
    const warning = { code: 'no_change', path: 'changes.1' };
    expect(result.warnings).toMatchObject([warning]);
    const logged = await stand.logged();
    expect(logged.slice(1).map((event) => event.idempotency?.warnings)).toEqual([undefined, result.warnings]);
  });
});

describe('group commit', () => {
  test('requests of one moment are one append, in their order', async () => {
    const stand = await openReadyStand();
    const results = await Promise.all(Array.from({ length: 100 }, (_, n) => stand.submit([set(n, n)])));
    expect(revisionsOf(results)).toEqual(Array.from({ length: 100 }, (_, n) => [n + 2]));
    expect(stand.groups).toEqual([[100, 100]]);
    expect(stand.log.appends).toBe(1);
    expect(stand.counts).toEqual({ lostRaces: 0, appended: 2 });
  });

  test('what comes while a group is being written gathers into the next one', async () => {
    const stand = await openReadyStand();
    const { opened, open } = gate();
    stand.log.faults.push({ before: () => opened });
    const first = stand.submit([set('first', 1)]);
    await expect.poll(() => stand.log.appends).toBe(1);
    const rest = Array.from({ length: 50 }, (_, n) => stand.submit([set(n, n)]));
    expect(stand.writer.waiting).toBe(50);
    open();
    await Promise.all([first, ...rest]);
    expect(stand.groups).toEqual([
      [1, 1],
      [50, 50],
    ]);
  });

  test('nothing is answered, and nobody sees anything, before the append is durable', async () => {
    const stand = await openReadyStand();
    const { opened, open } = gate();
    stand.log.faults.push({ after: () => opened });
    const answers: string[] = [];
    const both = [stand.submit([set('a', 1)]), stand.submit([set('a', 'no number')])].map((one) =>
      one.then(
        () => answers.push('done'),
        () => answers.push('refused'),
      ),
    );
    await expect.poll(async () => (await stand.log.head('default')).revision).toBe(2);
    expect(stand.fold.state.revision).toBe(1);
    expect(stand.fold.state.override(key, 'user:a')).toBeUndefined();
    expect(answers).toEqual([]);
    open();
    await Promise.all(both);
    expect(answers).toEqual(['done', 'refused']);
    expect(stand.fold.state.override(key, 'user:a')?.assertions).toMatchObject([{ value: 1 }]);
  });

  test('neighbours see each other', async () => {
    const stand = await openReadyStand();
    const results = await Promise.all([
      stand.submit([{ ...defineKey, key: 'flags.a' } as typeof defineKey]),
      stand.submit([{ type: 'setOverride', key: 'flags.a', scope: 'global', value: 1 }]),
      stand.submit([{ type: 'setOverride', key: 'flags.a', scope: 'global', value: 2 }]),
      stand.submit([{ type: 'setOverride', key: 'flags.a', scope: 'global', value: 2 }]),
    ]);
    expect(revisionsOf(results)).toEqual([[2], [3], [4], []]);
    expect(results[2]?.events[0]?.changes).toEqual([{ field: 'value', before: 1, after: 2 }]);
    expect(results[3]).toMatchObject({ changesetId: null, revision: 4, warnings: [{ code: 'no_change' }] });
    expect(stand.groups).toEqual([[4, 3]]);
  });

  test('of two addModel of one id one is refused, and the neighbours are not', async () => {
    const stand = await openReadyStand();
    const results = await Promise.allSettled([
      stand.submit([set('a', 1)]),
      stand.submit([addModel('acme/one')]),
      stand.submit([set('b', 2)]),
      stand.submit([addModel('acme/one')]),
      stand.submit([set('c', 3)]),
    ]);
    expect(reasonsOf(results)).toEqual(['done', 'done', 'done', 'model_exists', 'done']);
    expect(stand.groups).toEqual([[5, 4]]);
  });

  test('one bad change among 1,000 appends nothing and is named', async () => {
    const stand = await openReadyStand();
    const changes = Array.from({ length: 1_000 }, (_, n) => set(n, n === 617 ? 'no number' : n));
    await expect(stand.submit(changes)).rejects.toMatchObject({
      code: 'refused',
      details: [expect.objectContaining({ path: expect.stringMatching(/^changes\.617\b/) as string })],
    });
    expect(await stand.logged()).toHaveLength(1);
    expect(stand.fold.state.overrideCount).toBe(0);
  });

  test('groups are bounded in requests and in changes', async () => {
    const stand = await openReadyStand();
    await Promise.all(Array.from({ length: 2_500 }, (_, n) => stand.submit([set(n, n)])));
    expect(stand.groups.map(([requests]) => requests)).toEqual([1_000, 1_000, 500]);
    stand.groups.length = 0;
    const many = Array.from({ length: 5 }, (_, group) =>
      stand.submit(Array.from({ length: 1_500 }, (_ignored, n) => set(`${group}-${n}`, n))),
    );
    await Promise.all(many);
    expect(stand.groups).toEqual(many.map(() => [1, 1_500]));
    expect((await stand.log.head('default')).revision).toBe(1 + 2_500 + 7_500);
  });

  test('what would make the group larger than the log takes waits for the next group, and nothing overtakes it', async () => {
    const stand = await openReadyStand({ maxChangesetBytes: 4_000 });
    const { opened, open } = gate();
    stand.log.faults.push({ before: () => opened });
    const early = Array.from({ length: 40 }, (_, n) => stand.submit([set(n, n)]));
    await expect.poll(() => stand.log.appends).toBe(1);
    const late = stand.submit([set('late', 1)]);
    open();
    const results = await Promise.all([...early, late]);
    expect(revisionsOf(results)).toEqual(Array.from({ length: 41 }, (_, n) => [n + 2]));
    expect(stand.groups.length).toBeGreaterThan(3);
    expect(stand.groups.reduce((sum, [, events]) => sum + events, 0)).toBe(41);
  });

  test('a small changeset behind a large one that has to wait waits as well', async () => {
    const stand = await openReadyStand({ maxChangesetBytes: 4_000 });
    const large = (name: string) => stand.submit(Array.from({ length: 6 }, (_, n) => set(`${name}-${n}`, n)));
    const results = await Promise.all([large('a'), large('b'), stand.submit([set('small', 1)]), large('c')]);
    expect(results.map(({ revision }) => revision)).toEqual([7, 13, 14, 20]);
    expect(stand.groups.map(([, events]) => events)).toEqual([6, 7, 6]);
  });

  test('a changeset larger than the log takes is refused before it is sent; its neighbours are not', async () => {
    const stand = await openReadyStand({ maxChangesetBytes: 4_000 });
    const big = Array.from({ length: 20 }, (_, n) => set(n, n));
    const results = await Promise.allSettled([
      stand.submit([set('a', 1)]),
      stand.submit(big),
      stand.submit([set('b', 1)]),
    ]);
    expect(reasonsOf(results)).toEqual(['done', 'changeset_too_large', 'done']);
    const preview = await stand.writer.preview(request(big));
    expect(preview.maxBytes).toBe(4_000);
    expect(preview.bytes).toBeGreaterThan(4_000);
    expect((await stand.log.head('default')).revision).toBe(3);
  });

  test('a bug in one decision fails that request alone', async () => {
    const stand = await openReadyStand();
    const results = await Promise.allSettled([
      stand.submit([set('a', 1)]),
      stand.submit([{ type: 'setOverride', key: 'flags', scope: 'global', value: Number.NaN }]),
      stand.submit([
        { type: 'defineKey', key: 'flags.x', valueType: 'object', fallback: { half: '\ud800' } },
      ]),
      stand.submit([set('b', 1)]),
    ]);
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'rejected', 'fulfilled']);
    expect(await stand.logged()).toHaveLength(3);
  });
});

test('a preview says what would be appended, and appends nothing', async () => {
  const stand = await openReadyStand();
  const changes = [set('a', 1), set('a', 1), set('b', 2)];
  const preview = await stand.writer.preview(request(changes));
  expect(preview).toMatchObject({ revision: 1, warnings: [{ code: 'no_change', path: 'changes.1' }] });
  expect((await stand.log.head('default')).revision).toBe(1);
  const { events } = await stand.submit(changes);
  const comparable = ({ changesetId: _id, ...event }: (typeof events)[number]) => event;
  expect(events.map(comparable)).toEqual(preview.events.map(comparable));
  const stored = await stand.log.read('default', 1, 10);
  expect(Math.abs(preview.bytes - stored.reduce((sum, { bytes }) => sum + bytes.length + 1, 0))).toBeLessThan(
    5,
  );
  await expect(stand.writer.preview(request([set('a', 'no number')]))).rejects.toMatchObject({
    reason: 'wrong_type',
  });
});

test('so many previews at once are made, one more is told to come again', async () => {
  const stand = await openReadyStand();
  const many = Array.from({ length: 17 }, (_, n) => stand.writer.preview(request([set('a', n)])));
  const reasons = reasonsOf(await Promise.allSettled(many));
  expect(reasons).toEqual([...Array.from({ length: 16 }, () => 'done'), 'queue_full']);
  expect((await stand.writer.preview(request([set('a', 1)]))).events).toHaveLength(1);
});
