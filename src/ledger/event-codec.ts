/**
 * Events to bytes and back. Encoding is canonical JSON (RFC 8785); decoding parses and upcasts, so that everything
 * behind it sees only today's shapes. Bytes that were written stay as they are.
 */

import { canonicalJson } from '../domain/canonical-json.ts';
import type { RecordedEvent } from '../domain/event.ts';
import { parseInstant } from '../domain/instant.ts';
import { type JsonRecord, upcast } from '../domain/upcast.ts';
import { Failure } from '../failure.ts';
import type { StoredEvent } from './ledger.ts';

/** The event as the log keeps it. `recordedAt` is the event's, epoch milliseconds, where it is known already. */
export function encodeEvent(
  event: RecordedEvent,
  recordedAt = parseInstant(event.recordedAt) ?? 0,
): StoredEvent {
  return { revision: event.revision, recordedAt, bytes: canonicalJson(event) };
}

/** A stored event in today's shape. Throws Failure `corrupt` for what this version does not know, or is no event. */
export function decodeEvent(stored: StoredEvent): RecordedEvent {
  const event = upcast(parseRecord(stored));
  if (event.revision !== stored.revision) {
    throw new Failure(
      'corrupt',
      `the event at revision ${stored.revision} says that it is ${event.revision}`,
      {
        reason: 'other_revision',
      },
    );
  }
  return event;
}

function parseRecord({ revision, bytes }: StoredEvent): JsonRecord {
  let record: unknown;
  let cause: unknown;
  try {
    record = JSON.parse(bytes);
  } catch (error) {
    cause = error;
  }
  if (isRecord(record)) return record;
  throw new Failure('corrupt', `what stands at revision ${revision} is no event`, {
    reason: 'not_an_event',
    cause,
  });
}

function isRecord(value: unknown): value is JsonRecord {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
