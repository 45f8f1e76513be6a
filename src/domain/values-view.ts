/**
 * The `values` view of the stream: of each event only what resolution needs; and back into a live state.
 * Server and SDK share it. What resolution does not look at (prices, descriptions, tags, keys of the API, webhooks) is left out.
 */
import type { EventBody, RecordedEvent } from './event.ts';
import { evolve } from './evolve.ts';
import { parseInstant } from './instant.ts';
import type { LiveState } from './live-state.ts';

/** An event for clients that only resolve; `version` is that of the whole subject. */
export type ValuesEvent = EventBody &
  Pick<
    RecordedEvent,
    'revision' | 'schemaVersion' | 'subject' | 'version' | 'recordedAt' | 'changesetId' | 'last'
  >;

/** What resolution needs of an event; undefined when it needs nothing. */
export function valuesView(event: RecordedEvent): ValuesEvent | undefined {
  const body = neededBody(event);
  if (body === undefined) return undefined;
  const { revision, schemaVersion, subject, version, recordedAt, changesetId, last } = event;
  return { ...body, revision, schemaVersion, subject, version, recordedAt, changesetId, last };
}

/** Folds an event of this view; the caller applies whole changesets (up to `last`) and then moves the revision on. */
export function putValuesEvent(
  state: Pick<LiveState, 'recordedAt' | 'subject' | 'put'>,
  event: ValuesEvent,
): void {
  const before = state.subject(event.subject);
  state.recordedAt = parseInstant(event.recordedAt) ?? state.recordedAt;
  // A snapshot leaves out keys that are retired: to retire one of those again says nothing.
  if (before === undefined && event.type === 'KeyRetired') return;
  const after = evolve(before, event);
  state.put(event.subject, { ...after, version: event.version });
}

function neededBody(event: RecordedEvent): EventBody | undefined {
  switch (event.type) {
    case 'KeyDefined': {
      const { key, valueType, fallback } = event.data;
      return { type: event.type, data: { key, valueType, fallback } };
    }
    case 'ModelAdded': {
      const { id, model } = event.data;
      return { type: event.type, data: { id, model: { name: model.name, status: model.status } } };
    }
    case 'ModelUpdated': {
      const { id, updates } = event.data;
      return updates.status === undefined
        ? undefined
        : { type: event.type, data: { id, updates: { status: updates.status } } };
    }
    case 'KeyRetired':
      return { type: event.type, data: event.data };
    case 'OverrideSet':
      return { type: event.type, data: event.data };
    case 'OverrideCleared':
      return { type: event.type, data: event.data };
    case 'OverrideWithdrawn':
      return { type: event.type, data: event.data };
    case 'ModelDeprecated':
      return { type: event.type, data: event.data };
    case 'ModelReinstated':
    case 'ModelRemoved':
      return { type: event.type, data: event.data };
    case 'ModelPriceChanged':
    case 'ModelPriceCorrected':
    case 'RevisionTagged':
    case 'ApiKeyCreated':
    case 'ApiKeyRevoked':
    case 'WebhookCreated':
    case 'WebhookRemoved':
    case 'LedgerCreated':
      return undefined;
    default:
      return event satisfies never;
  }
}
