/** The judgement on histories that are known: each promise broken once, and the good ones beside them. */
import { describe, expect, test } from 'vitest';
import type { History, LogEvent, Operation, Outcome, Read, Value, Write } from './history.ts';
import { judge } from './judge.ts';

const subject = 'lin.a@user:u1';
const other = 'lin.b@user:u1';

/** An event of the log; one event a changeset unless told otherwise. */
const event = (revision: number, writeId: string, value: Value, more: Partial<LogEvent> = {}): LogEvent => ({
  revision,
  subject,
  version: revision,
  value,
  changesetId: `c-${writeId}`,
  last: true,
  writeId,
  recordedAt: revision,
  ...more,
});

const done = (...events: readonly LogEvent[]): Outcome => ({
  kind: 'done',
  changesetId: events[0]?.changesetId ?? '',
  events,
});

const write = (
  id: string,
  call: number,
  end: number | undefined,
  value: Value,
  outcome: Outcome,
  more: Partial<Write> = {},
): Write => ({
  kind: 'write',
  id,
  call,
  return: end,
  server: 'one',
  changes: [{ subject, value }],
  guard: { kind: 'plain' },
  isIdempotent: true,
  outcome,
  ...more,
});

const read = (call: number, end: number, revision: number, value: Value, more: Partial<Read> = {}): Read => ({
  kind: 'read',
  id: `read-${call}`,
  call,
  return: end,
  server: 'two',
  subject,
  minRevision: undefined,
  isFresh: false,
  revision,
  value,
  version: undefined,
  ...more,
});

const e1 = event(1, 'w1', 'a');
const e2 = event(2, 'w2', 'b');
const w1 = write('w1', 0, 1, 'a', done(e1));
const w2 = write('w2', 2, 3, 'b', done(e2));
const swap = { guard: { kind: 'version', expected: 1 } } as const;

const verdictOf = (operations: readonly Operation[], log: readonly LogEvent[]) =>
  judge({ operations, log } satisfies History);

describe('good histories', () => {
  test.each<[string, readonly Operation[], readonly LogEvent[]]>([
    ['nothing', [], []],
    ['writes one after the other', [w1, w2], [e1, e2]],
    ['a read of the past, at a server that is behind', [w1, w2, read(4, 5, 1, 'a')], [e1, e2]],
    [
      'a client that carries its revision',
      [w1, w2, read(4, 5, 2, 'b', { minRevision: 2, isFresh: true })],
      [e1, e2],
    ],
    [
      'an unknown outcome that happened',
      [w1, { ...w2, return: undefined, outcome: { kind: 'unknown' } }],
      [e1, e2],
    ],
    ['one that did not', [w1, { ...w2, return: undefined, outcome: { kind: 'unknown' } }], [e1]],
    [
      'a race by version, and its loser',
      [
        w1,
        write('w2', 2, 5, 'b', done(e2), swap),
        write('w3', 2, 5, 'c', { kind: 'moved', at: 2, revision: 2 }, swap),
      ],
      [e1, e2],
    ],
    ['a write that changed nothing', [w1, write('w2', 2, 3, 'a', { kind: 'same', revision: 1 })], [e1]],
    [
      'a refusal that promised nothing',
      [w1, write('w2', 2, 3, 'b', { kind: 'refused', reason: 'races_lost' })],
      [e1],
    ],
    [
      'the same revision at a server that was started again',
      [w1, w2, read(4, 5, 2, 'b'), read(6, 7, 1, 'a', { server: 'two again' })],
      [e1, e2],
    ],
  ])('%s', (_name, operations, log) => {
    expect(verdictOf(operations, log)).toMatchObject({ verdict: 'legal', broken: [] });
  });
});

