/** The tail of idempotent changesets behind the index: what it knows, forgets and will not guess. */
import { describe, expect, test } from 'vitest';
import type { RecordedEvent } from '../../src/domain/event.ts';
import {
  type FirstAnswer,
  findFirstAnswers,
  IdempotencyTail,
  type IndexLookup,
  idOf,
} from '../../src/ledger/idempotency.ts';

const changeset = (key: string | undefined, first: number, last = first, actor = 'ci'): RecordedEvent[] =>
  Array.from({ length: last - first + 1 }, (_, place) => ({
    type: 'KeyRetired',
    data: { key: 'a.b' },
    ledger: 'default',
    revision: first + place,
    schemaVersion: 1,
    subject: 'key:a.b',
    version: 1,
    recordedAt: '2026-01-01T00:00:00.000Z',
    actor: { id: actor, kind: 'api_key' },
    reason: 'a test',
    source: 'api',
    changesetId: `changeset-${first}`,
    last: first + place === last,
    requestId: 'r',
    ...(key === undefined ? {} : { idempotency: { key, bodyHash: `hash of ${key}` } }),
  }));

const id = (key: string, actor = 'ci') => ({ actor, key });
const answer = (key: string, first: number, last = first): FirstAnswer => ({
  kind: 'changeset',
  changesetId: `changeset-${first}`,
  first,
  last,
  bodyHash: `hash of ${key}`,
});
const index = (checkpoint: number, ...answers: (FirstAnswer | undefined)[]): IndexLookup => ({
  checkpoint,
  answers,
});
const behind = expect.objectContaining({
  code: 'unavailable',
  reason: 'index_behind',
  retryAfterSeconds: 1,
}) as Error;

describe('the tail', () => {
  test('answers where the events of a key stand, by actor and key, in the order of the questions', () => {
    const tail = new IdempotencyTail(0);
    tail.note(changeset('one', 1, 3));
    tail.note(changeset(undefined, 4));
    tail.note(changeset('one', 5, 5, 'bob'));
    tail.note([]);
    const asked = [id('two'), id('one', 'bob'), id('one'), id('one', 'eve')];
    expect(tail.merge(asked, index(0, undefined, undefined, undefined, undefined))).toEqual([
      undefined,
      answer('one', 5),
      answer('one', 1, 3),
      undefined,
    ]);
    expect(tail.size).toBe(2);
  });

  test('adds what the index knows; what both know they know alike', () => {
    const tail = new IdempotencyTail(2);
    tail.note(changeset('new', 3));
    tail.note(changeset('both', 4));
    const old = answer('old', 1);
    const noChange = { kind: 'no_change', answer: { warnings: [] }, bodyHash: 'h' } as const;
    const asked = [id('old'), id('new'), id('both'), id('nothing changed'), id('never')];
    expect(tail.merge(asked, index(4, old, undefined, answer('both', 4), noChange, undefined))).toEqual([
      old,
      answer('new', 3),
      answer('both', 4),
      noChange,
      undefined,
    ]);
  });

  test('forgets what the index has taken over, and only that', () => {
    const tail = new IdempotencyTail(0);
    for (let n = 0; n < 5; n += 1) tail.note(changeset(`key ${n}`, n * 2 + 1, n * 2 + 2));
    tail.forget(5);
    expect(tail.size).toBe(3);
    tail.forget(4);
    expect(tail.size).toBe(3);
    expect(tail.merge([id('key 2')], index(5, undefined))).toEqual([answer('key 2', 5, 6)]);
    tail.forget(100);
    expect(tail.size).toBe(0);
  });

  test('does not guess when the index is behind what it has forgotten', () => {
    const tail = new IdempotencyTail(7);
    expect(() => tail.merge([id('one')], index(6, undefined))).toThrow(behind);
    expect(tail.merge([id('one')], index(7, undefined))).toEqual([undefined]);
    // That look-up was answered up to 12, so what is up to 12 is the index' from now on.
    expect(tail.merge([id('one')], index(12, undefined))).toEqual([undefined]);
    expect(() => tail.merge([id('one')], index(11, undefined))).toThrow(behind);
  });

  test('is bounded: the oldest are left to the index, and it recovers when the index has come so far', () => {
    const tail = new IdempotencyTail(0, 3);
    for (let n = 1; n <= 5; n += 1) tail.note(changeset(`key ${n}`, n));
    expect(tail.size).toBe(3);
    expect(() => tail.merge([id('key 1')], index(1, answer('key 1', 1)))).toThrow(behind);
    expect(tail.merge([id('key 2'), id('key 3')], index(2, answer('key 2', 2), undefined))).toEqual([
      answer('key 2', 2),
      answer('key 3', 3),
    ]);
  });

  test('one text for an id tells actors and keys apart', () => {
    expect(idOf({ actor: 'a', key: 'b' })).toBe(idOf({ actor: 'a', key: 'b' }));
    expect(idOf({ actor: 'a', key: 'bc' })).not.toBe(idOf({ actor: 'ab', key: 'c' }));
  });
});

describe('looking for first answers', () => {
  test('asks nobody when there is no key', async () => {
    const find = await findFirstAnswers(() => Promise.reject(new Error('asked')), new IdempotencyTail(0), []);
    expect(find('anything')).toBeUndefined();
  });

  test('knows what was folded after the index was asked', async () => {
    const tail = new IdempotencyTail(0);
    const find = await findFirstAnswers(async () => index(0, undefined), tail, [id('one')]);
    tail.note(changeset('one', 1));
    expect(find(idOf(id('one')))).toEqual(answer('one', 1));
  });

  test('throws why it cannot know, for each that asks', async () => {
    const trouble = new Error('no index');
    const tail = new IdempotencyTail(5);
    const failing = await findFirstAnswers(() => Promise.reject(trouble), tail, [id('one')]);
    expect(() => failing(idOf(id('one')))).toThrow(trouble);
    expect(() => failing(idOf(id('one')))).toThrow(trouble);
    const late = await findFirstAnswers(async () => index(4, undefined), tail, [id('one')]);
    expect(() => late(idOf(id('one')))).toThrow(behind);
  });
});
