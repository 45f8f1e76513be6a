/**
 * Ids of events in an EventStoreDB: made of what the event is and where it stands, so that an append that is tried again
 * is known again.
 */
import { hashedUuid } from './hashed-uuid.ts';

/** The same words and bytes give the same id, in every process. */
export function eventId(words: readonly (string | number)[], bytes = ''): string {
  return hashedUuid(`${JSON.stringify(words)}\n${bytes}`);
}