describe('bad histories', () => {
  test('a lost update: two win with one version', () => {
    const both = [
      w1,
      write('w2', 2, 5, 'b', done(e2), swap),
      write('w3', 2, 5, 'c', done(event(3, 'w3', 'c', { version: 2 })), swap),
    ];
    const told = verdictOf(both, [e1, e2, event(3, 'w3', 'c', { version: 2 })]);
    expect(told.verdict).toBe('illegal');
    expect(told.subjects).toMatchObject([{ subject, verdict: 'illegal' }]);
    expect(told.subjects[0]?.excerpt.join('\n')).toMatch(/set . as version 2 if it was 1 had to happen/);
  });

  test.each<[string, RegExp, readonly Operation[], readonly LogEvent[]]>([
    [
      'a stale read with minRevision',
      /asked for revision 2 and was answered 1/,
      [w1, w2, read(4, 5, 1, 'a', { minRevision: 2 })],
      [e1, e2],
    ],
    [
      'a stale value under a fresh revision',
      /was answered a for .* at revision 2, where it was b/,
      [w1, w2, read(4, 5, 2, 'a', { minRevision: 2 })],
      [e1, e2],
    ],
    [
      'a fresh read of the past',
      /asked for all of the past up to 2/,
      [w1, w2, read(4, 5, 1, 'a', { isFresh: true })],
      [e1, e2],
    ],
    [
      'a read of a refused write',
      /was answered b/,
      [w1, write('w2', 2, 3, 'b', { kind: 'refused', reason: 'refused' }), read(4, 5, 1, 'b')],
      [e1],
    ],
    [
      'a refused write that stands',
      /was told refused and is in the log/,
      [w1, { ...w2, outcome: { kind: 'refused', reason: 'x' } }],
      [e1, e2],
    ],
    [
      'one idempotency key applied twice',
      /w2 was applied 2 times/,
      [w1, w2],
      [e1, e2, event(3, 'w2', 'b', { changesetId: 'c-again' })],
    ],
    [
      'an unknown one applied twice',
      /w2 was applied 2 times/,
      [w1, { ...w2, return: undefined, outcome: { kind: 'unknown' } }],
      [e1, e2, event(3, 'w2', 'b', { changesetId: 'c-again' })],
    ],
    ['an acknowledged write that is missing', /w2 was acknowledged and is not in the log/, [w1, w2], [e1]],
    ['other events than were answered', /other events/, [w1, w2], [e1, { ...e2, value: 'x' }]],
    [
      'time travel: a server tells less than it told',
      /told revision 2 before and now 1/,
      [w1, w2, read(4, 5, 2, 'b'), read(6, 7, 1, 'a')],
      [e1, e2],
    ],
    [
      'a server that does not read its own write',
      /told revision 2 before and now 1/,
      [w1, w2, read(4, 5, 1, 'a', { server: 'one' })],
      [e1, e2],
    ],
    [
      'time travel: what was not asked for yet is read',
      /before that was asked for/,
      [w1, read(1.2, 1.5, 2, 'b'), w2],
      [e1, e2],
    ],
    [
      'an order against real time',
      /stands at 1, and 2 was known before/,
      [write('w1', 5, 6, 'a', done(e1)), write('w2', 2, 3, 'b', done(e2))],
      [e1, e2],
    ],
    [
      'a torn changeset',
      /is torn/,
      [w1, { ...w2, return: undefined, outcome: { kind: 'unknown' } }],
      [e1, { ...e2, last: false }],
    ],
    [
      'a changeset in pieces',
      /in several pieces/,
      [w1],
      [e1, { ...e2, changesetId: 'x', writeId: undefined }, event(3, 'w1', 'c')],
    ],
    ['a gap', /revision 3 in place 2/, [w1], [e1, event(3, 'w2', 'b', { writeId: undefined })]],
    ['recorded time that runs backwards', /runs backwards/, [w1, w2], [e1, { ...e2, recordedAt: 0 }]],
    [
      'an append at another revision than was expected',
      /expected revision 0 and was appended at 2/,
      [w1, { ...w2, guard: { kind: 'revision', expected: 0 } }],
      [e1, e2],
    ],
    ['what nobody asked for', /nobody asked for it/, [w1], [e1, e2]],
    [
      'a conflict told from the past',
      /was told revision 0 when 1 was known/,
      [
        w1,
        write(
          'w2',
          2,
          3,
          'b',
          { kind: 'moved', at: 0, revision: 0 },
          { guard: { kind: 'revision', expected: 7 } },
        ),
      ],
      [e1],
    ],
  ])('%s', (_name, wanted, operations, log) => {
    const told = verdictOf(operations, log);
    expect(told.verdict).toBe('illegal');
    expect(told.broken.join('\n')).toMatch(wanted);
  });

  test('a refusal by version that rests on the past, seen by its subject alone', () => {
    const told = verdictOf(
      [
        w1,
        w2,
        write(
          'w3',
          4,
          5,
          'c',
          { kind: 'moved', at: 1, revision: 1 },
          { guard: { kind: 'version', expected: 0 } },
        ),
      ],
      [e1, e2],
    );
    expect(told.subjects).toMatchObject([{ verdict: 'illegal' }]);
  });

  test('subjects are judged one by one', () => {
    const elsewhere = event(2, 'w2', 'b', { subject: other, version: 1 });
    const w = write('w2', 2, 3, 'b', done(elsewhere), { changes: [{ subject: other, value: 'b' }] });
    const bad = read(4, 5, 2, null, { subject: other, isFresh: true });
    const told = verdictOf([w1, w, bad], [e1, elsewhere]);
    expect(told.subjects.map(({ verdict }) => verdict)).toEqual(['legal', 'illegal']);
  });
});

test('what is given up is undecided', () => {
  const many = Array.from({ length: 30 }, (_, n) => read(0, 9, 0, null, { id: `read ${n}`, isFresh: true }));
  const never = read(0, 9, 0, 'nobody', { isFresh: true });
  expect(judge({ operations: [...many, never], log: [] }, 5_000).subjects).toMatchObject([
    { verdict: 'undecided', excerpt: ['given up after 5001 steps'] },
  ]);
});
