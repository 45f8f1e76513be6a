/** The search itself, on a plain register: what is legal, what is not, and what it does not know. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { check, type Model, type TimedOperation } from './checker.ts';

type Input = { readonly write: number } | { readonly read: number };

const plainRegister: Model<number, Input> = {
  initial: 0,
  keyOf: String,
  step: (state, input) => ('write' in input ? input.write : input.read === state ? state : undefined),
};

const write = (call: number, end: number | undefined, value: number): TimedOperation<Input> => ({
  call,
  return: end,
  input: { write: value },
});
const read = (call: number, end: number, value: number): TimedOperation<Input> => ({
  call,
  return: end,
  input: { read: value },
});

const verdictOf = (operations: readonly TimedOperation<Input>[], budget = 100_000) =>
  check(plainRegister, operations, budget).kind;

describe('a plain register', () => {
  test.each([
    ['nothing', []],
    ['one after the other', [write(0, 1, 1), read(2, 3, 1)]],
    ['a read beside a write sees the old', [write(0, 9, 1), read(1, 2, 0)]],
    ['or the new', [write(0, 9, 1), read(1, 2, 1)]],
    ['two reads beside a write see old, then new', [write(0, 9, 1), read(1, 2, 0), read(3, 4, 1)]],
    ['what touches is concurrent', [write(0, 1, 1), read(1, 2, 0)]],
    ['a lost answer that happened later', [write(0, undefined, 1), read(1, 2, 0), read(3, 4, 1)]],
    ['a lost answer that never happened', [write(0, undefined, 1), read(1, 2, 0), read(3, 4, 0)]],
    ['two writes at once, read in either order', [write(0, 5, 1), write(0, 5, 2), read(6, 7, 1)]],
  ])('legal: %s', (_name, operations) => {
    expect(verdictOf(operations)).toBe('legal');
  });

  test.each([
    ['a stale read', [write(0, 1, 1), read(2, 3, 0)]],
    ['new, then old', [write(0, 9, 1), read(1, 2, 1), read(3, 4, 0)]],
    ['what nobody wrote', [write(0, 1, 1), read(2, 3, 7)]],
    ['a write that is read before it is asked', [read(0, 1, 1), write(2, 3, 1)]],
    ['a lost answer that goes away again', [write(0, undefined, 1), read(1, 2, 1), read(3, 4, 0)]],
    ['two readers that disagree', [write(0, 5, 1), write(0, 5, 2), read(6, 7, 1), read(8, 9, 2)]],
  ])('illegal: %s', (_name, operations) => {
    expect(verdictOf(operations)).toBe('illegal');
  });

  test('says how far it came, and what cannot follow', () => {
    const verdict = check(plainRegister, [write(0, 1, 1), write(2, 3, 2), read(4, 5, 1)], 1_000);
    expect(verdict).toEqual({
      kind: 'illegal',
      order: [{ write: 1 }, { write: 2 }],
      state: 2,
      stuck: { read: 1 },
      candidates: [{ read: 1 }],
    });
  });

  test('gives up as undecided, not as legal', () => {
    // Forty writes at once and a read of what nobody wrote: every order would have to be tried.
    const many = Array.from({ length: 40 }, (_, n) => write(0, 100, n + 1));
    const verdict = check(plainRegister, [...many, read(0, 100, 99)], 20_000);
    expect(verdict.kind).toBe('undecided');
  });
});

test('agrees with trying every order, for small histories', () => {
  const operation = fc
    .record({
      call: fc.nat(8),
      lasts: fc.integer({ min: 1, max: 6 }),
      isLost: fc.boolean(),
      value: fc.integer({ min: 0, max: 2 }),
      isRead: fc.boolean(),
    })
    .map(({ call, lasts, isLost, value, isRead }) =>
      isRead ? read(call, call + lasts, value) : write(call, isLost ? undefined : call + lasts, value),
    );
  fc.assert(
    fc.property(fc.array(operation, { maxLength: 6 }), (operations) => {
      expect(verdictOf(operations)).toBe(isLegalByBruteForce(operations, 0) ? 'legal' : 'illegal');
    }),
    { numRuns: 600 },
  );
});

/** Tries every next operation that none of the others has to precede. */
function isLegalByBruteForce(left: readonly TimedOperation<Input>[], state: number): boolean {
  if (left.every((one) => one.return === undefined)) return true;
  return left.some((one) => {
    const others = left.filter((other) => other !== one);
    if (others.some((other) => other.return !== undefined && other.return < one.call)) return false;
    const after = plainRegister.step(state, one.input);
    return after !== undefined && isLegalByBruteForce(others, after);
  });
}
