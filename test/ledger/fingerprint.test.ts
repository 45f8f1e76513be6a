/** Fingerprints: what a preview rests on, and that it is applied only if that still stands. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { AnyChange } from '../../src/domain/change.ts';
import type { LiveState } from '../../src/domain/live-state.ts';
import { Failure } from '../../src/failure.ts';
import { CommitGroup } from '../../src/ledger/commit-group.ts';
import { anyChange, historyOf, play } from '../support/random-histories.ts';
import { addModel, key, openReadyStand, request, type Stand, set } from './writer-stand.ts';

const hourMs = 3_600_000;
const outdated = { code: 'conflict', reason: 'preview_outdated', details: [{ path: 'fingerprint' }] };
const modelKey: AnyChange = {
  type: 'defineKey',
  key: 'ai.model',
  valueType: 'model',
  fallback: 'openai/one',
};
const setModel: AnyChange = { type: 'setOverride', key: 'ai.model', scope: 'user:a', value: 'openai/one' };

async function fingerprintOf(stand: Stand, ...changes: readonly AnyChange[]): Promise<string> {
  return (await stand.writer.preview(request(changes))).fingerprint;
}

describe('a preview', () => {
  test('has the same fingerprint each time, whoever asks, when and why', async () => {
    const stand = await openReadyStand();
    const fingerprint = await fingerprintOf(stand, set('a', 1));
    expect(fingerprint).toMatch(/^[0-9a-f]{64}$/);
    stand.clock.now += hourMs;
    const other = {
      reason: 'another',
      actor: { id: 'other', kind: 'person' },
      requestId: 'another',
    } as const;
    expect((await stand.writer.preview(request([set('a', 1)], other))).fingerprint).toBe(fingerprint);
  });

  test('of other changes, or on another version, has another one', async () => {
    const stand = await openReadyStand();
    const first = await fingerprintOf(stand, set('a', 1));
    expect(await fingerprintOf(stand, set('a', 2))).not.toBe(first);
    expect(await fingerprintOf(stand, set('b', 1))).not.toBe(first);
    await stand.submit([set('a', 3)]);
    expect(await fingerprintOf(stand, set('a', 1))).not.toBe(first);
  });

  test('is applied behind unrelated writes', async () => {
    const stand = await openReadyStand();
    const fingerprint = await fingerprintOf(stand, set('a', 1));
    await stand.submit([set('b', 1), set('c', 1)]);
    stand.clock.now += hourMs;
    const { events } = await stand.submit([set('a', 1)], { fingerprint });
    expect(events.map(({ revision, subject }) => [revision, subject])).toStrictEqual([
      [4, `override:${key}@user:a`],
    ]);
  });

  test.each<[string, readonly AnyChange[], readonly AnyChange[]]>([
    ['the override itself', [setModel], [{ ...setModel, effectiveUntil: '2027-01-01T00:00:00.000Z' }]],
    ['the definition of its key', [setModel], [{ ...modelKey, description: 'other' }]],
    [
      'the model that it names',
      [setModel],
      [{ type: 'updateModel', id: 'openai/one', updates: { family: 'f' } }],
    ],
    [
      'a subject that another change of it reads',
      [set('a', 1), { type: 'deprecateModel', id: 'openai/one', successor: 'openai/two' }],
      [{ type: 'changePrice', id: 'openai/two', pricing: { input: '1' } }],
    ],
    ['whether it is allowed at all', [setModel], [{ type: 'deprecateModel', id: 'openai/one' }]],
    ['whether it changes anything', [setModel], [setModel]],
  ])('is refused as a conflict once a write has changed %s', async (_, changes, between) => {
    const stand = await openReadyStand();
    await stand.submit([addModel('openai/one'), addModel('openai/two'), modelKey]);
    const fingerprint = await fingerprintOf(stand, ...changes);
    await stand.submit(between);
    const { revision } = stand.fold.state;
    await expect(stand.submit(changes, { fingerprint })).rejects.toMatchObject(outdated);
    await expect(stand.writer.preview(request(changes, { fingerprint }))).rejects.toMatchObject(outdated);
    expect(stand.fold.state.revision).toBe(revision);
    expect(await stand.logged()).toHaveLength(revision);
  });

  test('is refused when a neighbour of the same group was faster', async () => {
    const stand = await openReadyStand();
    const fingerprint = await fingerprintOf(stand, set('a', 1));
    const results = await Promise.allSettled([
      stand.submit([set('a', 2)]),
      stand.submit([set('a', 1)], { fingerprint }),
      stand.submit([set('b', 1)], { fingerprint: await fingerprintOf(stand, set('b', 1)) }),
    ]);
    expect(results.map(({ status }) => status)).toStrictEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect(results[1]).toMatchObject({ reason: outdated });
  });

  test('is answered again to the same idempotent request, which has made it outdated itself', async () => {
    const stand = await openReadyStand();
    const fingerprint = await fingerprintOf(stand, set('a', 1));
    const more = { fingerprint, idempotency: { key: 'once', bodyHash: 'hash' } };
    const first = await stand.submit([set('a', 1)], more);
    const again = await stand.submit([set('a', 1)], more);
    expect(again).toMatchObject({ changesetId: first.changesetId, replayed: true });
  });

  test('that is refused is no conflict, and a wrong fingerprint is one', async () => {
    const stand = await openReadyStand();
    await expect(stand.writer.preview(request([set('a', 'no number')]))).rejects.toMatchObject({
      code: 'refused',
    });
    await expect(stand.submit([set('a', 1)], { fingerprint: 'made up' })).rejects.toMatchObject(outdated);
    const both: AnyChange = { type: 'setOverride', key, scope: 'user:a' };
    await expect(stand.submit([both], { fingerprint: 'made up' })).rejects.toMatchObject({ code: 'invalid' });
  });
});

describe('what depends on where the changeset stands is told from there', () => {
  test.each<[string, readonly AnyChange[]]>([
    [
      'a withdrawal of what the changeset schedules itself',
      [
        { type: 'setOverride', key, scope: 'user:a', value: 1, effectiveFrom: '2030-01-01T00:00:00.000Z' },
        { type: 'setOverride', key, scope: 'user:a', value: 2, replaceScheduled: true },
      ],
    ],
    [
      'a correction of a price that it sets itself',
      [
        {
          type: 'changePrice',
          id: 'openai/one',
          pricing: { input: '1' },
          effectiveFrom: '2025-01-01T00:00:00.000Z',
        },
        {
          type: 'correctPrice',
          id: 'openai/one',
          pricing: { input: '2' },
          effectiveFrom: '2025-01-01T00:00:00.000Z',
        },
      ],
    ],
    [
      'a sunset now',
      [
        {
          type: 'addModel',
          model: { id: 'openai/one', name: 'One', contextWindow: 1, status: 'retired' },
          upsert: true,
        },
      ],
    ],
  ])('%s', async (_, changes) => {
    const stand = await openReadyStand();
    await stand.submit([addModel('openai/one')]);
    const fingerprint = await fingerprintOf(stand, ...changes);
    await stand.submit([set('b', 1), set('c', 1), set('d', 1)]);
    stand.clock.now += hourMs;
    const { events } = await stand.submit(changes, { fingerprint });
    expect(events.length).toBeGreaterThan(0);
  });

  test('a tag of the head is outdated when the head has moved', async () => {
    const stand = await openReadyStand();
    const fingerprint = await fingerprintOf(stand, { type: 'tagRevision', name: 'v1' });
    await stand.submit([set('b', 1)]);
    const tag = stand.submit([{ type: 'tagRevision', name: 'v1' }], { fingerprint });
    await expect(tag).rejects.toMatchObject(outdated);
  });
});

test('on random histories a preview says what is decided without one, and holds behind unrelated events', () => {
  const changesets = fc.array(
    anyChange.filter(({ type }) => type !== 'tagRevision'),
    { minLength: 1, maxLength: 4 },
  );
  const unrelated: AnyChange = { type: 'defineKey', key: 'un.related', valueType: 'string', fallback: '' };
  fc.assert(
    fc.property(historyOf(anyChange, 3), changesets, (steps, changes) => {
      const { state, now } = play(steps);
      // Who takes back by its revision what the changeset itself makes, guesses where that will stand.
      if (changes.some((one) => one.type === 'withdrawOverride' && one.revision > state.revision)) return;
      const previewed = preview(state, now, changes);
      if (previewed === undefined) return;
      expect(preview(state, now, changes)?.fingerprint).toBe(previewed.fingerprint);
      const plain = new CommitGroup('default', state, now).decide(request(changes), 'one');
      const { fingerprint, ...rest } = previewed;
      expect(rest.events).toStrictEqual(plain.events);
      expect(rest.stored).toStrictEqual(plain.stored);
      state.absorb(new CommitGroup('default', state, now).decide(request([unrelated]), 'other').overlay, now);
      const group = new CommitGroup('default', state, now);
      expect(group.decide(request(changes, { fingerprint }), 'two').events).toHaveLength(rest.events.length);
    }),
    { numRuns: 300 },
  );
});

function preview(state: LiveState, now: number, changes: readonly AnyChange[]) {
  try {
    return new CommitGroup('default', state, now).preview(request(changes), 'one');
  } catch (error) {
    if (error instanceof Failure && error.code === 'refused') return undefined;
    throw error;
  }
}
