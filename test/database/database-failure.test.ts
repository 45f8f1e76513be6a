/** Which errors are outages: decided by code alone. */

import { describe, expect, test } from 'vitest';
import { isUnavailable, markConnectionLost, toFailure } from '../../src/database/database-failure.ts';
import { Failure } from '../../src/failure.ts';

const withCode = (code: string, more: object = {}): Error =>
  Object.assign(new Error('any text'), { code, ...more });

describe('outages', () => {
  test.each([
    '08000',
    '08006',
    '53100',
    '53200',
    '53300',
    '53400',
    '57P01',
    '57P02',
    '57P03',
    '58030',
    '57014',
    '55P03',
    'ECONNREFUSED',
    'ECONNRESET',
    'EPIPE',
    'ETIMEDOUT',
    'ENOTFOUND',
    'CONNECTION_LOST',
  ])('%s', (code) => {
    const error = withCode(code);
    expect(toFailure(error)).toMatchObject({
      code: 'unavailable',
      reason: 'database_unavailable',
      cause: error,
    });
  });

  test('a socket that is not there, but not a file that is not there', () => {
    expect(isUnavailable(withCode('ENOENT', { syscall: 'connect' }))).toBe(true);
    expect(isUnavailable(withCode('ENOENT', { syscall: 'open' }))).toBe(false);
  });

  test('an error that was marked where it happened; a mark never hides a code', () => {
    expect(isUnavailable(markConnectionLost(new Error('Connection terminated unexpectedly')))).toBe(true);
    expect(markConnectionLost(withCode('42501'))).toMatchObject({ code: '42501' });
  });
});

describe('everything else stays what it is', () => {
  test.each([
    withCode('42501'),
    withCode('23505'),
    withCode('40001'),
    withCode('58'),
    new Error('Connection terminated unexpectedly'),
    new Failure('conflict', 'no'),
    new Failure('unavailable', 'already', { reason: 'other' }),
    'a string',
    undefined,
  ])('%s', (error) => {
    expect(toFailure(error)).toBe(error);
  });

  test('a failure that says so is unavailable', () => {
    expect(isUnavailable(new Failure('unavailable', 'away'))).toBe(true);
    expect(isUnavailable(new Failure('conflict', 'no'))).toBe(false);
  });
});
