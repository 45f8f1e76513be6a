/**
 * What is kept and shown of an error holds no keys or values.
 */
import { expect, test } from 'vitest';
import { Failure } from '../../src/failure.ts';
import { errorFrames, errorText } from '../../src/projector/error-text.ts';
import { isWorthRetrying } from '../../src/projector/is-worth-retrying.ts';

function databaseError(code: string, fields: object = {}): Error {
  return Object.assign(new Error('invalid input syntax: "secret-value"'), { code, ...fields });
}

test.each([
  [new Failure('corrupt', 'an event holds the bad time secret-value', { reason: 'bad' }), 'corrupt (bad)'],
  [new Failure('unavailable', 'secret-value'), 'unavailable'],
  [databaseError('23505', { constraint: 'tags_pk', table: 'tags' }), 'SQLSTATE 23505 (tags_pk)'],
  [databaseError('23502', { table: 'tags' }), 'SQLSTATE 23502 (tags)'],
  [databaseError('22P02'), 'SQLSTATE 22P02'],
  [new TypeError('secret-value'), 'TypeError'],
  ['secret-value', 'unknown error'],
])('%s is shown as %s', (error, text) => {
  expect(errorText(error)).toBe(text);
});

test('frames say where and not what', () => {
  const frames = errorFrames(new TypeError('secret-value\n    at secret-value'.split('\n')[0]));
  expect(frames).toContain('error-text.test.ts');
  expect(frames).not.toContain('secret-value');
  expect(errorFrames('secret-value')).toBe('');
});

test.each([
  [databaseError('ECONNREFUSED'), true],
  [databaseError('57P01'), true],
  [databaseError('40001'), true],
  [databaseError('40P01'), true],
  [databaseError('25006'), true],
  [databaseError('53100'), true],
  [new Failure('unavailable', ''), true],
  [new Failure('conflict', '', { reason: 'checkpoint_moved' }), true],
  [new Failure('conflict', '', { reason: 'other_log' }), false],
  [new Failure('corrupt', ''), false],
  [databaseError('23505'), false],
  [databaseError('42501'), false],
  [new TypeError(), false],
])('%o is worth retrying: %s', (error, isWorth) => {
  expect(isWorthRetrying(error)).toBe(isWorth);
});
