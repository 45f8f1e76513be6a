/** Instants: RFC 3339 in, milliseconds inside, RFC 3339 in UTC out. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { formatInstant, parseInstant } from '../../src/domain/instant.ts';

const first = '1970-01-01T00:00:00.000Z';
const last = '9999-12-31T23:59:59.999Z';

describe('takes', () => {
  test.each([
    ['2025-07-01T00:00:00Z', '2025-07-01T00:00:00.000Z'],
    ['2025-07-01T00:00:00.000Z', '2025-07-01T00:00:00.000Z'],
    ['2025-07-01T09:30:05.1Z', '2025-07-01T09:30:05.100Z'],
    ['2025-07-01T09:30:05.12Z', '2025-07-01T09:30:05.120Z'],
    ['2025-07-01T09:30:05.007Z', '2025-07-01T09:30:05.007Z'],
    ['2025-07-01T09:30:05.123000Z', '2025-07-01T09:30:05.123Z'],
    ['2025-07-01T09:30:05.000000000Z', '2025-07-01T09:30:05.000Z'],
    ['2025-07-01t09:30:05z', '2025-07-01T09:30:05.000Z'],
    ['2025-07-01T02:00:00+02:00', '2025-07-01T00:00:00.000Z'],
    ['2025-07-01T00:00:00+05:45', '2025-06-30T18:15:00.000Z'],
    ['2025-12-31T23:30:00-01:00', '2026-01-01T00:30:00.000Z'],
    ['2025-07-01T00:00:00-00:00', '2025-07-01T00:00:00.000Z'],
    ['2025-07-01T00:00:00+23:59', '2025-06-30T00:01:00.000Z'],
    ['2024-02-29T00:00:00Z', '2024-02-29T00:00:00.000Z'],
    ['2000-02-29T00:00:00Z', '2000-02-29T00:00:00.000Z'],
    [first, first],
    [last, last],
    ['1969-12-31T23:30:00-01:00', '1970-01-01T00:30:00.000Z'],
  ])('%s', (text, utc) => {
    const instant = parseInstant(text);
    expect(instant).toBe(Date.parse(utc));
    expect(formatInstant(instant ?? Number.NaN)).toBe(utc);
  });
});

describe('does not take', () => {
  test.each([
    '',
    '2025',
    '2025-07-01',
    '2025-07-01T00:00Z',
    '2025-07-01T00:00:00',
    '2025-07-01 00:00:00Z',
    '20250701T000000Z',
    '2025-07-01T00:00:00.Z',
    '2025-07-01T00:00:00,5Z',
    '2025-07-01T00:00:00.1234Z',
    '2025-07-01T00:00:00.1230000000Z',
    '2025-07-01T00:00:00+0200',
    '2025-07-01T00:00:00+02',
    '2025-07-01T00:00:00 02:00',
    '2025-07-01T00:00:00+24:00',
    '2025-07-01T00:00:00+02:60',
    '2025-07-01T00:00:00ZZ',
    ' 2025-07-01T00:00:00Z',
    '2025-07-01T00:00:00Z\n',
    '2025-00-01T00:00:00Z',
    '2025-13-01T00:00:00Z',
    '2025-01-00T00:00:00Z',
    '2025-01-32T00:00:00Z',
    '2025-02-29T00:00:00Z',
    '2025-02-30T00:00:00Z',
    '1900-02-29T00:00:00Z',
    '2100-02-29T00:00:00Z',
    '2025-04-31T00:00:00Z',
    '2025-07-01T24:00:00Z',
    '2025-07-01T23:60:00Z',
    '2016-12-31T23:59:60Z',
    '2025-07-01T00:00:61Z',
    '1969-12-31T23:59:59.999Z',
    '1970-01-01T00:00:00+00:01',
    '9999-12-31T23:59:59.999-00:01',
    '0000-01-01T00:00:00Z',
    '0070-01-01T00:00:00Z',
    '10000-01-01T00:00:00Z',
    '+002025-07-01T00:00:00Z',
    '-2025-07-01T00:00:00Z',
    '1751328000000',
    '２０２５-07-01T00:00:00Z',
    'Tue, 01 Jul 2025 00:00:00 GMT',
    'now',
  ])('%j', (text) => {
    expect(parseInstant(text)).toBeUndefined();
  });
});

const instants = fc.integer({ min: 0, max: Date.parse(last) });

describe('laws', () => {
  test('every instant comes back from its text', () => {
    fc.assert(
      fc.property(instants, (instant) => {
        expect(formatInstant(instant)).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
        expect(parseInstant(formatInstant(instant))).toBe(instant);
      }),
    );
  });

  test('texts sort as the instants do', () => {
    fc.assert(
      fc.property(instants, instants, (one, other) => {
        expect(formatInstant(one) < formatInstant(other)).toBe(one < other);
      }),
    );
  });

  test('an offset only moves the clock on the wall', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 86_400_000, max: Date.parse(last) - 86_400_000 }),
        fc.integer({ min: -1_439, max: 1_439 }),
        (instant, minutes) => {
          const wall = formatInstant(instant + minutes * 60_000).replace('Z', '');
          const two = (number: number) => String(Math.trunc(Math.abs(number))).padStart(2, '0');
          const offset = `${minutes < 0 ? '-' : '+'}${two(minutes / 60)}:${two(minutes % 60)}`;
          expect(parseInstant(wall + offset)).toBe(instant);
        },
      ),
    );
  });
});

describe('formatInstant throws for what is no instant', () => {
  test.each([-1, 0.5, Number.NaN, Number.POSITIVE_INFINITY, Date.parse(last) + 1])('%d', (instant) => {
    expect(() => formatInstant(instant)).toThrow(RangeError);
  });
});
