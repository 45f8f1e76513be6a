/** Events to bytes and back: canonical, the same again, and what is no event of ours is `corrupt`. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { canonicalJson } from '../../src/domain/canonical-json.ts';
import type { RecordedEvent } from '../../src/domain/event.ts';
import { parseInstant } from '../../src/domain/instant.ts';
import { decodeEvent, encodeEvent } from '../../src/ledger/event-codec.ts';
import { histories } from '../support/histories.ts';

const event: RecordedEvent = {
  type: 'OverrideSet',
  data: { key: 'ai.planner.model', scope: 'tenant:"ü"', value: { b: [1, null, 'x'], a: 0.1 } },
  ledger: 'default',
  revision: 7,
  schemaVersion: 1,
  subject: 'override:ai.planner.model@tenant:"ü"',
  version: 3,
  recordedAt: '2026-02-03T04:05:06.789Z',
  actor: { id: 'ann', kind: 'person', via: 'console' },
  reason: 'a\nb',
  source: 'console',
  changesetId: 'c-1',
  last: true,
  requestId: 'r-1',
};

describe('encoding', () => {
  test('is canonical JSON, with revision and moment beside it', () => {
    expect(encodeEvent(event)).toEqual({
      revision: 7,
      recordedAt: Date.UTC(2026, 1, 3, 4, 5, 6, 789),
      bytes:
        '{"actor":{"id":"ann","kind":"person","via":"console"},"changesetId":"c-1",' +
        '"data":{"key":"ai.planner.model","scope":"tenant:\\"ü\\"","value":{"a":0.1,"b":[1,null,"x"]}},' +
        '"last":true,"ledger":"default","reason":"a\\nb","recordedAt":"2026-02-03T04:05:06.789Z","requestId":"r-1",' +
        '"revision":7,"schemaVersion":1,"source":"console","subject":"override:ai.planner.model@tenant:\\"ü\\"",' +
        '"type":"OverrideSet","version":3}',
    });
  });

  test('takes the moment that it is given, without reading it again', () => {
    const moment = parseInstant(event.recordedAt) ?? 0;
    expect(encodeEvent(event, moment)).toEqual(encodeEvent(event));
  });

  test('throws for what is not JSON: a bug, not a wish', () => {
    expect(() => encodeEvent({ ...event, reason: '\ud800' })).toThrow(TypeError);
  });
});

describe('decoding', () => {
  test('gives every event back as it was, and the same bytes again', () => {
    fc.assert(
      fc.property(histories(10), (history) => {
        for (const recorded of history.flat()) {
          const stored = encodeEvent(recorded);
          const decoded = decodeEvent(stored);
          expect(decoded).toEqual(recorded);
          expect(encodeEvent(decoded)).toEqual(stored);
          expect(stored.bytes).toBe(canonicalJson(decoded));
          expect(stored.bytes).not.toContain('\n');
        }
      }),
      { numRuns: 30 },
    );
  });

  test.each([
    ['no JSON', '{"a":', 'not_an_event'],
    ['nothing', '', 'not_an_event'],
    ['null', 'null', 'not_an_event'],
    ['a list', '[]', 'not_an_event'],
    ['a number', '7', 'not_an_event'],
    ['an object without a type', '{}', 'unknown_event_type'],
    ['a type of a newer Varve', canonicalJson({ ...event, type: 'MoonPhaseChanged' }), 'unknown_event_type'],
    ['the name of a method', canonicalJson({ ...event, type: 'toString' }), 'unknown_event_type'],
    ['a newer schema version', canonicalJson({ ...event, schemaVersion: 99 }), 'unknown_schema_version'],
    ['no schema version', canonicalJson({ ...event, schemaVersion: 0 }), 'unknown_schema_version'],
    ['another revision', canonicalJson({ ...event, revision: 8 }), 'other_revision'],
  ])('%s is corrupt', (_case, bytes, reason) => {
    expect(() => decodeEvent({ revision: 7, recordedAt: 0, bytes })).toThrow(
      expect.objectContaining({ name: 'Failure', code: 'corrupt', reason }) as Error,
    );
  });
});
