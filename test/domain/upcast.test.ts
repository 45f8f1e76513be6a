/** Upcasting: old shapes come to today's in steps, what is unknown stops whoever reads it. */
import { describe, expect, test } from 'vitest';
import {
  type JsonRecord,
  schemaVersionOf,
  type UpcastStep,
  upcast,
  upcastSteps,
} from '../../src/domain/upcast.ts';
import { Failure } from '../../src/failure.ts';

const envelope = {
  ledger: 'default',
  revision: 7,
  subject: 'key:app.greeting',
  version: 1,
  recordedAt: '2026-01-01T00:00:00.000Z',
};
const retired = { ...envelope, type: 'KeyRetired', schemaVersion: 1, data: { key: 'app.greeting' } };

/** A KeyRetired that once held a `name`, then a `key` in capitals. */
const steps: Readonly<Record<string, readonly UpcastStep[]>> = {
  KeyRetired: [
    ({ name, ...rest }) => ({ ...rest, key: name ?? null }),
    ({ key, ...rest }) => ({ ...rest, key: String(key).toLowerCase() }),
  ],
};

const reasonOf = (raw: JsonRecord): string | undefined => {
  try {
    upcast(raw, steps);
  } catch (error) {
    if (error instanceof Failure && error.code === 'corrupt') return error.reason;
    throw error;
  }
  return undefined;
};

describe('an event of today', () => {
  test('is as it was written', () => {
    expect(upcast(retired)).toStrictEqual(retired);
  });

  test('of every type has a version to be written with', () => {
    for (const [type, ofType] of Object.entries(upcastSteps)) {
      expect(upcast({ ...retired, type, schemaVersion: ofType.length + 1 }).type).toBe(type);
    }
    expect(schemaVersionOf('KeyRetired')).toBe(upcastSteps.KeyRetired.length + 1);
  });
});

describe('an older event', () => {
  test.each<[number, JsonRecord]>([
    [1, { name: 'APP.Greeting', why: 'x' }],
    [2, { key: 'APP.Greeting', why: 'x' }],
    [3, { key: 'app.greeting', why: 'x' }],
  ])('of version %i takes the steps that are left', (schemaVersion, data) => {
    expect(upcast({ ...retired, schemaVersion, data }, steps)).toStrictEqual({
      ...retired,
      schemaVersion: 3,
      data: { key: 'app.greeting', why: 'x' },
    });
  });

  test('is left alone itself', () => {
    const raw = { ...retired, data: { name: 'A' } };
    upcast(raw, steps);
    expect(raw.data).toStrictEqual({ name: 'A' });
  });
});

describe('what a newer Varve wrote is corrupt', () => {
  test.each([['KeyRenamed'], ['toString'], ['__proto__'], [''], [null], [7]])('type %j', (type) => {
    expect(reasonOf({ ...retired, type })).toBe('unknown_event_type');
  });

  test.each([[4], [0], [-1], [1.5], ['1'], [null]])('schema version %j', (schemaVersion) => {
    expect(reasonOf({ ...retired, schemaVersion })).toBe('unknown_schema_version');
  });

  test('no type, no version', () => {
    expect(reasonOf({ data: {} })).toBe('unknown_event_type');
    expect(reasonOf({ type: 'KeyRetired', data: {} })).toBe('unknown_schema_version');
  });
});
