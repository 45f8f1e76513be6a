/**
 * The fingerprint of a preview: what it would append and what that rests on, as one hash.
 * In: decided events, and the versions of the subjects that were read; out: 64 hexadecimal digits. Ids, times and
 * revisions are left out, so that the same changes on the same subjects have the same one later, behind other events.
 */
import { hash } from 'node:crypto';
import { canonicalJson } from '../domain/canonical-json.ts';
import type { DecidedEvent } from '../domain/decide.ts';
import type { EventBody } from '../domain/event.ts';
import { Failure } from '../failure.ts';

/** Where the events would stand: their recorded time, and the revision that precedes them. */
interface Place {
  readonly recordedAt: string;
  readonly base: number;
}

export function fingerprintOf(
  events: readonly DecidedEvent[],
  read: ReadonlyMap<string, number>,
  place: Place,
): string {
  const bodies = events.map(({ body }) => relative(body, place));
  return hash('sha256', canonicalJson({ events: bodies, read: Object.fromEntries(read) }), 'hex');
}

/** What a request comes to whose preview does not hold any more. */
export function outdated(cause?: Failure): Failure {
  const why = cause === undefined ? 'what it rests on has changed' : cause.message;
  return new Failure('conflict', `the preview is outdated: ${why}; make it again`, {
    reason: 'preview_outdated',
    details: [{ path: 'fingerprint', message: why }],
    cause,
  });
}

/** A body in which what depends on where the changeset will stand is told from there. */
function relative({ type, data }: EventBody, { recordedAt, base }: Place): object {
  const told: { [field: string]: unknown } = { ...data };
  for (const field of revisionFields) {
    const revision = told[field];
    if (typeof revision === 'number' && revision > base) told[field] = `+${revision - base}`;
  }
  for (const field of timeFields) if (told[field] === recordedAt) told[field] = 'now';
  return { type, data: told };
}

/** Fields that may name an event of the same changeset, and fields that may hold its recorded time. */
const revisionFields = ['revision', 'corrects'];
const timeFields = ['effectiveFrom', 'sunsetAt'];
