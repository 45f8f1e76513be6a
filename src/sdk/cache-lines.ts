/**
 * The lines of a cache file. First whose values it holds; then a snapshot as it came from the server, and its checksum;
 * then a line a changeset, each with a checksum of itself and of all before it. So a line that is missing, torn or of
 * another process is noticed, and so is everything after it.
 */
import { createHash, hash } from 'node:crypto';
import { setImmediate as pause } from 'node:timers/promises';
import { z } from 'zod';
import type { ValuesChangeset } from './apply-changeset.ts';

/** Whose values a file holds: another server, ledger or choice of scopes has a file of its own. */
export interface CacheOwner {
  /** The address of the server, its path included. */
  readonly server: string;
  /** As it was asked for; otherwise the key's own, which is told by a hash of the key. */
  readonly ledger: string;
  /** Patterns; null for all. */
  readonly scopes: string | null;
}

const checksumLength = 32;

const endSchema = z.strictObject({
  type: z.literal('checksum'),
  checksum: z.string(),
  /** When the snapshot was taken, epoch milliseconds by the server's clock. */
  at: z.number(),
});

export interface CachedChangeset extends ValuesChangeset {
  /** The revision that was held before it. */
  readonly after: number;
  /** When it came, epoch milliseconds by the server's clock. */
  readonly at: number;
}

/** What stands for the ledger of an API key, and does not tell the key. */
export function ledgerOfKey(apiKey: string): string {
  return `of key ${hash('sha256', apiKey, 'hex').slice(0, 16)}`;
}

export function ownerLine({ server, ledger, scopes }: CacheOwner): string {
  return `${JSON.stringify({ format: 'varve-cache/1', server, ledger, scopes })}\n`;
}

/** The checksum of everything up to the end of the snapshot. */
export function baseChecksum(): {
  readonly update: (bytes: Uint8Array | string) => void;
  readonly digest: () => string;
} {
  const sum = createHash('sha256');
  return {
    update: (bytes) => void sum.update(bytes),
    digest: () => sum.digest('hex').slice(0, checksumLength),
  };
}

export function baseEndLine(checksum: string, at: number): string {
  return `${JSON.stringify({ type: 'checksum', checksum, at })}\n`;
}

/** What ends a snapshot in the file; undefined for every other line. */
export function readBaseEnd(line: string): { readonly checksum: string; readonly at: number } | undefined {
  return line.startsWith('{"type":"checksum"') ? endSchema.parse(JSON.parse(line)) : undefined;
}

/** So many events become text in one go: about a millisecond. */
const sliceSize = 500;

/** The line of a changeset, in pieces, with pauses between them; and the checksum that the next one goes on from. */
export async function changesetLine(before: string, { events, ...others }: CachedChangeset) {
  const pieces = [`${JSON.stringify(others).slice(0, -1)},"events":[`];
  for (let start = 0; start < events.length; start += sliceSize) {
    if (start > 0) await pause();
    const text = JSON.stringify(events.slice(start, start + sliceSize)).slice(1, -1);
    pieces.push(start === 0 ? text : `,${text}`);
  }
  pieces.push(']}');
  const sum = createHash('sha256').update(`${before} `);
  for (const piece of pieces) sum.update(piece);
  const checksum = sum.digest('hex').slice(0, checksumLength);
  return { pieces: [`${checksum} `, ...pieces, '\n'], checksum };
}

/** The changeset of a line; undefined when it is not the one that was written after `before`. */
export function readChangesetLine(before: string, line: string) {
  const checksum = line.slice(0, checksumLength);
  const text = line.slice(checksumLength + 1);
  if (checksum !== chained(before, text)) return undefined;
  return { checksum, changeset: JSON.parse(text) as CachedChangeset };
}

function chained(before: string, text: string): string {
  return hash('sha256', `${before} ${text}`, 'hex').slice(0, checksumLength);
}
