/** The book: what a client may conclude, and that an answer, once given, is held against later ones. */
import { describe, expect, test } from 'vitest';
import { type ChangesetAnswer, createBook, type Outcome } from './book.ts';
import { createRandom } from './random.ts';
import { makeChangeset } from './workload.ts';

const changeset = makeChangeset('one', createRandom(1));
const answer: ChangesetAnswer = { changesetId: 'id', first: 1, last: 1, events: [] };
const acknowledged = (isReplay: boolean, changes: Partial<ChangesetAnswer> = {}): Outcome => ({
  kind: 'acknowledged',
  answer: { ...answer, ...changes },
  isReplay,
});

function bookWith(first: Outcome) {
  const book = createBook();
  book.send(changeset);
  book.note('one', first);
  return book;
}

describe('the first outcome', () => {
  test('is counted', () => {
    expect(bookWith(acknowledged(false)).counts()).toMatchObject({ acknowledged: 1, refused: 0, unknown: 0 });
    expect(bookWith({ kind: 'refused', why: '' }).counts()).toMatchObject({ acknowledged: 0, refused: 1 });
    expect(bookWith({ kind: 'unknown', why: '' }).counts()).toMatchObject({ acknowledged: 0, unknown: 1 });
  });

  test('is improper when it is a replay, or nothing that a changeset may be answered', () => {
    expect(bookWith(acknowledged(true)).complaints()).toHaveLength(1);
    const book = bookWith({ kind: 'improper', why: 'answered 500' });
    expect(book.complaints()).toHaveLength(1);
    expect(book.unknown()).toEqual([changeset]);
  });
});

describe('asking again', () => {
  test.each([
    [true, 1],
    [false, 0],
  ])('resolves what is unknown (had been recorded: %s)', (isReplay, recorded) => {
    const book = bookWith({ kind: 'unknown', why: '' });
    expect(book.noteAgain('one', { kind: 'unknown', why: '' })).toBe(false);
    expect(book.noteAgain('one', acknowledged(isReplay))).toBe(true);
    expect(book.unknown()).toEqual([]);
    expect(book.counts()).toMatchObject({ acknowledged: 1, unknown: 1, resolved: 1, recorded });
    expect(book.complaints()).toEqual([]);
  });

  test('must be told the same as before', () => {
    const book = bookWith(acknowledged(false));
    book.noteAgain('one', acknowledged(true));
    expect(book.complaints()).toEqual([]);
    book.noteAgain('one', acknowledged(true, { first: 2 }));
    expect(book.complaints()).toEqual(['one was answered differently when it was asked again']);
  });

  test('must not do it again', () => {
    const book = bookWith(acknowledged(false));
    book.noteAgain('one', acknowledged(false));
    expect(book.complaints()).toEqual(['one was done again when it was asked again']);
    expect(book.counts()).toMatchObject({ acknowledged: 1, resolved: 0 });
  });
});
