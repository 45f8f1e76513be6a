/**
 * Ids of events in an EventStoreDB: made of what the event is and where it stands, so that an append that is tried again
 * is known again. A UUID of version 8 (RFC 9562 §5.8): 122 bits of a SHA-256.
 */
import { hash } from 'node:crypto';

/** The same words and bytes give the same id, in every process. */
export function eventId(words: readonly (string | number)[], bytes = ''): string {
  const digest = hash('sha256', `${JSON.stringify(words)}\n${bytes}`, 'buffer').subarray(0, 16);
  digest[6] = ((digest[6] ?? 0) & 0x0f) | 0x80;
  digest[8] = ((digest[8] ?? 0) & 0x3f) | 0x80;
  return digest.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}
