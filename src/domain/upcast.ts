/**
 * Upcasting: events of older schema versions are brought to today's shape when they are read.
 * A shape that changes gets a new version here and one pure step from the version before; old bytes stay.
 */
import { Failure } from '../failure.ts';
import type { EventType, RecordedEvent } from './event.ts';
import type { JsonValue } from './json.ts';

export type JsonRecord = { readonly [field: string]: JsonValue };

/** Brings the data of an event from one schema version to the next. */
export type UpcastStep = (data: JsonRecord) => JsonRecord;

/** The steps of each type, the first from version 1 to 2; today's version is one more than their number. */
export const upcastSteps: Readonly<Record<EventType, readonly UpcastStep[]>> = {
  KeyDefined: [],
  KeyRetired: [],
  OverrideSet: [],
  OverrideCleared: [],
  OverrideWithdrawn: [],
  ModelAdded: [],
  ModelUpdated: [],
  ModelPriceChanged: [],
  ModelPriceCorrected: [],
  ModelDeprecated: [],
  ModelReinstated: [],
  ModelRemoved: [],
  RevisionTagged: [],
  ApiKeyCreated: [],
  ApiKeyRevoked: [],
  WebhookCreated: [],
  WebhookRemoved: [],
  LedgerCreated: [],
};

/** The schema version that new events of a type are written with. */
export function schemaVersionOf(type: EventType): number {
  return upcastSteps[type].length + 1;
}

/**
 * An event in today's shape. Throws Failure `corrupt`, reason `unknown_event_type` or `unknown_schema_version`,
 * for what was written by a newer Varve: nothing is skipped.
 */
export function upcast(
  raw: JsonRecord,
  steps: Readonly<Record<string, readonly UpcastStep[]>> = upcastSteps,
): RecordedEvent {
  const { type, schemaVersion, data, revision } = raw;
  const known = typeof type === 'string' && Object.hasOwn(steps, type) ? steps[type] : undefined;
  if (known === undefined) {
    throw new Failure(
      'corrupt',
      `revision ${say(revision)} holds an event of the unknown type ${say(type)}`,
      {
        reason: 'unknown_event_type',
      },
    );
  }
  if (!isVersion(schemaVersion) || schemaVersion > known.length + 1) {
    throw new Failure(
      'corrupt',
      `revision ${say(revision)} holds a ${say(type)} of the unknown schema version ${say(schemaVersion)}`,
      { reason: 'unknown_schema_version' },
    );
  }
  const today = known.slice(schemaVersion - 1).reduce((current, step) => step(current), data as JsonRecord);
  const event: unknown = { ...raw, schemaVersion: known.length + 1, data: today };
  return event as RecordedEvent;
}

function isVersion(value: JsonValue | undefined): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 1;
}

/** A member of bytes that may hold anything, for people. */
function say(value: JsonValue | undefined): string {
  return typeof value === 'string' ? value : JSON.stringify(value ?? null);
}
