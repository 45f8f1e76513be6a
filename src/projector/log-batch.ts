/**
 * The log as projections take it: whole changesets after a revision, decoded, without a gap.
 * Stored events come in from the Ledger port, batches go out. It must never hand on part of a changeset, nor anything
 * behind an event that it could not read.
 */
import type { RecordedEvent } from '../domain/event.ts';
import { Failure } from '../failure.ts';
import { decodeEvent } from '../ledger/event-codec.ts';
import type { Ledger, StoredEvent } from '../ledger/ledger.ts';

export interface LogBatch {
  /** Whole changesets; empty at the end of the ledger. */
  readonly events: readonly RecordedEvent[];
  /** Why the changeset after them cannot be read. */
  readonly broken?: { readonly revision: number; readonly cause: unknown };
}

/** The most events of a changeset (10,000), and room: a log that goes on without a changeset's end is not ours. */
const maxTornEvents = 20_000;

/**
 * At least one changeset after the revision unless the ledger ends there, about `limit` events (1–10,000).
 * What cannot be decoded or does not follow is answered as `broken`, behind what can be used; failures of the log
 * itself are thrown as they are.
 */
export async function readBatch(
  log: Ledger,
  ledger: string,
  after: number,
  limit: number,
): Promise<LogBatch> {
  const events: RecordedEvent[] = [];
  let wholeCount = 0;
  while (wholeCount === 0) {
    const stored = await log.read(ledger, after + events.length, limit);
    if (stored.length === 0) {
      return events.length === 0
        ? { events }
        : broken([], after + events.length, torn('ends inside a changeset'));
    }
    for (const one of stored) {
      try {
        events.push(decodeNext(ledger, after + events.length + 1, events.at(-1), one));
      } catch (cause) {
        return broken(events.slice(0, wholeCount), after + events.length + 1, cause);
      }
      if (events.at(-1)?.last === true) wholeCount = events.length;
    }
    if (wholeCount === 0 && events.length > maxTornEvents) {
      return broken([], after + events.length, torn('holds a changeset without an end'));
    }
  }
  return { events: wholeCount === events.length ? events : events.slice(0, wholeCount) };
}

/** The changesets of a batch. */
export function splitChangesets(events: readonly RecordedEvent[]): readonly (readonly RecordedEvent[])[] {
  const changesets: (readonly RecordedEvent[])[] = [];
  let start = 0;
  for (const [index, { last }] of events.entries()) {
    if (!last) continue;
    changesets.push(events.slice(start, index + 1));
    start = index + 1;
  }
  return changesets;
}

function decodeNext(
  ledger: string,
  revision: number,
  before: RecordedEvent | undefined,
  stored: StoredEvent,
): RecordedEvent {
  if (stored.revision !== revision) throw torn('has a gap', 'not_contiguous');
  const event = decodeEvent(stored);
  if (event.ledger !== ledger) throw torn('holds an event of another ledger', 'other_ledger');
  if (before !== undefined && before.last === (event.changesetId === before.changesetId)) {
    throw torn('has a changeset that is not whole');
  }
  return event;
}

function torn(what: string, reason = 'torn_changeset'): Failure {
  return new Failure('corrupt', `The log ${what}`, { reason });
}

function broken(events: readonly RecordedEvent[], revision: number, cause: unknown): LogBatch {
  return { events, broken: { revision, cause } };
}
