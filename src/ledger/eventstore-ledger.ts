/**
 * The log in an EventStoreDB or KurrentDB: each ledger is one stream. In: canonical bytes; out: the same bytes, kept as
 * binary events with their recorded time beside them (as JSON the client would parse and write them anew).
 * An append whose outcome is unknown is tried again with the same event ids, and at last looked for in the log. What the
 * server's client does wrong is kept away in eventstore-client.ts; what events mean is none of its business.
 */
import { Failure } from '../failure.ts';
import { appendSurely } from './eventstore-append.ts';
import { openStreams } from './eventstore-client.ts';
import { eventId } from './eventstore-event-id.ts';
import { openEventStoreFollowing } from './eventstore-following.ts';
import { type LogRecords, openLogRecords } from './eventstore-records.ts';
import type { ProposedEvent, StreamEvent } from './eventstore-streams.ts';
import {
  type AppendResult,
  appendBytes,
  type Head,
  type LogHealth,
  type OpenLedger,
  type StoredEvent,
} from './ledger.ts';

export interface EventStoreLedgerOptions {
  /** `esdb:`, `esdb+discover:`, `kurrentdb:` or `kurrentdb+discover:`. */
  readonly url: string;
  /** The server's MaxAppendSize, bytes. */
  readonly maxAppendBytes: number;
  readonly newId: () => string;
  /** How often followers look at the log in case they were not told. */
  readonly pollMs: number;
  /** The longest that one call may take, milliseconds; 5,000 when absent. */
  readonly callTimeoutMs?: number;
  /** What the names of all streams begin with; `varve` when absent. Two logs on one server need two. */
  readonly prefix?: string;
}

export interface EventStoreLedger extends OpenLedger {
  /** Gives an empty log the name of the one that it is to be a copy of; answers the name that it has. */
  adopt(identity: string): Promise<string>;
}

const maxReadBytes = 8 * 1024 * 1024;
/** With its version: how the bytes were made (canonicalFormatVersion). */
const eventType = 'varve-event-1';
/**
 * The server counts data, metadata and twice the letters of the type: 26 for ours and at most 31 for the metadata; the rest is
 * reserve (test/ledger/eventstore-trouble.test.ts). On the wire an event takes 146 bytes more than its data, which nobody counts.
 */
const eventOverheadBytes = 64;

export function openEventStoreLedger(options: EventStoreLedgerOptions): EventStoreLedger {
  const { url, maxAppendBytes, newId, pollMs, callTimeoutMs = 5_000, prefix = 'varve' } = options;
  let state: LogHealth['state'] = 'connected';
  const streams = openStreams({
    url,
    callTimeoutMs,
    onAnswer: (hasAnswered) => {
      state = hasAnswered ? 'connected' : 'unreachable';
    },
  });
  const streamOf = (ledger: string) => `${prefix}_ledger-${encodeURIComponent(ledger)}`;
  const records: LogRecords = openLogRecords({ streams, prefix, newId, headOf: head });
  const following = openEventStoreFollowing({
    pollMs,
    headOf: async (ledger) => (await head(ledger)).revision,
    listen: (ledger, after, listener) => streams.listen(streamOf(ledger), after, listener),
  });

  async function head(ledger: string): Promise<Head> {
    const last = await streams.last(streamOf(ledger));
    return last === undefined
      ? { revision: 0, recordedAt: 0 }
      : { revision: last.revision, recordedAt: recordedAtOf(last) };
  }

  async function append(
    ledger: string,
    expectedRevision: number,
    events: readonly StoredEvent[],
  ): Promise<AppendResult> {
    const bytes = appendBytes(events, eventOverheadBytes);
    if (bytes > maxAppendBytes) throw tooLarge(bytes, maxAppendBytes);
    const identity = await records.identity();
    if (expectedRevision === 0) await records.register(ledger);
    const proposed = events.map((event) => proposedOf(identity, ledger, event));
    const outcome = await appendSurely(streams, streamOf(ledger), expectedRevision, proposed);
    if (outcome === 'appended') {
      following.appended(ledger, expectedRevision + events.length);
      return { appended: true };
    }
    // Where it stands is asked of the stream itself, never taken from the client's answer.
    return { appended: false, head: await head(ledger) };
  }

  async function read(ledger: string, after: number, limit: number): Promise<readonly StoredEvent[]> {
    // First where it ends, so that a read that is cut can be told from one that is complete.
    const { revision } = await head(ledger);
    const count = Math.min(limit, revision - after);
    if (count <= 0) return [];
    const events = await streams.read(streamOf(ledger), after, count, maxReadBytes);
    return events.map((event) => ({
      revision: event.revision,
      recordedAt: recordedAtOf(event),
      bytes: Buffer.from(event.data.buffer, event.data.byteOffset, event.data.length).toString('utf8'),
    }));
  }

  return {
    engine: 'eventstoredb',
    maxChangesetBytes: maxAppendBytes,
    eventOverheadBytes,
    identity: () => records.identity(),
    adopt: (identity) => records.adopt(identity),
    names: () => records.names(),
    append,
    read,
    head,
    follow: following.follow,
    health: () => ({ state }),
    async stop() {
      following.stop();
      await streams.close();
    },
  };
}

function proposedOf(identity: string, ledger: string, event: StoredEvent): ProposedEvent {
  return {
    id: eventId([identity, ledger, event.revision, event.recordedAt], event.bytes),
    type: eventType,
    data: Buffer.from(event.bytes),
    metadata: `{"recordedAt":${event.recordedAt}}`,
  };
}

function recordedAtOf({ metadata, revision }: StreamEvent): number {
  const isObject = typeof metadata === 'object' && metadata !== null;
  const recordedAt: unknown = isObject && 'recordedAt' in metadata ? metadata.recordedAt : undefined;
  if (typeof recordedAt === 'number') return recordedAt;
  throw new Failure('corrupt', `event ${revision} of the log says not when it was recorded`, {
    reason: 'foreign_event',
  });
}

function tooLarge(bytes: number, maxAppendBytes: number): Failure {
  return new Failure('refused', `the events take ${bytes} bytes, the log at most ${maxAppendBytes} at once`, {
    reason: 'changeset_too_large',
  });
}
