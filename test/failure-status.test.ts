/**
 * Failure codes and HTTP statuses, both ways.
 */
import { describe, expect, test } from 'vitest';
import {
  codeOfStatus,
  failureCodes,
  isFailureCode,
  statusOf,
  statusOfCode,
  statusOfReason,
} from '../src/failure-status.ts';

describe('codes and statuses', () => {
  test.each(failureCodes.map((code) => [code]))('%s comes back from its status', (code) => {
    expect(codeOfStatus(statusOf({ code }))).toBe(code);
  });

  test('no two codes share a status, or one would come back as the other', () => {
    expect(new Set(Object.values(statusOfCode)).size).toBe(failureCodes.length);
  });

  test.each(Object.entries(statusOfReason))(
    'invalid because of %s is %i, and comes back as invalid',
    (reason, status) => {
      expect(statusOf({ code: 'invalid', reason })).toBe(status);
      expect(codeOfStatus(status)).toBe('invalid');
    },
  );

  test('a reason changes the status of no other code', () => {
    expect(statusOf({ code: 'refused', reason: 'body_too_large' })).toBe(422);
    expect(statusOf({ code: 'invalid', reason: 'toString' })).toBe(400);
  });

  test.each([
    [418, 'invalid'],
    [499, 'invalid'],
    [502, 'unavailable'],
    [504, 'unavailable'],
    [507, 'corrupt'],
  ] as const)('%i, which Varve never answers, is taken for %s', (status, code) => {
    expect(codeOfStatus(status)).toBe(code);
  });

  test('a code is told from other words', () => {
    expect(isFailureCode('conflict')).toBe(true);
    expect(isFailureCode('internal')).toBe(false);
    expect(isFailureCode('constructor')).toBe(false);
  });
});
