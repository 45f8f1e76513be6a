/**
 * How columns become JavaScript values, for our own pools only (the driver's global table stays as it is).
 * int8 → number (revisions and counts stay under 2^53; beyond it is `corrupt`); timestamptz → epoch milliseconds,
 * ±Infinity for 'infinity', microseconds cut off; arrays of both likewise. All else is the driver's way:
 * numeric stays a string (money is never a float), json and jsonb are parsed, bytea is a Buffer.
 */

import pg from 'pg';
import { Failure } from '../failure.ts';

const oids = { int8: 20, int8Array: 1016, timestamptz: 1184, timestamptzArray: 1185 } as const;

export const columnTypes: pg.CustomTypesConfig = {
  getTypeParser(oid: number, format?: 'text' | 'binary'): unknown {
    if (format === 'binary') return pg.types.getTypeParser(oid, format);
    switch (oid) {
      case oids.int8:
        return parseInt8;
      case oids.timestamptz:
        return parseTimestamptz;
      case oids.int8Array:
        return (text: string) => parseFlatArray(text, parseInt8);
      case oids.timestamptzArray:
        return (text: string) => parseFlatArray(text, parseTimestamptz);
      default:
        return pg.types.getTypeParser(oid, 'text');
    }
  },
};

/** Failures: `corrupt` for a number that JavaScript cannot hold exactly. */
export function parseInt8(text: string): number {
  const number = Number(text);
  if (Number.isSafeInteger(number)) return number;
  throw new Failure('corrupt', `The database holds ${text}, which is no exact number here`, {
    reason: 'number_too_large',
  });
}

/** Our sessions speak ISO in UTC: `2026-11-21 06:38:01.112+00`; that form is read by position, any other by the driver. */
export function parseTimestamptz(text: string): number {
  const isPlain = text.length >= 22 && text.length <= 29 && text[4] === '-' && text.endsWith('+00');
  if (!isPlain) return readUnusual(text);
  const fraction = text[19] === '.' ? Number(text.slice(20, -3).padEnd(3, '0').slice(0, 3)) : 0;
  const part = (from: number): number => Number(text.slice(from, from + 2));
  const year = Number(text.slice(0, 4));
  // Date.UTC takes the years 0–99 for 1900–1999.
  if (year < 100) return readUnusual(text);
  return Date.UTC(year, part(5) - 1, part(8), part(11), part(14), part(17), fraction);
}

const unusualForm =
  /^(\d{4,})-(\d\d)-(\d\d) (\d\d):(\d\d):(\d\d)(?:\.(\d{1,6}))?([+-])(\d\d)(?::(\d\d))?(?::(\d\d))?( BC)?$/;

/** Infinity, years before 100 or after 9999, and other offsets than UTC's. */
function readUnusual(text: string): number {
  if (text === 'infinity') return Number.POSITIVE_INFINITY;
  if (text === '-infinity') return Number.NEGATIVE_INFINITY;
  const parts = unusualForm.exec(text);
  if (parts === null) {
    throw new Failure('corrupt', `The database wrote a time as ${text}`, { reason: 'time_unreadable' });
  }
  const field = (index: number): number => Number(parts[index] ?? 0);
  const offsetSeconds = (field(9) * 60 + field(10)) * 60 + field(11);
  // There is no year 0: 1 BC is the year before 1.
  const year = parts[12] === undefined ? field(1) : 1 - field(1);
  const date = new Date(0);
  date.setUTCFullYear(year, field(2) - 1, field(3));
  date.setUTCHours(field(4), field(5), field(6), Number((parts[7] ?? '').padEnd(3, '0').slice(0, 3)));
  return date.getTime() - (parts[8] === '-' ? -1 : 1) * offsetSeconds * 1000;
}

/** One dimension of values that hold no commas, quotes inside or braces; null elements stay null. */
function parseFlatArray(text: string, parse: (element: string) => number): (number | null)[] {
  const inside = text.slice(1, -1);
  if (inside === '') return [];
  return inside.split(',').map((element) => (element === 'NULL' ? null : parse(element.replaceAll('"', ''))));
}
