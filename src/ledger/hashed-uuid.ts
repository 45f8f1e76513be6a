/**
 * Ids made of what they name: the same text gives the same id, in every process. A UUID of version 8 (RFC 9562 §5.8):
 * 122 bits of a SHA-256.
 */
import { hash } from 'node:crypto';

export function hashedUuid(text: string): string {
  const digest = hash('sha256', text, 'buffer').subarray(0, 16);
  digest[6] = ((digest[6] ?? 0) & 0x0f) | 0x80;
  digest[8] = ((digest[8] ?? 0) & 0x3f) | 0x80;
  return digest.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}
