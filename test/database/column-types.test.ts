/** Texts of the database become numbers without rounding or shifting. */

import fc from 'fast-check';
import pg from 'pg';
import { describe, expect, test } from 'vitest';
import { columnTypes, parseInt8, parseTimestamptz } from '../../src/database/column-types.ts';

describe('timestamptz', () => {
  test('any moment from year 1 to 9999, with any fraction the server writes, is read to the millisecond', () => {
    const earliest = new Date('0001-01-01T00:00:00Z');
    const latest = new Date('9999-12-31T23:59:59.999Z');
    fc.assert(
      fc.property(
        fc.date({ min: earliest, max: latest, noInvalidDate: true }),
        fc.nat(999),
        (date, micros) => {
          const fraction = `${date.toISOString().slice(20, 23)}${String(micros).padStart(3, '0')}`.replace(
            /0+$/,
            '',
          );
          const seconds = date.toISOString().slice(0, 19).replace('T', ' ');
          expect(parseTimestamptz(`${seconds}${fraction === '' ? '' : `.${fraction}`}+00`)).toBe(
            date.getTime(),
          );
        },
      ),
    );
  });

  test.each([
    ['infinity', Number.POSITIVE_INFINITY],
    ['-infinity', Number.NEGATIVE_INFINITY],
    ['2026-03-01 01:00:00+02', Date.UTC(2026, 1, 28, 23)],
    ['2026-03-01 01:00:00.5+05:30', Date.UTC(2026, 1, 28, 19, 30, 0, 500)],
    ['0044-03-15 00:00:00.25-00:30:15 BC', Date.parse('-000043-03-15T00:30:15.250Z')],
    ['12026-01-01 00:00:00+00', Date.UTC(12_026, 0, 1)],
  ])('%s', (text, expected) => {
    expect(parseTimestamptz(text)).toBe(expected);
  });
});

test('a form that no session of ours asks for is corrupt, not guessed', () => {
  expect(() => parseTimestamptz('Sat 21 Nov 06:38:01 2026 UTC')).toThrow(
    expect.objectContaining({ code: 'corrupt', reason: 'time_unreadable' }),
  );
});

describe('int8', () => {
  test('every safe integer comes through', () => {
    fc.assert(fc.property(fc.maxSafeInteger(), (number) => parseInt8(String(number)) === number));
  });

  test.each(['9007199254740992', '-9223372036854775808'])('%s is corrupt, not rounded', (text) => {
    expect(() => parseInt8(text)).toThrow(
      expect.objectContaining({ code: 'corrupt', reason: 'number_too_large' }),
    );
  });
});

test('the driver keeps its own ways for everybody else', () => {
  expect(columnTypes.getTypeParser(pg.types.builtins.INT8)).not.toBe(
    pg.types.getTypeParser(pg.types.builtins.INT8),
  );
});
