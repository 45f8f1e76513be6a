/**
 * What must hold of a ledger's events one after the other: looked at in passing, in bounded memory.
 * Stored events come in, in the order of the log; violations are told as they are found. It stops at nothing: what
 * follows a violation is looked at as well.
 */

import { canonicalJson } from '../domain/canonical-json.ts';
import type { RecordedEvent } from '../domain/event.ts';
import { parseInstant } from '../domain/instant.ts';
import { Failure } from '../failure.ts';
import { decodeEvent } from './event-codec.ts';
import type { Head, StoredEvent } from './ledger.ts';

export const logChecks = [
  'gapless revisions',
  'recorded time',
  'canonical bytes',
  'known events',
  'own place',
  'whole changesets',
] as const;

export type LogCheck = (typeof logChecks)[number];

export interface LogChecker {
  take(stored: StoredEvent): void;
  /** After the last event. */
  end(head: Head): void;
}

export function createLogChecker(
  ledger: string,
  tell: (check: LogCheck, revision: number, what: string) => void,
): LogChecker {
  let revision = 0;
  let recordedAt = 0;
  let before: RecordedEvent | undefined;
  return {
    take(stored) {
      if (stored.revision !== revision + 1)
        tell('gapless revisions', stored.revision, `comes after revision ${revision}`);
      if (stored.recordedAt < recordedAt)
        tell('recorded time', stored.revision, 'is recorded before the event in front of it');
      revision = stored.revision;
      recordedAt = Math.max(recordedAt, stored.recordedAt);
      checkBytes(stored, tell);
      const event = decoded(stored, tell);
      if (event === undefined) {
        before = undefined;
        return;
      }
      checkPlace(event, ledger, stored, tell);
      checkChangeset(before, event, tell);
      before = event;
    },
    end(head) {
      if (head.revision !== revision)
        tell('gapless revisions', revision, `is the last, and the ledger's head says ${head.revision}`);
      if (before?.last === false)
        tell('whole changesets', revision, 'is the last and not the end of its changeset');
    },
  };
}

type Tell = Parameters<typeof createLogChecker>[1];

function checkBytes({ revision, bytes }: StoredEvent, tell: Tell): void {
  try {
    const value: unknown = JSON.parse(bytes);
    const isObject = typeof value === 'object' && value !== null;
    if (!isObject || canonicalJson(value) !== bytes)
      tell('canonical bytes', revision, 'is not written canonically');
  } catch {
    tell('canonical bytes', revision, 'is no JSON');
  }
}

function decoded(stored: StoredEvent, tell: Tell): RecordedEvent | undefined {
  try {
    return decodeEvent(stored);
  } catch (error) {
    const why = error instanceof Failure ? (error.reason ?? error.code) : 'unreadable';
    if (why === 'other_revision') tell('own place', stored.revision, 'says that it is another revision');
    else tell('known events', stored.revision, `cannot be read: ${why}`);
    return undefined;
  }
}

function checkPlace(event: RecordedEvent, ledger: string, stored: StoredEvent, tell: Tell): void {
  if (event.ledger !== ledger) tell('own place', stored.revision, 'says that it is of another ledger');
  if (parseInstant(event.recordedAt) !== stored.recordedAt)
    tell('recorded time', stored.revision, 'says another time than its row');
}

function checkChangeset(before: RecordedEvent | undefined, event: RecordedEvent, tell: Tell): void {
  if (before === undefined) return;
  const isSame = before.changesetId === event.changesetId;
  if (before.last === isSame) {
    const what = isSame
      ? 'goes on in a changeset that had ended'
      : 'begins while another changeset had not ended';
    tell('whole changesets', event.revision, what);
  } else if (isSame && wordsOf(before) !== wordsOf(event))
    tell('whole changesets', event.revision, 'says another actor, reason or time than its changeset');
}

/** What all events of a changeset say alike. */
function wordsOf({
  actor,
  reason,
  recordedAt,
  source,
  requestId,
  undoes,
  idempotency,
}: RecordedEvent): string {
  return JSON.stringify([actor, reason, recordedAt, source, requestId, undoes, idempotency]);
}
